// SPDX-License-Identifier: GPL-2.0
//! The differences between the two routers that are meant, each with a name. Nothing else may be
//! different, and each of these has to be seen: [`super::fixed`] shows it.

use super::ears::{Heard, Place};
use super::judge::{self, ip_of, is_answer, loose, words, Words};
use super::packet::Shot;
use super::permission::Said;
use super::policy::Policy;
use super::world::{self, inside, TAG, TAGGED};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What camzone and the ruleset of `camzonectl export --nft` differ in.
pub const OF_NFT: &[&str] = &[
    // nftables asks only the interface that a packet came by whether it has an address.
    "sibling-address",
    // camzone looks at the first 128 bytes of a packet, and follows eight extension headers.
    "deep-header",
    // camzone does not let the router itself send a packet that lies about its length.
    "lying-length",
    // nftables does not look behind an authentication header of IPv6.
    "behind-ah",
    // The kernel itself rolls dice for a translated port, where the flow's own is taken; and camzone, where
    // that is a port of the router's.
    "rolled-port",
];

/// What camzone and the article's script differ in: always, the script lets more pass.
pub const OF_THE_ARTICLE: &[&str] = &[
    // It asks about sources in INPUT and on eth1 only, after ESTABLISHED.
    "spoofed",
    // Its rule for the cameras' web pages has no destination.
    "port-80-anywhere",
    // Whoever may talk to the router may talk to all its addresses.
    "weak-host",
    // What is allowed to the router may be sent to all, and to groups.
    "to-all",
    // The router may pick up TCP in mid-stream.
    "not-syn-out",
    // RELATED passes, whatever it is: redirects, source quench, and from whomever it comes.
    "related-blindly",
    // IPv6 may leave the router, although nothing may come back.
    "ipv6-out",
];

/// How the two are to be held against each other.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Oracle {
    Nft,
    Article,
}

impl Oracle {
    /// The name of an intended difference that a packet shows, by what only one of the two let out.
    /// `pieces` are all of it that was sent so far.
    pub fn intended(
        self,
        policy: &Policy,
        pieces: &[&Shot],
        camzone: &[Heard],
        oracle: &[Heard],
    ) -> Option<&'static str> {
        let whole = Whole::of(policy, pieces)?;
        if self == Oracle::Nft && loose(whole.first, camzone) == loose(whole.first, oracle) {
            return Some("rolled-port");
        }
        match (self, camzone, oracle) {
            (Oracle::Nft, more, []) => whole.more(more),
            (Oracle::Nft, [], _) => whole.less(),
            (Oracle::Article, [], _) => whole.scripts(),
            _ => None,
        }
    }

    /// Whether the packet leaves traces in the oracle's connection tracking, even if it is dropped
    /// there too: the script asks for sources after that, camzone before, and for source routes.
    pub fn remembers(self, policy: &Policy, shot: &Shot) -> bool {
        let ip = ip_of(shot.place, &shot.bytes);
        // What the kernel itself does not forward has been seen by then as well.
        let routed = |at| at > 20 && matches!(ip.get(20), Some(131 | 137));
        self == Oracle::Article
            && words(ip).is_some_and(|w| {
                w.dst.is_ipv4() && (routed(w.at) || !policy.may_be_there(shot, w.src))
            })
    }
}

/// The interface that a packet comes in by: a VLAN's where it has the tag.
pub fn ingress(shot: &Shot) -> Option<usize> {
    let Place::Wire(wire) = shot.place else {
        return None;
    };
    // A tag of VLAN 0 only has a priority: the kernel takes it off, and looks at the next.
    let mut tags = shot
        .bytes
        .get(12..)
        .unwrap_or(&[])
        .chunks_exact(4)
        .take_while(|tag| tag[..2] == [0x81, 0])
        .map(|tag| u16::from_be_bytes([tag[2] & 15, tag[3]]));
    let tagged = wire == TAGGED.1;
    let tag = tags.find(|tag| *tag != 0);
    Some(if tagged && tag == Some(TAG) {
        TAGGED.0
    } else {
        wire
    })
}

/// A packet, put together of its pieces if there are several.
struct Whole<'a> {
    policy: &'a Policy,
    pieces: &'a [&'a Shot],
    /// The piece with the header that rules ask for, and what that says.
    first: &'a Shot,
    words: Words,
    /// Every piece may be where it came from.
    honest: bool,
}

impl<'a> Whole<'a> {
    fn of(policy: &'a Policy, pieces: &'a [&'a Shot]) -> Option<Self> {
        let read = |shot: &&'a Shot| Some((*shot, words(ip_of(shot.place, &shot.bytes))?));
        let (first, words) = pieces
            .iter()
            .filter_map(read)
            .min_by_key(|(_, w)| w.later)?;
        let honest = |shot: &&Shot| policy.may_be_there(shot, words.src);
        Some(Whole {
            policy,
            pieces,
            first,
            words,
            honest: pieces.iter().all(honest),
        })
    }

    /// Only camzone let something pass: what it may, if its header is there to be asked.
    fn more(&self, heard: &[Heard]) -> Option<&'static str> {
        if self.words.later {
            return None;
        }
        if self.words.authenticated {
            return self.behind_ah(heard).then_some("behind-ah");
        }
        // In pieces, it came in where the last of them did, for nftables.
        let home = world::router_has(self.words.dst)?;
        let wires: Vec<usize> = self
            .pieces
            .iter()
            .filter_map(|shot| ingress(shot))
            .collect();
        let zone = self.policy.zone_of(home)?;
        let sibling = wires.iter().any(|wire| *wire != home)
            && wires
                .iter()
                .all(|wire| self.policy.zone_of(*wire) == Some(zone));
        // An error is asked as the flow whose answer it is about.
        let flow = self.about().map_or(self.words, Words::turned);
        let may = self.honest && flow.dst == self.words.dst && self.says(&flow) == Said::Pass;
        (sibling && may).then_some("sibling-address")
    }

    fn says(&self, flow: &Words) -> Said {
        self.policy.says(flow, self.first.place)
    }

    /// What it is about, if it is an error of those that belong to a flow.
    fn about(&self) -> Option<Words> {
        let words = &self.words;
        let is_error = match (words.src.is_ipv6(), words.proto, words.kind) {
            (false, 1, kind) => [3, 11, 12].contains(&kind),
            (true, 58, kind) => (1..=4).contains(&kind),
            _ => false,
        };
        let ip = ip_of(self.first.place, &self.first.bytes);
        let quoted = ip.get(words.at + 8..).filter(|_| is_error)?;
        judge::words(quoted)
    }

    /// Whether it is an error of those that may pass, to who sent what it is about, by a wire of the zone that
    /// this went to, and rules allow the flow.
    fn is_sound_error(&self, wire: usize) -> bool {
        self.about().is_some_and(|about| {
            let allowed = [about, about.turned()]
                .iter()
                .any(|flow| self.says(flow) == Said::Pass);
            let there = self.policy.zone_of(wire) == self.policy.owner(about.dst);
            allowed && there && about.src == self.words.dst
        })
    }

    /// Of what is behind an authentication header the ruleset has to see flags and types, and drops
    /// what it does not: a SYN, an error about a flow, and neighbour discovery.
    fn behind_ah(&self, heard: &[Heard]) -> bool {
        let words = &self.words;
        match (words.proto, words.kind) {
            (6, flags) if flags & 0x17 == 2 && self.honest => match self.says(words) {
                Said::Pass => true,
                Said::Refuse => heard
                    .iter()
                    .all(|one| judge::words(ip_of(one.0, &one.1)).is_some_and(|w| is_answer(&w))),
                Said::Drop => false,
            },
            (58, 1..=4) if self.honest => {
                // The router's own error needs no allow.
                self.first.place == Place::Router
                    || self.about().is_some_and(|about| {
                        [about, about.turned()].map(|flow| self.says(&flow)) != [Said::Drop; 2]
                    })
            }
            (58, 130..=136 | 143) => self.honest || words.src == Ipv6Addr::UNSPECIFIED,
            _ => false,
        }
    }

    /// Only the ruleset did.
    fn less(&self) -> Option<&'static str> {
        if self.words.dst.is_ipv4() {
            return None;
        }
        let ip = ip_of(self.first.place, &self.first.bytes);
        let said = 40 + usize::from(u16::from_be_bytes([ip[4], ip[5]]));
        if self.first.place == Place::Router && said != ip.len() {
            return Some("lying-length");
        }
        (self.words.at > 100).then_some("deep-header")
    }

    /// Only the script did.
    fn scripts(&self) -> Option<&'static str> {
        let words = &self.words;
        // Nothing of it comes in; but the router answers some of it before it asks the script.
        if words.dst.is_ipv6() {
            return Some("ipv6-out");
        }
        let Place::Wire(wire) = self.first.place else {
            return match words.proto {
                1 if is_answer(words) => Some("related-blindly"),
                6 if words.kind & 0x17 != 2 => Some("not-syn-out"),
                _ => None,
            };
        };
        if !self.honest {
            return Some("spoofed");
        }
        if words.proto == 1 && is_answer(words) {
            return (!self.is_sound_error(wire)).then_some("related-blindly");
        }
        let to_all = words.dst.is_multicast()
            || words.dst == IpAddr::V4(Ipv4Addr::BROADCAST)
            || world::wires()
                .iter()
                .any(|wire| wire.broadcast() == words.dst);
        if to_all {
            return Some("to-all");
        }
        if let Some(home) = world::router_has(words.dst) {
            return (home != wire).then_some("weak-host");
        }
        let zone = |name: &str| self.policy.zones.iter().find(|zone| zone.name == name);
        let private = zone("private")?.interfaces.contains(&wire);
        let mut cameras = zone("camera")?.networks.iter();
        // -p tcp -i eth2 --dport 80 --syn
        let opens = (words.proto, words.ports.1, words.kind & 0x17) == (6, 80, 2);
        let elsewhere = !cameras.any(|net| inside(words.dst, *net));
        (private && opens && elsewhere).then_some("port-80-anywhere")
    }
}

#[cfg(test)]
mod tests {
    use super::super::policy::{End, Rule, Service, Zone};
    use super::*;
    use crate::diff::packet::Draft;
    use crate::ip::{Extension, Header, Piece};
    use crate::transport::{self, Segment, TcpWords};

    /// Wires 1 and 2 are one zone's, which may send UDP to port 9 of the router and open port 80 outside.
    fn policy() -> Policy {
        let zone = |wires: &[usize], networks: &[(&str, u8)]| Zone {
            name: String::new(),
            interfaces: wires.to_vec(),
            networks: networks
                .iter()
                .map(|(n, bits)| (n.parse().unwrap(), *bits))
                .collect(),
            any: networks.is_empty(),
            ipv6: "full",
        };
        let allow = |to, proto, port| Rule {
            deny: false,
            reject: false,
            masquerade: false,
            from: vec![End::Zone(1)],
            to: vec![to],
            services: vec![Service {
                proto,
                first: port,
                last: port,
                broadcast: false,
            }],
            to_addresses: Vec::new(),
        };
        Policy {
            zones: vec![
                zone(&[0], &[]),
                zone(
                    &[1, 2],
                    &[("192.168.8.0", 24), ("192.168.5.0", 24), ("fd00:8::", 64)],
                ),
            ],
            rules: vec![allow(End::Router, 17, 9), allow(End::Zone(0), 6, 80)],
            ..Policy::default()
        }
    }

    fn between(from: &str, to: &str) -> Header {
        Header::new(from.parse().unwrap(), to.parse().unwrap(), 0)
    }

    fn shot(wire: usize, header: Header, segment: Segment, pieces: &[Piece], of: usize) -> Shot {
        let header = Header {
            proto: segment.proto,
            ..header
        };
        let draft = Draft::new(Place::Wire(wire), header, segment);
        Shot {
            place: draft.place,
            bytes: draft.bytes(pieces).swap_remove(of),
            number: 0,
            flow: 0,
            back: false,
            bent: Vec::new(),
        }
    }

    fn udp(wire: usize, to: &str, port: u16) -> Shot {
        let body = transport::udp(1000, port, None, b"8 bytes.");
        shot(wire, between("192.168.8.10", to), body, &[], 0)
    }

    fn tcp(wire: usize, header: Header, port: u16, flags: u8) -> Shot {
        let words = TcpWords {
            flags,
            ..TcpWords::default()
        };
        let body = transport::tcp(1000, port, &words, b"");
        shot(wire, header, body, &[], 0)
    }

    /// A packet in a piece by each of these wires.
    fn pieces(wires: [usize; 3], from: &str, to: &str, port: u16) -> [Shot; 3] {
        let cut = [0, 16, 32].map(|offset| Piece {
            offset,
            length: 16,
            more: offset < 32,
        });
        let body = || transport::udp(1000, port, None, &[b'.'; 40]);
        [0, 1, 2].map(|i| shot(wires[i], between(from, to), body(), &cut, i))
    }

    /// What a packet is called that came out of only one of the two.
    fn named(
        oracle: Oracle,
        policy: &Policy,
        camzone: bool,
        shots: &[Shot],
    ) -> Option<&'static str> {
        let (shots, out): (Vec<&Shot>, Heard) =
            (shots.iter().collect(), (Place::Router, vec![0x45; 20]));
        let [a, b] =
            [camzone, !camzone].map(|there| if there { vec![out.clone()] } else { vec![] });
        oracle.intended(policy, &shots, &a, &b)
    }

    fn more(policy: &Policy, shots: &[Shot]) -> Option<&'static str> {
        named(Oracle::Nft, policy, true, shots)
    }

    #[test]
    fn a_sibling_address_needs_a_rule() {
        let mut policy = policy();
        assert_eq!(
            more(&policy, &[udp(1, "192.168.5.200", 9)]),
            Some("sibling-address")
        );
        assert_eq!(more(&policy, &[udp(1, "192.168.8.1", 9)]), None);
        assert_eq!(more(&policy, &[udp(1, "192.168.0.1", 9)]), None);
        assert_eq!(more(&policy, &[udp(0, "192.168.5.200", 9)]), None);
        let other = [udp(1, "192.168.5.200", 10)];
        assert_eq!(more(&policy, &other), None);
        policy.accept[0] = true;
        assert_eq!(more(&policy, &other), Some("sibling-address"));
        policy.rules[0].deny = true;
        assert_eq!(more(&policy, &[udp(1, "192.168.5.200", 9)]), None);
        let (a, b) = ((Place::Router, vec![1]), (Place::Router, vec![2]));
        let shot = udp(1, "192.168.5.200", 10);
        assert_eq!(Oracle::Nft.intended(&policy, &[&shot], &[a], &[b]), None);
    }

    #[test]
    fn an_error_by_a_sibling_is_about_a_flow_with_a_rule() {
        let policy = policy();
        let error = |wire, kind, to: &str, said: (&str, u16)| {
            let body = transport::udp(said.1, 1000, None, b"8 bytes.");
            let header = Header {
                proto: 17,
                ..between(said.0, "192.168.8.10")
            };
            let error = transport::icmp(false, kind, 0, 0, &header.wrap(&body.bytes));
            shot(wire, between("192.168.8.10", to), error, &[], 0)
        };
        let name = |wire, kind, to, said| more(&policy, &[error(wire, kind, to, said)]);
        let (to, other) = ("192.168.5.200", "192.168.8.1");
        assert_eq!(name(1, 3, to, (to, 9)), Some("sibling-address"));
        assert_eq!(name(2, 3, to, (to, 9)), None);
        assert_eq!(name(0, 3, to, (to, 9)), None);
        assert_eq!(name(1, 3, to, (to, 10)), None);
        // About what another address said, and of what says nothing about a flow.
        assert_eq!(name(1, 3, to, (other, 9)), None);
        assert_eq!(name(1, 5, to, (to, 9)), None);
    }

    #[test]
    fn pieces_come_by_two_wires_of_a_zone_and_none_is_forged() {
        let policy = policy();
        for (from, to) in [("192.168.8.10", "192.168.8.1"), ("fd00:8::10", "fd00:8::1")] {
            let name = |wires, port| more(&policy, &pieces(wires, from, to, port));
            assert_eq!(name([1, 1, 2], 9), Some("sibling-address"));
            assert_eq!(name([1, 1, 2], 10), None);
            assert_eq!(name([1, 1, 1], 9), None);
            assert_eq!(name([1, 0, 2], 9), None);
            assert_eq!(name([1, 1, 0], 9), None);
        }
        // Its first piece is not there.
        assert_eq!(
            more(
                &policy,
                &pieces([1, 1, 2], "192.168.8.10", "192.168.8.1", 9)[1..]
            ),
            None
        );
    }

    #[test]
    fn behind_an_authentication_header_is_what_may_pass() {
        let policy = policy();
        let hidden = || Header {
            extensions: vec![Extension::Authentication],
            ..between("fd00:8::10", "fd00::10")
        };
        assert_eq!(more(&policy, &[tcp(1, hidden(), 80, 2)]), Some("behind-ah"));
        assert_eq!(more(&policy, &[tcp(1, hidden(), 81, 2)]), None);
        assert_eq!(more(&policy, &[tcp(1, hidden(), 80, 16)]), None);
        assert_eq!(more(&policy, &[tcp(0, hidden(), 80, 2)]), None);
    }

    #[test]
    fn what_the_router_sends_is_its_own_whatever_its_source() {
        let mut policy = policy();
        let name = |policy: &Policy| {
            let hidden = Header {
                extensions: vec![Extension::Authentication],
                ..between("fd00:8::10", "fd00::10")
            };
            let mut shot = tcp(1, hidden, 81, 2);
            shot.place = Place::Router;
            shot.bytes.drain(..14);
            more(policy, &[shot])
        };
        assert_eq!(name(&policy), None);
        policy.accept[2] = true;
        assert_eq!(name(&policy), Some("behind-ah"));
        policy.zones[1].ipv6 = "off";
        assert_eq!(name(&policy), Some("behind-ah"));
    }

    #[test]
    fn the_script_forgets_where_its_port_80_is() {
        let policy = Policy::article();
        let name = |to: &str, port, flags| {
            let shot = tcp(2, between("192.168.5.10", to), port, flags);
            named(Oracle::Article, &policy, false, &[shot])
        };
        assert_eq!(name("192.168.0.10", 80, 2), Some("port-80-anywhere"));
        assert_eq!(name("192.168.0.10", 81, 2), None);
        assert_eq!(name("192.168.0.10", 80, 16), None);
        assert_eq!(name("192.168.8.110", 80, 2), None);
    }

    #[test]
    fn the_script_takes_forged_pieces() {
        let policy = Policy::article();
        let name = |wires| {
            let all = pieces(wires, "192.168.0.10", "192.168.0.1", 123);
            [true, false].map(|camzone| named(Oracle::Article, &policy, camzone, &all))
        };
        assert_eq!(name([0, 1, 0]), [None, Some("spoofed")]);
        assert_eq!(name([0, 0, 0]), [None, None]);
    }
}
