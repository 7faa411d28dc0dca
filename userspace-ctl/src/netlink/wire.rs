// SPDX-License-Identifier: GPL-2.0

//! Netlink messages as bytes, among them the extended acknowledgement. No I/O, and no panic
//! whatever the bytes are.
//!
//! `Documentation/userspace-api/netlink/intro.rst` has the format.

use camzone_policy::attribute::Attributes;
use netlink_packet_core::{
    NetlinkBuffer, NLMSG_DONE, NLMSG_ERROR, NLMSG_NOOP, NLM_F_ACK_TLVS, NLM_F_CAPPED,
    NLM_F_DUMP_INTR,
};

/// Bytes of a netlink header.
pub const HEADER: usize = 16;
/// Bytes of a generic netlink header.
pub const GENERIC_HEADER: usize = 4;

/// `NLMSGERR_ATTR_MSG`
const ATTR_MSG: u16 = 1;
/// `NLMSGERR_ATTR_OFFS`
const ATTR_OFFS: u16 = 2;
/// `NLMSGERR_ATTR_MISS_TYPE`
const ATTR_MISS_TYPE: u16 = 5;

/// What the kernel has to say about a request, besides the number of an error.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extack {
    /// In words.
    pub message: Option<String>,
    /// Where in the request, in bytes from its netlink header.
    pub offset: Option<usize>,
    /// The type of an attribute that is missing.
    pub missing: Option<u32>,
}

/// How a request ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ack {
    /// The error, 0 for success.
    pub errno: i32,
    /// What there is to say about it. With success it is a warning.
    pub extack: Extack,
}

/// The bytes are no answer to the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken(pub &'static str);

/// Reads the attributes behind a netlink error or the end of a dump.
///
/// `kind`, `flags` and `payload` are the message's. Empty when there are none.
pub fn extack(kind: u16, flags: u16, payload: &[u8]) -> Extack {
    let mut out = Extack::default();
    if flags & NLM_F_ACK_TLVS == 0 {
        return out;
    }
    let start = match kind {
        NLMSG_DONE => 4,
        _ if flags & NLM_F_CAPPED != 0 => 4 + HEADER,
        // The whole request is repeated, and its length is the first thing in it.
        _ => match u32_at(payload, 4).and_then(|len| usize::try_from(len).ok()) {
            Some(len) => len.saturating_add(4 + 3) & !3,
            None => return out,
        },
    };
    let Some(attributes) = payload.get(start..) else {
        return out;
    };
    for attribute in Attributes::new(attributes).map_while(Result::ok) {
        match attribute.kind {
            ATTR_MSG => {
                let text = String::from_utf8_lossy(attribute.string());
                out.message = Some(text.into_owned());
            }
            ATTR_OFFS => out.offset = attribute.u32().and_then(|n| usize::try_from(n).ok()),
            ATTR_MISS_TYPE => out.missing = attribute.u32(),
            _ => {}
        }
    }
    out
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_ne_bytes(bytes.try_into().ok()?))
}

/// A request with its headers. The kernel is always asked to acknowledge it.
pub fn request(
    family: u16,
    flags: u16,
    seq: u32,
    command: u8,
    attributes: &[u8],
) -> Option<Vec<u8>> {
    let len = HEADER + GENERIC_HEADER + attributes.len();
    let mut bytes = vec![0; HEADER];
    let mut header = NetlinkBuffer::new(&mut bytes);
    header.set_length(u32::try_from(len).ok()?);
    header.set_message_type(family);
    header.set_flags(flags);
    header.set_sequence_number(seq);
    bytes.reserve(len);
    // struct genlmsghdr: command, version, two bytes of nothing.
    bytes.extend([command, 1, 0, 0]);
    bytes.extend(attributes);
    Some(bytes)
}

/// The answer to one request, as it comes in.
#[derive(Clone, Debug)]
pub struct Exchange {
    family: u16,
    seq: u32,
    dump: bool,
    /// The attributes of each message of the answer.
    pub replies: Vec<Vec<u8>>,
    /// Something changed while it was dumped.
    pub interrupted: bool,
}

impl Exchange {
    /// The answer of `family` to the request with the number `seq`.
    pub const fn new(family: u16, seq: u32, dump: bool) -> Self {
        let replies = Vec::new();
        Exchange {
            family,
            seq,
            dump,
            replies,
            interrupted: false,
        }
    }

    /// Takes in what was received. `Some` when the answer is complete.
    ///
    /// # Errors
    ///
    /// [`Broken`] when these are not messages.
    pub fn take(&mut self, mut datagram: &[u8]) -> Result<Option<Ack>, Broken> {
        while !datagram.is_empty() {
            let message = NetlinkBuffer::new_checked(datagram);
            let message = message.map_err(|_| Broken("a message is cut off"))?;
            let (kind, flags) = (message.message_type(), message.flags());
            let len = usize::try_from(message.length()).unwrap_or(usize::MAX);
            let payload = datagram.get(HEADER..len);
            let payload = payload.ok_or(Broken("a message is cut off"))?;
            let ours = message.sequence_number() == self.seq;
            datagram = datagram.get((len + 3) & !3..).unwrap_or(&[]);
            // What is left of an exchange that was given up.
            if !ours {
                continue;
            }
            self.interrupted |= flags & NLM_F_DUMP_INTR != 0;
            match kind {
                NLMSG_NOOP => {}
                NLMSG_ERROR | NLMSG_DONE => {
                    // The end of a dump has its error in the same place.
                    let errno = u32_at(payload, 0).unwrap_or(0).to_ne_bytes();
                    let errno = i32::from_ne_bytes(errno).wrapping_neg();
                    if kind == NLMSG_DONE && !self.dump {
                        continue;
                    }
                    if kind == NLMSG_ERROR && errno == 0 && self.dump {
                        // The acknowledgement of a dump that goes on.
                        continue;
                    }
                    let extack = extack(kind, flags, payload);
                    return Ok(Some(Ack { errno, extack }));
                }
                kind if kind == self.family => {
                    let attributes = payload.get(GENERIC_HEADER..);
                    let attributes = attributes.ok_or(Broken("a message is too short"))?;
                    self.replies.push(attributes.to_vec());
                }
                _ => return Err(Broken("a message is of another family")),
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use camzone_policy::attribute::Writer;
    use netlink_packet_core::NLM_F_MULTIPART;
    use proptest::prelude::*;

    fn message(kind: u16, flags: u16, seq: u32, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; HEADER];
        let mut header = NetlinkBuffer::new(&mut bytes);
        header.set_length(u32::try_from(HEADER + payload.len()).unwrap());
        header.set_message_type(kind);
        header.set_flags(flags);
        header.set_sequence_number(seq);
        bytes.extend(payload);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    fn tlvs(text: &str, offset: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut writer = Writer(&mut bytes);
        writer.string(ATTR_MSG, text.as_bytes()).unwrap();
        writer.u32(ATTR_OFFS, offset).unwrap();
        bytes
    }

    fn refusal() -> Extack {
        let message = Some(String::from("no"));
        Extack {
            message,
            offset: Some(52),
            missing: None,
        }
    }

    #[test]
    fn reads_the_extack_of_a_capped_error() {
        let mut payload = (-22i32).to_ne_bytes().to_vec();
        payload.extend([0; HEADER]);
        payload.extend(tlvs("no", 52));
        let bytes = message(NLMSG_ERROR, NLM_F_CAPPED | NLM_F_ACK_TLVS, 7, &payload);
        let ack = Exchange::new(30, 7, false).take(&bytes);
        assert_eq!(
            ack,
            Ok(Some(Ack {
                errno: 22,
                extack: refusal()
            }))
        );
    }

    #[test]
    fn reads_the_extack_behind_a_repeated_request() {
        let mut payload = (-22i32).to_ne_bytes().to_vec();
        payload.extend(message(30, 0, 7, &[1, 2, 3, 4, 5]));
        payload.extend(tlvs("no", 52));
        let bytes = message(NLMSG_ERROR, NLM_F_ACK_TLVS, 7, &payload);
        let ack = Exchange::new(30, 7, false).take(&bytes);
        assert_eq!(
            ack,
            Ok(Some(Ack {
                errno: 22,
                extack: refusal()
            }))
        );
    }

    #[test]
    fn reads_the_error_at_the_end_of_a_dump() {
        let mut payload = (-19i32).to_ne_bytes().to_vec();
        payload.extend(tlvs("no", 52));
        let flags = NLM_F_MULTIPART | NLM_F_ACK_TLVS;
        let mut bytes = message(30, NLM_F_MULTIPART, 7, &[6, 1, 0, 0]);
        bytes.extend(message(NLMSG_DONE, flags, 7, &payload));
        let mut exchange = Exchange::new(30, 7, true);
        let ack = exchange.take(&bytes);
        assert_eq!(
            ack,
            Ok(Some(Ack {
                errno: 19,
                extack: refusal()
            }))
        );
        assert_eq!(exchange.replies, [Vec::<u8>::new()]);
    }

    #[test]
    fn notices_an_interrupted_dump_even_at_its_end() {
        let flags = NLM_F_MULTIPART | NLM_F_DUMP_INTR;
        let bytes = message(NLMSG_DONE, flags, 7, &0i32.to_ne_bytes());
        let mut exchange = Exchange::new(30, 7, true);
        assert_eq!(exchange.take(&bytes), Ok(Some(Ack::default())));
        assert!(exchange.interrupted);
    }

    #[test]
    fn passes_over_what_answers_another_request() {
        let late = message(NLMSG_ERROR, NLM_F_CAPPED, 6, &[0; 4 + HEADER]);
        assert_eq!(Exchange::new(30, 7, false).take(&late), Ok(None));
    }

    #[test]
    fn refuses_messages_that_are_cut_off() {
        let whole = message(NLMSG_ERROR, NLM_F_CAPPED, 7, &[0; 4 + HEADER]);
        for len in 1..whole.len() {
            assert!(
                Exchange::new(30, 7, false).take(&whole[..len]).is_err(),
                "{len}"
            );
        }
    }

    proptest! {
        #[test]
        fn takes_any_bytes(bytes: Vec<u8>, kind: u16, flags: u16, dump: bool) {
            let _ = extack(kind, flags, &bytes);
            let _ = Exchange::new(30, 7, dump).take(&bytes);
        }

        // Bytes that get past the header: the interesting faults are behind it.
        #[test]
        fn takes_any_payload(
            parts in proptest::collection::vec(
                (prop_oneof![Just(NLMSG_ERROR), Just(NLMSG_DONE), Just(30), any::<u16>()],
                 any::<u16>(), proptest::collection::vec(any::<u8>(), 0..80)), 1..4),
            cut: prop::sample::Index,
            dump: bool,
        ) {
            let mut bytes = Vec::new();
            for (kind, flags, payload) in &parts {
                bytes.extend(message(*kind, *flags, 7, payload));
            }
            let _ = Exchange::new(30, 7, dump).take(&bytes);
            let _ = Exchange::new(30, 7, dump).take(&bytes[..cut.index(bytes.len())]);
        }
    }
}
