// SPDX-License-Identifier: GPL-2.0

//! The chains at the hooks: where a packet may come from, whether its flow is sound, and which
//! cell it is in. What a cell allows is in [`super::cells`].

use camzone_policy::{
    address::Family,
    policy::{Ipv6Mode, ZoneId},
};

use super::{
    cells, lines,
    matches::Cell,
    words::{addresses, Side, Words},
    Script,
};

/// The types of neighbour discovery (RFC 4861) and of multicast listener discovery (RFC 2710,
/// RFC 3810).
const NEIGHBOUR: &str = "icmpv6 type { 130-137, 143 }";
const MULTICAST: &str = "ct reply ip saddr 224.0.0.0/4";
const BROADCAST: &str = "ct reply ip saddr 255.255.255.255";
const MULTICAST_V6: &str = "ct reply ip6 saddr ff00::/8";

/// PRE_ROUTING, before fragments are put together: whether the source can be there.
pub(super) fn ingress(words: &Words<'_>, out: &mut Script) {
    out.remark(
        "Whether a source can be where its packet came from: of every fragment, before conntrack.",
    );
    let mut base = lines(&[
        "type filter hook prerouting priority -450; policy drop;",
        "iifname \"lo\" accept",
        // Only what the router has sent is known to conntrack here: multicast that it hears itself.
        "ct state { new, established, related, untracked } ip saddr != 0.0.0.0 fib saddr type { local, broadcast } accept",
        "ct state { new, established, related, untracked } ip6 saddr != :: fib saddr type local accept",
    ]);
    base.push(words.by_interface("iifname", "ingress"));
    out.chain("ingress", &base);
    for id in words.ids() {
        let name = format!("ingress.{}", words.name(Some(id)));
        let mut chain = Vec::new();
        if words.ipv6(id) == Ipv6Mode::Off {
            chain.push(String::from("meta nfproto ipv6 drop"));
        } else {
            chain.push(String::from("rt seg-left != 0 drop"));
            // RFC 6980, 5.
            chain.push(format!("exthdr frag exists {NEIGHBOUR} drop"));
            chain.push(String::from("ip6 saddr :: goto unspecified"));
        }
        // A sender may not choose its packets' way.
        chain.extend(lines(&[
            "ip option lsrr exists drop",
            "ip option ssrr exists drop",
        ]));
        chain.push(String::from("ip saddr 0.0.0.0 goto unspecified"));
        chain.push(String::from("fib saddr type { local, broadcast } drop"));
        chain.extend(lines(&[
            "ip saddr { 0.0.0.0/8, 127.0.0.0/8, 224.0.0.0/4, 255.255.255.255 } drop",
            "ip6 saddr { ::1, ::ffff:0:0/96, ff00::/8 } drop",
        ]));
        chain.push(format!(
            "{} drop",
            words.lies(id, "ip saddr", Family::V4, false)
        ));
        chain.push(format!(
            "{} drop",
            words.lies(id, "ip6 saddr", Family::V6, false)
        ));
        chain.extend(hardware(words, id));
        chain.push(String::from("accept"));
        out.chain(&name, &chain);
    }
    out.remark("Who has no address yet asks for one by DHCP, or by IPv6's own means.");
    let unspecified = lines(&[
        "ip daddr 255.255.255.255 ip frag-off & 0x3fff == 0 udp sport 68 udp dport 67 accept",
        "ip6 daddr != ff00::/8 drop",
        "icmpv6 type nd-neighbor-solicit ip6 hoplimit 255 accept",
        "icmpv6 type { 131, 132, 143 } ip6 hoplimit 1 accept",
        "drop",
    ]);
    out.chain("unspecified", &unspecified);
}

/// The cameras of a zone whose packets have to come with their own hardware address.
fn hardware(words: &Words<'_>, id: ZoneId) -> Vec<String> {
    let mut out = Vec::new();
    for camera in words
        .policy
        .cameras
        .iter()
        .filter(|camera| camera.zone == id)
    {
        let Some(mac) = camera.mac else { continue };
        let mac = crate::file::address::format_mac(mac);
        for (family, what) in [(Family::V4, "ip saddr"), (Family::V6, "ip6 saddr")] {
            let list = camera.addresses.of(&words.policy.addresses);
            if let Some(list) = addresses(list, family) {
                // Two lines: a packet without a hardware address does not match "!=" either.
                out.push(format!("{what} {list} ether saddr {mac} accept"));
                out.push(format!("{what} {list} drop"));
            }
        }
    }
    out
}

/// What all hooks behind conntrack ask.
pub(super) fn shared(words: &Words<'_>, out: &mut Script) {
    out.remark("Whether conntrack makes sense of it. Nothing is picked up in mid-stream.");
    let sound = lines(&[
        "ct state { invalid, untracked } drop",
        "ct status expected drop",
        "ct state related meta nfproto ipv4 icmp type { 3, 11, 12 } return",
        "ct state related meta nfproto ipv6 icmpv6 type { 1, 2, 3, 4 } return",
        "ct state related drop",
        "ct state new ct original protocol tcp tcp flags & (fin | syn | rst | ack) == syn return",
        "ct state new ct original protocol tcp drop",
    ]);
    out.chain("sound", &sound);
    if has_ipv6(words) {
        out.remark("Neighbour discovery and MLD, which never cross a router, but its bridges.");
        let neighbours = lines(&[
            "icmpv6 type nd-redirect drop",
            "icmpv6 type { 133, 134, 135, 136 } ip6 hoplimit 255 accept",
            "icmpv6 type { 130, 131, 132, 143 } ip6 hoplimit 1 ip6 saddr { ::, fe80::/10 } accept",
            &format!("{NEIGHBOUR} drop"),
        ]);
        out.chain("neighbours", &neighbours);
    }
    out.remark("A deny that answers; nobody is told about what was sent to many.");
    let refuse = lines(&[
        "meta l4proto tcp reject with tcp reset",
        "reject with icmpx port-unreachable",
    ]);
    out.chain("refuse", &refuse);
    let mut polite = lines(&["fib daddr type broadcast drop"]);
    polite.extend([MULTICAST, MULTICAST_V6].map(|cast| format!("{cast} drop")));
    polite.push(String::from("goto refuse"));
    out.chain("refuse.input", &polite);
}

/// LOCAL_IN.
pub(super) fn input(words: &Words<'_>, out: &mut Script) {
    out.remark("To the router.");
    let mut base = lines(&["type filter hook input priority 0; policy drop;"]);
    if has_ipv6(words) {
        // The router opens nothing from there, but others can send as if they were it; even its own
        // resets would go there.
        base.push(String::from(
            "meta nfproto ipv6 ct direction reply fib daddr type anycast drop",
        ));
    }
    base.extend(lines(&[
        "iifname \"lo\" accept",
        // Nobody else's packet with such a source has come this far.
        "ip saddr != 0.0.0.0 fib saddr type { local, broadcast } accept",
        "ip6 saddr != :: fib saddr type local accept",
    ]));
    base.push(words.by_interface("iifname", "input"));
    out.chain("input", &base);
    for id in words.ids() {
        let zone = words.name(Some(id)).to_owned();
        let mode = words.ipv6(id);
        let mut chain = Vec::new();
        if mode == Ipv6Mode::Off {
            chain.push(String::from("meta nfproto ipv6 drop"));
        } else {
            if !is_outside(words, id) {
                chain.push(String::from("icmpv6 type nd-router-advert drop"));
            }
            chain.push(String::from("meta nfproto ipv6 jump neighbours"));
        }
        if mode == Ipv6Mode::Minimal {
            chain.push(format!("meta nfproto ipv6 goto input.{zone}.minimal"));
        }
        chain.push(String::from("jump sound"));
        let families = families(mode);
        for family in families {
            let answers = words.inside(id, Side::Responder, *family, true);
            chain.push(format!(
                "ct direction reply {answers} goto cell.router.{zone}"
            ));
        }
        chain.push(String::from("ct direction reply drop"));
        for family in families {
            let opened = words.inside(id, Side::Initiator, *family, true);
            chain.push(format!("{opened} goto cell.{zone}.router"));
        }
        // Who asks for an address by DHCP.
        chain.push(format!(
            "ct original ip saddr 0.0.0.0 goto cell.{zone}.router"
        ));
        out.chain(&format!("input.{zone}"), &chain);
        if mode == Ipv6Mode::Minimal {
            let (from, back) = (Side::Initiator, Side::Responder);
            let error = "ct state related icmpv6 type { 1, 2, 3, 4 }";
            let minimal = [("original", from), ("reply", back)].map(|(direction, side)| {
                let own = words.inside(id, side, Family::V6, true);
                format!("{error} ct direction {direction} {own} accept")
            });
            out.chain(&format!("input.{zone}.minimal"), &minimal);
        }
    }
}

/// Whether a router may be there, who advertises itself: where no camera is, outside.
fn is_outside(words: &Words<'_>, id: ZoneId) -> bool {
    words.zone(id).any && !words.zone(id).has_cameras
}

/// Whether any zone has IPv6.
fn has_ipv6(words: &Words<'_>) -> bool {
    let mut zones = words.policy.zones.iter();
    zones.any(|zone| zone.ipv6 != Ipv6Mode::Off)
}

/// The families whose packets a zone's rules are asked about.
const fn families(mode: Ipv6Mode) -> &'static [Family] {
    match mode {
        Ipv6Mode::Full => &[Family::V4, Family::V6],
        Ipv6Mode::Off | Ipv6Mode::Minimal => &[Family::V4],
    }
}

/// FORWARD.
pub(super) fn forward(words: &Words<'_>, out: &mut Script) {
    out.remark("From zone to zone.");
    let mut items = Vec::new();
    let mut chains = Vec::new();
    for from in words.ids() {
        for to in words.ids() {
            let along = Cell {
                from: Some(from),
                to: Some(to),
            };
            let back = Cell {
                from: Some(to),
                to: Some(from),
            };
            if !cells::is_there(words, along) && !cells::is_there(words, back) {
                continue;
            }
            let name = format!(
                "forward.{}.{}",
                words.name(Some(from)),
                words.name(Some(to))
            );
            for a in words.interfaces(from) {
                let b = words.interfaces(to).iter();
                items.extend(b.map(|b| format!("{a} . {b} : goto {name}")));
            }
            chains.push((name, forward_pair(words, from, to)));
        }
    }
    let mut base = lines(&["type filter hook forward priority 0; policy drop;"]);
    // What a bridge of the zone hands over, with br_netfilter.
    for id in words.ids().filter(|id| words.ipv6(*id) != Ipv6Mode::Off) {
        let own = words.interfaces(id).join(", ");
        let inside = format!("iifname {{ {own} }} oifname {{ {own} }}");
        if !is_outside(words, id) {
            base.push(format!("{inside} icmpv6 type nd-router-advert drop"));
        }
        base.push(format!("{inside} meta nfproto ipv6 jump neighbours"));
    }
    base.push(String::from("jump sound"));
    if !items.is_empty() {
        base.push(format!("iifname . oifname vmap {{ {} }}", items.join(", ")));
    }
    out.chain("forward", &base);
    for (name, chain) in chains {
        out.chain(&name, &chain);
    }
}

/// The two cells that packets from one zone to another can be in.
fn forward_pair(words: &Words<'_>, from: ZoneId, to: ZoneId) -> Vec<String> {
    let mut out = Vec::new();
    for (direction, a, b) in [("original", from, to), ("reply", to, from)] {
        let cell = Cell {
            from: Some(a),
            to: Some(b),
        };
        if !cells::is_there(words, cell) {
            continue;
        }
        let mode = words.ipv6(from).min(words.ipv6(to));
        let cell = format!("goto cell.{}.{}", words.name(Some(a)), words.name(Some(b)));
        // What a bridge hands over, with br_netfilter: to all hosts of the zone, or some.
        let bridged = from == to && direction == "original";
        for family in families(mode) {
            let opened = words.inside(a, Side::Initiator, *family, true);
            let answers = words.inside(b, Side::Responder, *family, true);
            out.push(format!(
                "ct direction {direction} {opened} {answers} {cell}"
            ));
            if bridged {
                let casts = match family {
                    Family::V4 => &[MULTICAST, BROADCAST][..],
                    Family::V6 => &[MULTICAST_V6],
                };
                let from_there = casts
                    .iter()
                    .map(|cast| format!("ct direction original {opened} {cast} {cell}"));
                out.extend(from_there);
            }
        }
        if bridged {
            out.push(format!(
                "ct direction original ct original ip saddr 0.0.0.0 {BROADCAST} {cell}"
            ));
        }
    }
    out
}

/// LOCAL_OUT.
pub(super) fn output(words: &Words<'_>, out: &mut Script) {
    out.remark("From the router.");
    let mut base = lines(&[
        "type filter hook output priority 0; policy drop;",
        // What is wrong with an option is told before any chain is asked where its packet came from.
        "icmpv6 type parameter-problem icmpv6 code { 0, 2 } drop",
        "oifname \"lo\" accept",
    ]);
    base.push(words.by_interface("oifname", "output"));
    out.chain("output", &base);
    for id in words.ids() {
        let zone = words.name(Some(id)).to_owned();
        let mode = words.ipv6(id);
        let mut chain = Vec::new();
        if mode == Ipv6Mode::Off {
            chain.push(String::from("meta nfproto ipv6 drop"));
        } else {
            chain.push(String::from("meta nfproto ipv6 jump neighbours"));
        }
        if mode == Ipv6Mode::Minimal {
            chain.push(format!("meta nfproto ipv6 goto output.{zone}.minimal"));
        }
        // What the router says about somebody's packet is no flow's own.
        chain.push(format!(
            "ct state related tcp flags & rst == rst goto own.{zone}"
        ));
        chain.push(format!(
            "ct state related meta nfproto ipv4 icmp type {{ 3, 11, 12 }} goto own.{zone}"
        ));
        chain.push(format!(
            "ct state related meta nfproto ipv6 icmpv6 type {{ 1, 2, 3, 4 }} goto own.{zone}"
        ));
        chain.push(String::from("jump sound"));
        let families = families(mode);
        for family in families {
            let opened = words.inside(id, Side::Initiator, *family, true);
            chain.push(format!(
                "ct direction reply {opened} goto answer.{zone}.router"
            ));
        }
        chain.push(String::from("ct direction reply drop"));
        let cell = format!("goto cell.router.{zone}");
        chain.push(format!("fib daddr type broadcast {cell}"));
        chain.extend([MULTICAST, MULTICAST_V6].map(|cast| format!("{cast} {cell}")));
        for family in families {
            let answers = words.inside(id, Side::Responder, *family, true);
            chain.push(format!("{answers} {cell}"));
        }
        out.chain(&format!("output.{zone}"), &chain);
        if mode == Ipv6Mode::Minimal {
            let error = "ct state related icmpv6 type { 1, 2, 3, 4 }";
            let minimal = [
                format!("{error} ip6 daddr ff00::/8 accept"),
                format!(
                    "{error} {} accept",
                    words.inside(id, Side::Receiver, Family::V6, true)
                ),
            ];
            out.chain(&format!("output.{zone}.minimal"), &minimal);
        }
        own(words, id, mode, out);
    }
}

/// The router's own errors and resets: a deny stops them, and nothing has to allow them.
fn own(words: &Words<'_>, id: ZoneId, mode: Ipv6Mode, out: &mut Script) {
    let zone = words.name(Some(id)).to_owned();
    let deny = format!("own.{zone}.permission");
    let mut chain = Vec::new();
    chain.push(format!("fib daddr type broadcast goto {deny}"));
    chain.push(format!("ip daddr 224.0.0.0/4 goto {deny}"));
    chain.push(format!("ip6 daddr ff00::/8 goto {deny}"));
    for family in families(mode) {
        let receiver = words.inside(id, Side::Receiver, *family, true);
        chain.push(format!("{receiver} goto {deny}"));
    }
    out.chain(&format!("own.{zone}"), &chain);
    out.chain(&deny, &cells::own(words, id));
}
