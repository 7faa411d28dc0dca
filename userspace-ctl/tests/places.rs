// SPDX-License-Identifier: GPL-2.0

//! Each attribute that is sent is known by the text it came from, so that a refusal of the kernel,
//! which names an attribute by its offset, is shown at the right place of the file.

use camzone_ctl::{
    encode::{encode, Encoded},
    file::{self, source::Source},
    validate::View,
};
use camzone_policy::{
    attribute::{Attribute, Attributes},
    uapi,
};

/// Every attribute of a message, and the ones inside.
fn all(message: &[u8]) -> Vec<(u32, Attribute<'_>)> {
    let mut found = Vec::new();
    for item in Attributes::new(message).map(Result::unwrap) {
        found.push((u32::from(item.kind), item));
        let inside = item.nested().map(Result::unwrap);
        found.extend(inside.map(|attribute| (u32::from(attribute.kind), attribute)));
    }
    found
}

/// The text of the file that the attribute at `offset` came from.
fn text<'a>(source: &'a Source, encoded: &Encoded, offset: usize) -> &'a str {
    let mark = encoded.mark(0, offset).unwrap();
    &source.text[mark.span.clone()]
}

const FILE: &str = r#"
[zones.camera]
interfaces = ["eth1", "eth3"]
networks = ["192.168.8.0/24", "192.168.9.0/24"]
ipv6 = "full"
[[allow]]
from = "camera"
to = "router"
services = ["ping", "ssh"]
to_address = "192.168.8.1"
"#;

#[test]
fn every_attribute_has_its_text() {
    let source = Source::new("places", FILE);
    let file = file::parse(&source).unwrap();
    let encoded = encode(&file).unwrap();
    assert_eq!(encoded.adds.len(), 1);
    let mut texts = Vec::new();
    let mut rule = false;
    for (kind, attribute) in all(&encoded.adds[0]) {
        let text = text(&source, &encoded, attribute.at);
        rule |= text == "[[allow]]";
        texts.push((rule, kind, text));
    }
    let expected = [
        (false, uapi::CAMZONE_A_ZONE, "camera"),
        (false, uapi::CAMZONE_A_ZONE_NAME, "camera"),
        (false, uapi::CAMZONE_A_ZONE_INTERFACE, "\"eth1\""),
        (false, uapi::CAMZONE_A_ZONE_INTERFACE, "\"eth3\""),
        (false, uapi::CAMZONE_A_ZONE_NETWORK, "\"192.168.8.0/24\""),
        (false, uapi::CAMZONE_A_ZONE_NETWORK, "\"192.168.9.0/24\""),
        (false, uapi::CAMZONE_A_ZONE_IPV6, "\"full\""),
        (true, uapi::CAMZONE_A_RULE, "[[allow]]"),
        (true, uapi::CAMZONE_A_RULE_ACTION, "[[allow]]"),
        (true, uapi::CAMZONE_A_RULE_FROM, "\"camera\""),
        (true, uapi::CAMZONE_A_RULE_TO, "\"router\""),
        (true, uapi::CAMZONE_A_RULE_SERVICE, "\"ping\""),
        (true, uapi::CAMZONE_A_RULE_SERVICE, "\"ping\""),
        (true, uapi::CAMZONE_A_RULE_SERVICE, "\"ssh\""),
        (true, uapi::CAMZONE_A_RULE_TO_ADDRESS, "\"192.168.8.1\""),
    ];
    assert_eq!(texts, expected);
}

#[test]
fn a_refusal_without_a_place_is_the_files() {
    let source = Source::new("places", FILE);
    let file = file::parse(&source).unwrap();
    let encoded = encode(&file).unwrap();
    let view = View {
        file: &file,
        encoded: &encoded,
    };
    assert_eq!(view.refusal("no", Some(0), None).primary, None);
    assert_eq!(view.refusal("no", None, Some(4)).primary, None);
    assert_eq!(view.refusal("no", Some(1), Some(4)).primary, None);
    let network = all(&encoded.adds[0])[5].1.at;
    // Inside of what has no text of its own, it is the text around it.
    let fault = view.refusal("no", Some(0), Some(network + 4));
    assert_eq!(source.place(fault.primary.unwrap().span.start), (4, 31));
    assert_eq!(fault.message, "the kernel refuses this: no");
}
