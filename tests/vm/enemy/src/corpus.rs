// SPDX-License-Identifier: GPL-2.0
//! Valid transactions to begin with: the example policies, as `camzonectl` encodes them, and big
//! ones that nobody would write by hand.

use camzone_ctl::{
    encode,
    file::{self, source::Source},
};
use std::fmt::Write;

/// What a transaction carries, message by message.
#[derive(Clone)]
pub struct Policy {
    pub begin: Vec<u8>,
    pub adds: Vec<Vec<u8>>,
}

/// Policies that the kernel accepts.
pub fn policies() -> Vec<Policy> {
    let everything = include_str!("../../../../userspace-ctl/tests/everything.toml");
    let article = include_str!("../../../../examples/article.toml");
    let article_v6 = include_str!("../../../../examples/article-v6.toml");
    let texts = [
        article,
        article_v6,
        everything,
        SMALL,
        &many_zones(),
        &many_cameras(),
    ];
    texts.iter().map(|text| encoded(text)).collect()
}

fn encoded(text: &str) -> Policy {
    let source = Source::new("policy", text);
    let policy = file::parse(&source)
        .ok()
        .and_then(|file| encode::encode(&file).ok());
    let Some(encode::Encoded { begin, adds, .. }) = policy else {
        panic!("a policy of the corpus is bad:\n{text}");
    };
    Policy { begin, adds }
}

const SMALL: &str = r#"
[zones.one]
interfaces = ["eth0"]
networks = "any"
"#;

fn many_zones() -> String {
    let mut text = String::new();
    for n in 0..120 {
        let _ = writeln!(
            text,
            "[zones.z{n}]\ninterfaces = [\"i{n}\"]\nnetworks = [\"10.{n}.0.0/16\", \"fd00:{n:x}::/64\"]"
        );
    }
    for n in 0..100 {
        let to = n + 1;
        let _ = writeln!(
            text,
            "[[allow]]\nfrom = \"z{n}\"\nto = \"z{to}\"\nservices = [\"http\", \"rtsp\", \"ping\"]"
        );
    }
    text
}

fn many_cameras() -> String {
    let mut text =
        String::from("[zones.camera]\ninterfaces = [\"eth1\"]\nnetworks = [\"10.0.0.0/8\"]\n");
    for n in 0..1500 {
        let (high, low) = (n / 250, n % 250 + 1);
        let _ = writeln!(
            text,
            "[cameras.c{n}]\nzone = \"camera\"\naddress = \"10.1.{high}.{low}\"\nmac = \"02:00:00:01:{high:02x}:{low:02x}\""
        );
    }
    text
}
