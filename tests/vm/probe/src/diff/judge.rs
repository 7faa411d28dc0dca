// SPDX-License-Identifier: GPL-2.0
//! What came out of the two routers, packet by packet: made comparable, compared, and shown.

use super::ears::{Heard, Place};
use super::intended::ingress;
use super::packet::{number_in, Shot};
use super::world::{run, TAGGED};
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where the IP packet begins in what was heard or sent at a place.
pub fn ip_of(place: Place, bytes: &[u8]) -> &[u8] {
    match place {
        Place::Router => bytes,
        Place::Wire(_) => {
            let mut at = 12;
            while bytes.get(at..at + 2) == Some(&[0x81, 0]) {
                at += 4;
            }
            match bytes.get(at..at + 2) {
                Some([8, 0] | [0x86, 0xdd]) => &bytes[at + 2..],
                _ => &[],
            }
        }
    }
}

/// The few words of a packet that the comparison needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Words {
    pub src: IpAddr,
    pub dst: IpAddr,
    pub proto: u8,
    /// Source and destination port, where there are such.
    pub ports: (u16, u16),
    /// ICMP's type or TCP's flags.
    pub kind: u8,
    /// Where the transport header begins.
    pub at: usize,
    /// An authentication header of IPv6 stands before it.
    pub authenticated: bool,
    /// It is a piece of a packet, and not the first.
    pub later: bool,
    /// The identification that all pieces of the packet have.
    pub piece: Option<u32>,
}

impl Words {
    /// The same flow's other direction; an answer there is a question.
    pub fn turned(self) -> Words {
        let kind = match (self.proto, self.kind) {
            (1, 0) => 8,
            (1, 8) => 0,
            (1, 13 | 15 | 17) | (58, 128) => self.kind + 1,
            (1, 14 | 16 | 18) | (58, 129) => self.kind - 1,
            (_, kind) => kind,
        };
        Words {
            src: self.dst,
            dst: self.src,
            ports: (self.ports.1, self.ports.0),
            kind,
            ..self
        }
    }

    /// Whether both are pieces that the kernel puts together.
    pub fn is_beside(&self, other: &Words) -> bool {
        let key = |words: &Words| (words.piece, words.src, words.dst, words.proto);
        self.piece.is_some() && key(self) == key(other)
    }

    /// Whether it came out as a piece of what the other was sent as a piece of: IPv6's get a new
    /// identification.
    fn is_piece_of(&self, sent: &Words) -> bool {
        let same = (self.src, self.dst, self.proto) == (sent.src, sent.dst, sent.proto);
        same && sent.piece.is_some() && (self.src.is_ipv6() || self.piece == sent.piece)
    }

    /// Whether it is the other, or has its two ends the other way round.
    fn has_ends_of(&self, sent: &Words) -> bool {
        let ends = |words: Words| (words.src, words.dst, words.ports);
        !sent.later && (ends(*self) == ends(*sent) || ends(*self) == ends(sent.turned()))
    }
}

/// Reads a packet as far as it can be read.
pub fn words(ip: &[u8]) -> Option<Words> {
    let (src, dst, mut proto, mut at): (IpAddr, IpAddr, u8, usize) = match ip.first()? >> 4 {
        4 if ip.len() >= 20 => {
            let a = |at: usize| Ipv4Addr::new(ip[at], ip[at + 1], ip[at + 2], ip[at + 3]);
            (
                a(12).into(),
                a(16).into(),
                ip[9],
                usize::from(ip[0] & 15) * 4,
            )
        }
        6 if ip.len() >= 40 => {
            let a = |at: usize| <[u8; 16]>::try_from(&ip[at..at + 16]).map(Ipv6Addr::from);
            (a(8).ok()?.into(), a(24).ok()?.into(), ip[6], 40)
        }
        _ => return None,
    };
    let (mut authenticated, mut fragment) = (false, false);
    let (mut later, mut piece) = (false, None);
    if src.is_ipv4() {
        let place = u16::from_be_bytes([ip[6], ip[7]]);
        later = place & 0x1fff != 0;
        piece = (place & 0x3fff != 0).then(|| u16::from_be_bytes([ip[4], ip[5]]).into());
    } else {
        while let (0 | 43 | 44 | 51 | 60, Some(head)) = (proto, ip.get(at..at + 8)) {
            authenticated |= proto == 51;
            if proto == 44 && !fragment {
                fragment = true;
                let place = u16::from_be_bytes([head[2], head[3]]);
                later = place & !7 != 0;
                let id = || u32::from_be_bytes([head[4], head[5], head[6], head[7]]);
                piece = (place & !6 != 0).then(id);
            }
            at += match proto {
                44 => 8,
                51 => usize::from(head[1]) * 4 + 8,
                _ => usize::from(head[1]) * 8 + 8,
            };
            proto = head[0];
        }
    }
    let word = |at: usize| {
        ip.get(at..at + 2)
            .map_or(0, |b| u16::from_be_bytes([b[0], b[1]]))
    };
    let ports = match proto {
        6 | 17 => (word(at), word(at + 2)),
        // The identifier of a question and its answer.
        1 if ip
            .get(at)
            .is_some_and(|kind| ![3, 4, 5, 11, 12].contains(kind)) =>
        {
            (word(at + 4), word(at + 4))
        }
        _ => (0, 0),
    };
    let kind = match proto {
        6 => ip.get(at + 13),
        _ => ip.get(at),
    };
    Some(Words {
        src,
        dst,
        proto,
        ports,
        kind: kind.copied().unwrap_or(0),
        at,
        authenticated,
        later,
        piece,
    })
}

/// Whether it is an error or a reset of somebody about a packet.
pub fn is_answer(words: &Words) -> bool {
    // What stands in a later piece is no header.
    if words.later {
        return false;
    }
    match (words.src.is_ipv6(), words.proto) {
        (false, 1) => [3, 4, 5, 11, 12].contains(&words.kind),
        (true, 58) => words.kind < 128 || words.kind == 137,
        (_, 6) => words.kind & 4 != 0,
        _ => false,
    }
}

/// The two ends of a flow as connection tracking has them, whichever way round, and its protocol.
pub type Ends = (u8, [(IpAddr, u16); 2]);

/// The flow that a packet is of, or that an error is about. `None` where that cannot be seen in it: in
/// a later piece of a packet, or in what is no flow's.
pub fn flow_of(ip: &[u8]) -> Option<Ends> {
    let own = words(ip).filter(|words| !words.later)?;
    let transport = ip.get(own.at..)?;
    let v6 = own.src.is_ipv6();
    let ports = match (own.proto, own.kind) {
        (1, _) if !v6 && is_answer(&own) => return flow_of(transport.get(8..)?),
        (58, 1..=4) if v6 => return flow_of(transport.get(8..)?),
        (58, 128 | 129) => {
            let id = u16::from_be_bytes([*transport.get(4)?, *transport.get(5)?]);
            (id, id)
        }
        (58, _) => return None,
        (132, _) => {
            let word = |at: usize| {
                Some(u16::from_be_bytes([
                    *transport.get(at)?,
                    *transport.get(at + 1)?,
                ]))
            };
            (word(0)?, word(2)?)
        }
        _ => own.ports,
    };
    let mut ends = [(own.src, ports.0), (own.dst, ports.1)];
    ends.sort();
    Some((own.proto, ends))
}

/// What was heard, without what each kernel rolls dice for: the identification of what it sends, or
/// splits of IPv6, and flow labels. Groups' own chatter, which comes when its timers say so, is nothing.
pub fn plain((place, mut bytes): Heard) -> Option<Heard> {
    let start = bytes.len() - ip_of(place, &bytes).len();
    let numbered = number_in(&bytes).is_some();
    let ip = &mut bytes[start..];
    match ip.first().map(|b| b >> 4) {
        Some(4) if ip.len() >= 20 => {
            if ip[9] == 2 && !numbered {
                return None;
            }
            // A piece has its sender's.
            if words(ip)?.piece.is_none() {
                ip[4..6].fill(0);
            }
            no_clock(ip);
        }
        Some(6) if place != Place::Router && ip.len() >= 40 => {
            let words = words(ip)?;
            if words.proto == 58 && [131, 132, 143].contains(&words.kind) && !numbered {
                return None;
            }
            ip[1..4].fill(0);
            // The identification in a fragment header, wherever in the chain that is.
            let (mut proto, mut at) = (ip[6], 40);
            while let (0 | 43 | 44 | 60, Some(head)) = (proto, ip.get_mut(at..at + 8)) {
                if proto == 44 {
                    head[4..].fill(0);
                    break;
                }
                (proto, at) = (head[0], at + usize::from(head[1]) * 8 + 8);
            }
        }
        Some(6)
            if ip.get(1) == Some(&58)
                && matches!(ip.get(2), Some(131 | 132 | 143))
                && !numbered =>
        {
            return None
        }
        _ => {}
    }
    Some((place, bytes))
}

/// Takes out of an IPv4 packet what a router's clock has put there: the times of a timestamp
/// reply (RFC 792) and of the timestamp option (RFC 781).
fn no_clock(ip: &mut [u8]) {
    let at = usize::from(ip[0] & 15) * 4;
    ip[10..12].fill(0);
    if ip[9] == 1 && ip.get(at) == Some(&14) {
        let times = [at + 2..at + 4, at + 12..at + 20];
        times
            .into_iter()
            .for_each(|times| ip.get_mut(times).map(|b| b.fill(0)).unwrap_or(()));
    }
    // An error quotes a packet that has been stamped.
    if let (1, Some(3 | 11 | 12), Some(0x45..=0x4f)) = (ip[9], ip.get(at), ip.get(at + 8)) {
        if ip.len() >= at + 28 {
            ip[at + 2..at + 4].fill(0);
            no_clock(&mut ip[at + 8..]);
        }
    }
    let mut option = 20;
    while let (true, Some(kind)) = (option < at, ip.get(option).copied()) {
        let len = match kind {
            0 => break,
            1 => 1,
            _ => usize::from(ip.get(option + 1).copied().unwrap_or(0)).max(2),
        };
        if kind == 68 {
            if let Some(times) = ip.get_mut(option + 4..(option + len).min(at)) {
                times.fill(0);
            }
        }
        option += len;
    }
}

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// It went on, by a wire.
    Forwarded,
    /// The router itself got it.
    Delivered,
    /// It was stopped, and its sender was told.
    Refused,
    /// Nothing more was seen of it.
    Dropped,
}

/// What came out for each number, and what has none.
#[derive(Default)]
pub struct Sorted {
    pub of: BTreeMap<u32, Vec<Heard>>,
    pub rest: Vec<Heard>,
}

pub fn sort(heard: Vec<Heard>) -> Sorted {
    let mut sorted = Sorted::default();
    for one in heard.into_iter().filter_map(plain) {
        match number_in(&one.1) {
            // A timestamp reply has a time where the number was.
            Some(number) if number != 0 => sorted.of.entry(number).or_default().push(one),
            _ => sorted.rest.push(one),
        }
    }
    sorted
}

/// Whether what was heard is on the packet's link, if an address of it means another host on each.
fn is_on_link(place: Place, own: &Words, shot: &Shot) -> bool {
    let linked = |a: IpAddr| matches!(a, IpAddr::V6(a) if a.is_unicast_link_local());
    let Some(from) = ingress(shot) else {
        return true;
    };
    // What goes out by the VLAN is heard on the wire that carries it as well.
    let carried = from == TAGGED.0 && place == Place::Wire(TAGGED.1);
    place == Place::Wire(from) || carried || !(linked(own.src) || linked(own.dst))
}

/// What has no number belongs to the last packet of the round that it can be, or can be an answer
/// to: its own two ends, or those the other way round. A later piece has no ports, but is of what was
/// sent in pieces. The others of them, and with them the ports, may have been sent in an earlier round.
pub fn adopt(sorted: &mut Sorted, shots: &[Shot], past: &HashMap<u32, Shot>) {
    let pair = |shot: &Shot| words(ip_of(shot.place, &shot.bytes));
    let rest = std::mem::take(&mut sorted.rest);
    for one in rest {
        let own = words(ip_of(one.0, &one.1));
        let both = |shot: &Shot| own.zip(pair(shot));
        let is_of = |shot: &&Shot| {
            both(shot).is_some_and(|(own, of)| match own.later {
                true => own.is_piece_of(&of),
                false => is_on_link(one.0, &own, shot) && own.has_ends_of(&of),
            })
        };
        // An error of the router's own, which may quote too little.
        let is_about =
            |shot: &&Shot| both(shot).is_some_and(|(own, of)| own.dst == of.src && is_answer(&own));
        let last = || shots.iter().rev();
        let before = || {
            // Without ports, others have the same ends.
            let tells = own.is_some_and(|own| own.later || own.ports != (0, 0));
            let in_pieces = |shot: &&Shot| tells && pair(shot).is_some_and(|of| of.piece.is_some());
            let all = past.values().filter(|shot| is_of(shot) && in_pieces(shot));
            all.max_by_key(|shot| shot.number)
        };
        let found = last().find(is_of).or_else(before);
        // Of IPv6 a router's ear has no addresses: those who ask are few.
        match found.or_else(|| last().find(is_about)) {
            Some(shot) => sorted.of.entry(shot.number).or_default().push(one),
            None => sorted.rest.push(one),
        }
    }
}

/// What of the one is not in the other, where each thing counts as often as it is there.
pub fn beyond(one: &[Heard], other: &[Heard]) -> Vec<Heard> {
    let mut other = other.to_vec();
    let mut only = one.to_vec();
    only.retain(|heard| match other.iter().position(|o| o == heard) {
        Some(at) => {
            other.swap_remove(at);
            false
        }
        None => true,
    });
    only
}

/// Whether something that has no number can be the packet, one of whose ends may have been
/// translated, or what its sender is told.
pub fn may_be_of(shot: &Shot, (place, bytes): &Heard) -> bool {
    let Some(of) = words(ip_of(shot.place, &shot.bytes)) else {
        return false;
    };
    if *place == Place::Router && bytes.first() == Some(&0x60) {
        // Of IPv6 a router's ear has the protocol only.
        return of.src.is_ipv6() && bytes.get(1) == Some(&of.proto);
    }
    words(ip_of(*place, bytes)).is_some_and(|own| {
        let same = own.proto == of.proto;
        let translated = same && (own.src == of.src || own.dst == of.dst);
        let told = own.dst == of.src && (same || is_answer(&own));
        (translated || told) && is_on_link(*place, &own, shot)
    })
}

/// What became of a packet, by what was heard of it.
pub fn class(shot: &Shot, heard: &[Heard]) -> Class {
    let answer = |one: &Heard| words(ip_of(one.0, &one.1)).is_some_and(|words| is_answer(&words));
    let itself = words(ip_of(shot.place, &shot.bytes)).is_some_and(|words| is_answer(&words));
    let (mut class, mut told) = (Class::Dropped, false);
    for one in heard {
        if answer(one) && !itself {
            told = true;
        } else if one.0 == Place::Router {
            class = Class::Delivered;
        } else {
            class = class.min(Class::Forwarded);
        }
    }
    match class {
        Class::Dropped if told => Class::Refused,
        other => other,
    }
}

/// A packet for a person: where, in hexadecimal, and as tcpdump reads it.
pub fn show(place: Place, bytes: &[u8]) -> String {
    let hex = bytes
        .iter()
        .fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    let mut capture = vec![
        0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0,
    ];
    let link: u32 = if matches!(place, Place::Wire(_)) {
        1
    } else {
        101
    };
    capture.extend(link.to_le_bytes());
    capture.extend([0; 8]);
    capture.extend([(bytes.len() as u32).to_le_bytes(); 2].concat());
    capture.extend(bytes);
    let path = std::env::temp_dir().join("diff.pcap");
    let read = std::fs::write(&path, &capture).and_then(|()| {
        run(
            None,
            &["tcpdump", "-r", &path.to_string_lossy(), "-nvve", "-t"],
            "",
        )
    });
    let read = read.unwrap_or_else(|e| format!("tcpdump cannot read it: {e}"));
    let read: Vec<&str> = read.lines().map(str::trim).collect();
    format!("{place}: {hex}\n      {}", read.join("\n      "))
}

/// What was heard of a packet, without the source port that the kernel rolled dice for: it does so
/// where another flow has the port already.
pub fn loose(shot: &Shot, heard: &[Heard]) -> Vec<Heard> {
    let own = words(ip_of(shot.place, &shot.bytes));
    let blank = |(place, bytes): &Heard| {
        let (place, mut bytes) = (*place, bytes.clone());
        let start = bytes.len() - ip_of(place, &bytes).len();
        let words = words(&bytes[start..]);
        // What kept its source and port was not translated; of ICMP each has one identifier only.
        let other = |words: &Words| {
            let own = own.is_some_and(|own| (own.src, own.ports) == (words.src, words.ports));
            !own && !is_answer(words)
        };
        if let Some(words) = words.filter(other) {
            let (port, sum) = match words.proto {
                6 => (0..2, 16..18),
                17 => (0..2, 6..8),
                132 => (0..2, 8..12),
                1 | 58 => (4..6, 2..4),
                _ => (0..0, 0..0),
            };
            for field in [port, sum] {
                let (from, to) = (start + words.at + field.start, start + words.at + field.end);
                bytes.get_mut(from..to).map(|b| b.fill(0)).unwrap_or(());
            }
        }
        (place, bytes)
    };
    heard.iter().map(blank).collect()
}

/// What was heard, in one line each.
pub fn describe(heard: &[Heard]) -> String {
    let mut out = String::new();
    for (place, bytes) in heard {
        let said = match words(ip_of(*place, bytes)) {
            Some(w) => format!(
                "{} > {} protocol {} ports {:?} kind {}",
                w.src, w.dst, w.proto, w.ports, w.kind
            ),
            None => format!("{} bytes", bytes.len()),
        };
        // A String takes everything.
        let _ = writeln!(out, "      {place}: {said}, {} bytes", bytes.len());
    }
    if out.is_empty() {
        out += "      nothing\n";
    }
    out
}

/// The source that a packet of ours had when it left.
pub fn seen_as(heard: &[Heard]) -> Option<(IpAddr, u16)> {
    let forwarded = heard.iter().filter(|one| one.0 != Place::Router);
    let mut of = forwarded
        .filter_map(|one| words(ip_of(one.0, &one.1)))
        .filter(|words| !is_answer(words));
    of.next().map(|words| (words.src, words.ports.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ip::{Header, Piece};
    use crate::transport;

    fn packet(src: &str, dst: &str, ports: (u16, u16)) -> Vec<u8> {
        let header = Header::new(src.parse().unwrap(), dst.parse().unwrap(), 17);
        let body = transport::udp(ports.0, ports.1, None, b"twelve bytes");
        header.wrap(&body.seal(header.src, header.dst).bytes)
    }

    #[test]
    fn a_flow_is_the_same_in_both_directions_and_in_an_error_about_it() {
        for (a, b) in [("10.0.0.1", "192.168.0.11"), ("fd00::1", "fd00::10")] {
            let there = packet(a, b, (7, 9));
            let own = flow_of(&there).unwrap();
            assert_eq!(flow_of(&packet(b, a, (9, 7))), Some(own));
            assert_ne!(flow_of(&packet(a, b, (7, 8))), Some(own));
            let v6 = a.contains(':');
            let error = transport::icmp(v6, if v6 { 1 } else { 3 }, 0, 0, &there);
            let header = Header::new(b.parse().unwrap(), a.parse().unwrap(), error.proto);
            assert_eq!(flow_of(&header.wrap(&error.bytes)), Some(own));
        }
    }

    #[test]
    fn a_later_piece_does_not_say() {
        for (a, b) in [("10.0.0.1", "192.168.0.11"), ("fd00::1", "fd00::10")] {
            let header = Header::new(a.parse().unwrap(), b.parse().unwrap(), 17);
            let bytes = transport::udp(7, 9, None, &[0; 24]).bytes;
            let piece = |offset| Piece {
                offset,
                length: 16,
                more: offset == 0,
            };
            let first = header.fragment(&bytes, piece(0));
            assert_eq!(flow_of(&first), flow_of(&packet(a, b, (7, 9))));
            assert_eq!(flow_of(&header.fragment(&bytes, piece(16))), None);
        }
    }

    #[test]
    fn a_later_piece_is_no_answer_but_of_its_packet() {
        let shot = |number, src: &str| {
            let header = Header::new(src.parse().unwrap(), "10.0.0.9".parse().unwrap(), 6);
            let piece = Piece {
                offset: 32,
                length: 32,
                more: false,
            };
            Shot {
                place: Place::Router,
                bytes: header.fragment(&[b'.'; 64], piece),
                number,
                flow: 0,
                back: false,
                bent: Vec::new(),
            }
        };
        // Another was sent in this round, by whom a reset would be for.
        let (past, other) = (shot(1, "10.0.0.1"), [shot(2, "10.0.0.9")]);
        let mut heard = past.clone();
        heard.bytes[22] = b'o';
        let mut sorted = sort(vec![(heard.place, heard.bytes)]);
        adopt(&mut sorted, &other, &HashMap::new());
        assert_eq!(sorted.rest.len(), 1);
        adopt(&mut sorted, &other, &HashMap::from([(1, past)]));
        assert!(sorted.rest.is_empty() && sorted.of.contains_key(&1));
    }

    /// What another's packet in pieces comes to is not that of who has the same ends, or nearly.
    #[test]
    fn what_has_no_number_is_of_what_was_sent_in_pieces() {
        let shot = |number, bytes: Vec<u8>| Shot {
            place: Place::Router,
            bytes,
            number,
            flow: 0,
            back: false,
            bent: Vec::new(),
        };
        for (a, b) in [("10.0.0.1", "192.168.0.11"), ("fd00::1", "fd00::10")] {
            let (a, b) = (a.parse().unwrap(), b.parse().unwrap());
            let header = |id| Header {
                id,
                ..Header::new(a, b, 17)
            };
            let bytes = transport::udp(7, 9, None, &[b'.'; 40]).bytes;
            let cut = |id, offset| {
                let piece = Piece {
                    offset,
                    length: 16,
                    more: offset < 32,
                };
                header(id).fragment(&bytes, piece)
            };
            let past = HashMap::from([(1, shot(1, cut(5, 0))), (2, shot(2, cut(5, 16)))]);
            let whole = transport::udp(8, 9, None, &[b'.'; 40]).bytes;
            let shots = [shot(3, cut(5, 32)), shot(4, header(6).wrap(&whole))];
            let heard = |bytes: Vec<u8>| {
                let mut sorted = sort(vec![(Place::Wire(0), in_frame(&bytes))]);
                adopt(&mut sorted, &shots, &past);
                sorted.of.into_keys().collect::<Vec<_>>()
            };
            // A later piece; the first; an answer, to whom another sent the last thing; the other's.
            assert_eq!(heard(cut(5, 16)), [3]);
            assert_eq!(heard(cut(5, 0)), [1]);
            let answer = |to| Header::new(b, a, 17).wrap(&transport::udp(9, to, None, b"").bytes);
            assert_eq!((heard(answer(7)), heard(answer(8))), (vec![1], vec![4]));
            if b.is_ipv4() {
                assert_eq!(heard(cut(6, 16)), []);
            }
        }
    }

    fn in_frame(ip: &[u8]) -> Vec<u8> {
        let kind = if ip[0] >> 4 == 4 {
            [8, 0]
        } else {
            [0x86, 0xdd]
        };
        [&[2; 12][..], &kind, ip].concat()
    }

    #[test]
    fn the_vlan_is_heard_on_its_wire_as_well() {
        let ip = packet("fe80::1", "fd00:7::10", (7, 9));
        let shot = |place| Shot {
            place,
            bytes: in_frame(&packet("fd00:7::10", "fe80::1", (9, 7))),
            number: 1,
            flow: 0,
            back: false,
            bent: Vec::new(),
        };
        let (vlan, wire) = (Place::Wire(TAGGED.0), Place::Wire(TAGGED.1));
        let may = |sent, heard| may_be_of(&shot(sent), &(heard, in_frame(&ip)));
        assert!(may(vlan, vlan) && may(vlan, wire) && may(wire, wire));
        assert!(!may(wire, vlan) && !may(vlan, Place::Wire(0)));
    }

    #[test]
    fn what_only_one_has_counts_as_often_as_it_is_there() {
        let heard = |byte| (Place::Router, vec![byte]);
        let (one, other) = ([heard(1), heard(1), heard(2)], [heard(1), heard(3)]);
        assert_eq!(beyond(&one, &other), [heard(1), heard(2)]);
        assert_eq!(beyond(&other, &one), [heard(3)]);
    }

    #[test]
    fn what_has_no_number_is_not_anybodys() {
        let shot = Shot {
            place: Place::Router,
            bytes: packet("10.0.0.1", "192.168.0.11", (7, 9)),
            number: 1,
            flow: 0,
            back: false,
            bent: Vec::new(),
        };
        let may = |a, b| may_be_of(&shot, &(Place::Router, packet(a, b, (7, 9))));
        // Itself, translated at either end, and an answer.
        assert!(may("10.0.0.1", "192.168.0.11") && may("192.168.0.1", "192.168.0.11"));
        assert!(may("10.0.0.1", "192.168.0.12") && may("192.168.0.11", "10.0.0.1"));
        assert!(!may("192.168.0.1", "10.0.0.2") && !may("192.168.0.11", "192.168.0.1"));
    }
}
