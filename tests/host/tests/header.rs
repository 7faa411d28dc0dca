// SPDX-License-Identifier: GPL-2.0

//! Headers as others build them: by hand from the RFCs' pictures, and by etherparse.

use camzone_host_tests::{config, packets::address};
use camzone_policy::{
    address::Address,
    header::{Fragment, Header, Transport, WINDOW},
};
use etherparse::{
    IpFragOffset, IpNumber, Ipv4Header, Ipv6Header, Ipv6RawExtHeader, Ipv6RoutingExtensions,
    PacketBuilder, TcpHeader, UdpHeader,
};
use proptest::{collection::vec, prelude::*};

fn at(text: &str) -> Address {
    address(text.parse().unwrap())
}

/// An IPv4 header of 20 bytes in front of `payload`.
fn v4(protocol: u8, fragment: u16, payload: &[u8]) -> Vec<u8> {
    let [l0, l1] = (20 + payload.len() as u16).to_be_bytes();
    let [f0, f1] = fragment.to_be_bytes();
    let fixed = [
        0x45, 0, l0, l1, 0, 1, f0, f1, 61, protocol, 0, 0, 192, 168, 8, 110, 192, 168, 8, 1,
    ];
    [&fixed[..], payload].concat()
}

/// An IPv6 header in front of `payload`.
fn v6(next: u8, payload: &[u8]) -> Vec<u8> {
    let [l0, l1] = (payload.len() as u16).to_be_bytes();
    let mut packet = vec![0x60, 0, 0, 0, l0, l1, next, 255];
    packet.extend(
        "fd00:8::110"
            .parse::<std::net::Ipv6Addr>()
            .unwrap()
            .octets(),
    );
    packet.extend("ff02::1".parse::<std::net::Ipv6Addr>().unwrap().octets());
    packet.extend(payload);
    packet
}

fn parse(packet: &[u8]) -> Option<Header> {
    Header::parse(&packet[..packet.len().min(WINDOW)], packet.len())
}

fn transport(packet: &[u8]) -> Option<(u8, Fragment, Transport)> {
    parse(packet).map(|h| (h.protocol, h.fragment, h.transport))
}

/// Source port 68, destination port 67.
const UDP: [u8; 8] = [0, 68, 0, 67, 0, 8, 0, 0];
const DHCP: Transport = Transport::Udp { from: 68, to: 67 };
const TCP: [u8; 20] = [
    0, 80, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 0x12, 0, 9, 0, 0, 0, 0,
];

#[test]
fn v4_by_hand() {
    let whole = parse(&v4(17, 0, &UDP)).unwrap();
    let should = Header {
        source: at("192.168.8.110"),
        destination: at("192.168.8.1"),
        protocol: 17,
        hop_limit: 61,
        fragment: Fragment::Whole,
        source_route: false,
        transport: DHCP,
    };
    assert_eq!(whole, should);
    // Don't Fragment is no fragment; the evil bit (RFC 3514) neither.
    for flags in [0x4000, 0x8000] {
        assert_eq!(parse(&v4(17, flags, &UDP)), Some(should));
    }
    assert_eq!(
        transport(&v4(17, 0x2000, &UDP)),
        Some((17, Fragment::First, DHCP))
    );
    for later in [0x2001, 0x0001, 0x1fff, 0x3fff, 0x0100] {
        let is = transport(&v4(17, later, &UDP));
        assert_eq!(is, Some((17, Fragment::Later, Transport::Other)));
    }
    assert_eq!(
        transport(&v4(6, 0, &TCP)),
        Some((6, Fragment::Whole, Transport::Tcp(0x12)))
    );
    let icmp = Some((1, Fragment::Whole, Transport::Icmp { kind: 5, code: 2 }));
    assert_eq!(transport(&v4(1, 0, &[5, 2, 0, 0])), icmp);
    assert_eq!(
        transport(&v4(47, 0, &UDP)),
        Some((47, Fragment::Whole, Transport::Other))
    );
    // Options before the transport header.
    let mut options = v4(17, 0, &[&[1; 40][..], &UDP].concat());
    options[0] = 0x4f;
    assert_eq!(transport(&options), Some((17, Fragment::Whole, DHCP)));
}

/// A source route, wherever it stands among the options that the kernel reads.
#[test]
fn source_routes() {
    let (loose, strict) = ([131, 7, 4, 10, 0, 0, 1], [137, 7, 4, 10, 0, 0, 1]);
    let record = [7, 7, 4, 0, 0, 0, 0];
    let options: [(&[&[u8]], bool); 10] = [
        (&[&loose], true),
        (&[&strict], true),
        (&[&[1, 1, 1], &record, &[1], &strict], true),
        // One that is used up goes nowhere, but nobody honest sends it.
        (&[&[131, 7, 8, 10, 0, 0, 1]], true),
        (&[&record], false),
        (&[&[148, 4, 0, 0], &[68, 8, 5, 0, 0, 0, 0, 0]], false),
        // Behind the end nothing is read.
        (&[&[0], &loose], false),
        // Within another option these are no options.
        (&[&[7, 11, 4], &loose, &[0]], false),
        // Where lengths lie the kernel does not read on, and drops.
        (&[&[7, 40, 4], &loose], false),
        (&[&[1, 7]], false),
    ];
    for (options, is) in options {
        let mut options = options.concat();
        options.resize(options.len().next_multiple_of(4), 0);
        let mut packet = v4(17, 0, &[&options[..], &UDP].concat());
        packet[0] = 0x45 + (options.len() / 4) as u8;
        let header = parse(&packet).unwrap();
        assert_eq!(
            (header.source_route, header.transport),
            (is, DHCP),
            "{options:?}"
        );
    }
    // A length of none does not stop the reader.
    let mut packet = v4(17, 0, &[&[7, 0, 131, 7, 4, 0, 0, 0][..], &UDP].concat());
    packet[0] = 0x47;
    assert!(parse(&packet).is_some());

    let routing = |kind, left| {
        let mut header = vec![60, 2, kind, left, 0, 0, 0, 0];
        header.extend([0xfd; 16]);
        header
    };
    let behind = [17, 0, 1, 4, 0, 0, 0, 0];
    for kind in [0, 2, 3, 4, 253] {
        for (left, is) in [(0, false), (1, true), (255, true)] {
            let packet = v6(43, &[&routing(kind, left)[..], &behind, &UDP].concat());
            let header = parse(&packet).unwrap();
            assert_eq!((header.source_route, header.transport), (is, DHCP));
            // Behind others, and in a first part.
            let before = [43, 0, 1, 4, 0, 0, 0, 0, 43, 0, 0, 1, 0, 0, 0, 7];
            for first in [&before[..8], &before] {
                let next = if first.len() > 8 { [44, 0] } else { [43, 0] };
                let first = [&next, &first[2..]].concat();
                let packet = v6(
                    60,
                    &[&first, &routing(kind, left)[..], &behind, &UDP].concat(),
                );
                assert_eq!(parse(&packet).unwrap().source_route, is);
            }
        }
    }
    // The second of two counts as well.
    let mut two = routing(4, 0);
    two[0] = 43;
    let packet = v6(43, &[&two, &routing(4, 1)[..], &behind, &UDP].concat());
    assert!(parse(&packet).unwrap().source_route);
}

#[test]
fn v4_that_lies() {
    let good = v4(17, 0, &UDP);
    for (place, byte, why) in [
        (0, 0x44, "a header of 16 bytes"),
        (0, 0x40, "a header of none"),
        (0, 0x4f, "a header beyond the packet"),
        (0, 0x55, "version 5"),
        (3, 19, "shorter than its header"),
        (3, 29, "longer than it is"),
        (2, 0xff, "much longer than it is"),
    ] {
        let mut bad = good.clone();
        bad[place] = byte;
        assert_eq!(parse(&bad), None, "{why}");
    }
    // Behind the end of the packet is Ethernet's padding.
    let mut padded = good.clone();
    padded[3] = 24;
    assert_eq!(
        transport(&padded),
        Some((17, Fragment::Whole, Transport::Other))
    );
    for cut in 0..20 {
        assert_eq!(Header::parse(&good[..cut], good.len()), None);
    }
    assert_eq!(Header::parse(&[], 0), None);
    // Transport headers that are cut off.
    for (protocol, least, bytes) in [(6, 14, &TCP[..]), (17, 8, &UDP[..]), (1, 4, &UDP[..])] {
        for len in 0..bytes.len() {
            let is = transport(&v4(protocol, 0, &bytes[..len])).unwrap().2;
            assert_eq!(is != Transport::Other, len >= least, "{protocol}: {len}");
        }
    }
}

/// A length of 0 is a length only of what is longer than can be said.
#[test]
fn v4_longer_than_it_can_say() {
    let mut packet = v4(17, 0, &UDP);
    let said = parse(&packet);
    (packet[2], packet[3]) = (0, 0);
    for (packet_len, is) in [
        (packet.len(), None),
        (65_535, None),
        (65_536, said),
        (65_537, said),
    ] {
        assert_eq!(Header::parse(&packet, packet_len), is, "{packet_len}");
    }
    assert!(said.is_some());
}

#[test]
fn v6_by_hand() {
    let nd = [134, 0, 0, 0];
    let header = parse(&v6(58, &nd)).unwrap();
    assert_eq!(header.source, at("fd00:8::110"));
    assert_eq!(header.destination, at("ff02::1"));
    assert_eq!(header.hop_limit, 255);
    let icmp = Transport::Icmp { kind: 134, code: 0 };
    assert_eq!((header.fragment, header.transport), (Fragment::Whole, icmp));
    // Each extension of 16 bytes; the authentication header counts in words, less two.
    for (next, len) in [(0, 1), (43, 1), (60, 1), (51, 2)] {
        let mut payload = vec![58, len];
        payload.resize(16, 0);
        payload.extend(nd);
        let is = transport(&v6(next, &payload));
        assert_eq!(is, Some((58, Fragment::Whole, icmp)), "behind {next}");
        // Cut inside the extension: nothing is known of what is behind.
        let is = transport(&v6(next, &payload[..12])).unwrap();
        assert_eq!(is.2, Transport::Other, "{next} is cut");
    }
    // What the kernel takes for a protocol of its own hides nothing behind it. (Was followed, so
    // that mobility, HIP and shim6 with neighbour discovery behind them passed without a rule.)
    for next in [135, 139, 140] {
        let payload = [&[58, 0, 0, 0, 0, 0, 0, 0][..], &nd].concat();
        let is = transport(&v6(next, &payload));
        assert_eq!(is, Some((next, Fragment::Whole, Transport::Other)));
    }
    for (bits, part) in [
        (0, Fragment::Atomic),
        (1, Fragment::First),
        (6, Fragment::Atomic),
        (8, Fragment::Later),
        (9, Fragment::Later),
        (0xfff8, Fragment::Later),
    ] {
        let [a, b] = u16::to_be_bytes(bits);
        let payload = [&[17, 0, a, b, 0, 0, 0, 7][..], &UDP].concat();
        let behind = if part == Fragment::Later {
            Transport::Other
        } else {
            DHCP
        };
        assert_eq!(
            transport(&v6(44, &payload)),
            Some((17, part, behind)),
            "{bits:x}"
        );
    }
    // What is behind a later fragment's header has no meaning, not even as an extension.
    let payload = [&[60, 0, 0, 8, 0, 0, 0, 7, 58, 0, 0, 0, 0, 0, 0, 0][..], &nd].concat();
    assert_eq!(
        transport(&v6(44, &payload)),
        Some((60, Fragment::Later, Transport::Other))
    );
    // The first part of a packet may have more extensions; it stays the first.
    let payload = [
        &[60, 0, 0, 1, 0, 0, 0, 7, 17, 0, 0, 0, 0, 0, 0, 0][..],
        &UDP,
    ]
    .concat();
    assert_eq!(
        transport(&v6(44, &payload)),
        Some((17, Fragment::First, DHCP))
    );
    // No next header.
    assert_eq!(
        transport(&v6(59, &nd)),
        Some((59, Fragment::Whole, Transport::Other))
    );
    // A jumbogram's length is elsewhere.
    let mut jumbo = v6(58, &nd);
    jumbo[5] = 0;
    assert_eq!(transport(&jumbo), Some((58, Fragment::Whole, icmp)));
}

#[test]
fn v6_that_lies() {
    let good = v6(58, &[134, 0, 0, 0]);
    for cut in 0..40 {
        assert_eq!(Header::parse(&good[..cut], good.len()), None);
    }
    let mut longer = good.clone();
    longer[5] = 5;
    assert_eq!(parse(&longer), None);
    let mut padded = good.clone();
    padded[5] = 3;
    assert_eq!(
        transport(&padded),
        Some((58, Fragment::Whole, Transport::Other))
    );
    assert_eq!(Header::parse(&good, 39), None);
    // Nine extensions are too many to follow, eight are not.
    for (count, transport_is) in [(8, DHCP), (9, Transport::Other)] {
        let mut payload = [60, 0, 0, 0, 0, 0, 0, 0].repeat(count - 1);
        payload.extend([17, 0, 0, 0, 0, 0, 0, 0]);
        payload.extend(UDP);
        let packet = v6(60, &payload);
        let is = Header::parse(&packet, packet.len()).unwrap();
        assert_eq!(is.transport, transport_is, "{count}");
    }
    // Beyond the window nothing is known either.
    let mut payload = vec![17, 10];
    payload.resize(88, 0);
    payload.extend(UDP);
    assert_eq!(transport(&v6(60, &payload)).unwrap().2, Transport::Other);
}

fn tcp_flags(header: &TcpHeader) -> u8 {
    // Where RFC 9293, 3.1 has them.
    header.to_bytes()[13]
}

proptest! {
    #![proptest_config(config(20000))]

    #[test]
    fn v4_by_etherparse(
        source in any::<[u8; 4]>(), destination in any::<[u8; 4]>(), ttl in any::<u8>(),
        ports in any::<(u16, u16)>(), flags in any::<[bool; 6]>(), which in 0..3,
        more in any::<bool>(), offset in prop_oneof![Just(0u16), 0..8192u16],
        options in 0usize..11, payload in vec(any::<u8>(), 0..60),
    ) {
        let mut ip = Ipv4Header::new(0, ttl, IpNumber::UDP, source, destination).unwrap();
        ip.more_fragments = more;
        ip.fragment_offset = IpFragOffset::try_new(offset).unwrap();
        ip.options = [1u8; 40][..options.min(10) * 4].try_into().unwrap();
        let (protocol, body, wanted) = transport_of(which, ports, flags, &payload, false);
        ip.protocol = IpNumber(protocol);
        ip.set_payload_len(body.len()).unwrap();
        let packet = [&ip.to_bytes()[..], &body].concat();
        let part = match (offset, more) {
            (0, false) => Fragment::Whole,
            (0, true) => Fragment::First,
            _ => Fragment::Later,
        };
        prop_assert_eq!(parse(&packet), Some(Header {
            source: Address::v4(source),
            destination: Address::v4(destination),
            protocol,
            hop_limit: ttl,
            fragment: part,
            source_route: false,
            transport: if part == Fragment::Later { Transport::Other } else { wanted },
        }));
    }

    #[test]
    fn v6_by_etherparse(
        source in any::<[u8; 16]>(), destination in any::<[u8; 16]>(), hop_limit in any::<u8>(),
        ports in any::<(u16, u16)>(), flags in any::<[bool; 6]>(), which in 0..3,
        hop_by_hop in prop::option::of(0usize..3), routing in prop::option::of(0usize..2),
        fragment in prop::option::of((prop_oneof![Just(0u16), 0..8192u16], any::<bool>())),
        payload in vec(any::<u8>(), 0..60),
    ) {
        let (protocol, body, wanted) = transport_of(which, ports, flags, &payload, true);
        let mut extensions = etherparse::Ipv6Extensions::default();
        let raw = |n: usize| Ipv6RawExtHeader::new_raw(IpNumber(0), &[0u8; 30][..6 + n * 8]).unwrap();
        extensions.hop_by_hop_options = hop_by_hop.map(raw);
        extensions.routing = routing.map(|n| Ipv6RoutingExtensions {
            routing: raw(n),
            final_destination_options: None,
        });
        // By hand: etherparse 0.19 does not put offset and flag where RFC 8200, 4.5 has them.
        let own = fragment.map(|(offset, more)| {
            let [a, b] = ((offset << 3) | u16::from(more)).to_be_bytes();
            [protocol, 0, a, b, 0, 0, 0, 77]
        });
        let next = extensions.set_next_headers(IpNumber(own.map_or(protocol, |_| 44)));
        let mut behind = Vec::new();
        extensions.write(&mut behind, next).unwrap();
        behind.extend(own.iter().flatten());
        behind.extend(&body);
        let ip = Ipv6Header {
            source,
            destination,
            hop_limit,
            next_header: next,
            payload_length: behind.len() as u16,
            ..Ipv6Header::default()
        };
        let packet = [&ip.to_bytes()[..], &behind].concat();
        let part = match fragment {
            None => Fragment::Whole,
            Some((0, false)) => Fragment::Atomic,
            Some((0, true)) => Fragment::First,
            Some(_) => Fragment::Later,
        };
        prop_assert_eq!(parse(&packet), Some(Header {
            source: Address::v6(source),
            destination: Address::v6(destination),
            protocol,
            hop_limit,
            fragment: part,
            source_route: false,
            transport: if part == Fragment::Later { Transport::Other } else { wanted },
        }));
    }

    /// Fewer bytes never say something else, they only say less.
    #[test]
    fn a_part_says_no_other_thing(
        mut packet in vec(any::<u8>(), 20..WINDOW), six in any::<bool>(), cut in 0..WINDOW,
    ) {
        let len = (packet.len() - if six { 40.min(packet.len()) } else { 0 }) as u16;
        packet[0] = if six { 0x60 } else { 0x45 | packet[0] & 1 };
        let place = if six { 4 } else { 2 };
        packet[place..place + 2].copy_from_slice(&len.to_be_bytes());
        if six {
            packet[6] = [0, 44, 60, 58, 17, 6, 51][usize::from(packet[6]) % 7];
        }
        let whole = parse(&packet);
        let part = Header::parse(&packet[..cut.min(packet.len())], packet.len());
        if let Some(part) = part {
            let whole = whole.unwrap();
            prop_assert_eq!(part.source, whole.source);
            prop_assert_eq!(part.destination, whole.destination);
            prop_assert_eq!(part.hop_limit, whole.hop_limit);
            prop_assert!(part.transport == whole.transport || part.transport == Transport::Other);
        }
    }
}

/// A transport header by etherparse, its protocol, and what is to be read of it.
fn transport_of(
    which: i32,
    (from, to): (u16, u16),
    [syn, ack, fin, rst, psh, ece]: [bool; 6],
    payload: &[u8],
    six: bool,
) -> (u8, Vec<u8>, Transport) {
    match which {
        0 => {
            let mut tcp = TcpHeader::new(from, to, 1, 2);
            (tcp.syn, tcp.ack, tcp.fin) = (syn, ack, fin);
            (tcp.rst, tcp.psh, tcp.ece) = (rst, psh, ece);
            let body = [&tcp.to_bytes()[..], payload].concat();
            (6, body, Transport::Tcp(tcp_flags(&tcp)))
        }
        1 => {
            let udp = UdpHeader::without_ipv4_checksum(from, to, payload.len()).unwrap();
            (
                17,
                [&udp.to_bytes()[..], payload].concat(),
                Transport::Udp { from, to },
            )
        }
        _ => {
            let protocol = if six { 58 } else { 1 };
            let [kind, code] = from.to_be_bytes();
            let body = [&[kind, code, 0, 0][..], payload].concat();
            (protocol, body, Transport::Icmp { kind, code })
        }
    }
}

/// And a whole packet by its builder, checksums and all.
#[test]
fn a_whole_packet_by_etherparse() {
    let builder = PacketBuilder::ipv4([192, 168, 8, 110], [192, 168, 8, 1], 64)
        .tcp(2000, 21, 7, 900)
        .syn();
    let mut packet = Vec::new();
    builder.write(&mut packet, &[]).unwrap();
    assert_eq!(
        transport(&packet),
        Some((6, Fragment::Whole, Transport::Tcp(2)))
    );
}
