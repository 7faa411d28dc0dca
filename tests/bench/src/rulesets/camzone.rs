// SPDX-License-Identifier: GPL-2.0
//! The policy as camzone's file.

use crate::row::{Family, Permission};
use crate::shape::{Shape, CAMERA, EXTERNAL};
use std::fmt::Write;

/// The most that a rule names on one side, and of services.
const LIST: usize = 256;

fn quoted<T: std::fmt::Display>(items: &[T]) -> String {
    let items: Vec<String> = items.iter().map(|item| format!("\"{item}\"")).collect();
    format!("[{}]", items.join(", "))
}

fn cut<T: Clone>(items: Vec<T>, singly: bool) -> Vec<Vec<T>> {
    items
        .chunks(if singly { 1 } else { LIST })
        .map(<[T]>::to_vec)
        .collect()
}

/// Who is permitted services towards `private`, and which: the lists of its rules.
fn lists(shape: &Shape) -> (Vec<Vec<String>>, Vec<Vec<String>>) {
    let mut who: Vec<String> = match shape.permission {
        Permission::Zone => vec!["camera".into()],
        Permission::Camera => (0..shape.cameras).map(|i| format!("cam-{i}")).collect(),
    };
    who.extend(
        shape
            .inner_zones()
            .iter()
            .skip(2)
            .map(|zone| zone.name.clone()),
    );
    let services = shape.ports().map(|port| format!("s{port}")).collect();
    (cut(who, shape.singly), cut(services, shape.singly))
}

/// The rules that are there in every size.
const STANDING: &str = r#"
[[allow]]
from = "camera"
to = "router"
services = ["ftp-upload", "ntp"]

[[allow]]
from = "private"
to = "router"
services = ["ssh"]

[[allow]]
from = ["private", "camera", "external"]
to = "router"
services = ["ping"]

[[allow]]
from = "private"
to = "camera"
services = ["http"]
"#;

/// How many rules the file has.
pub fn rules(shape: &Shape) -> u32 {
    let (who, services) = lists(shape);
    (STANDING.matches("[[allow]]").count() + who.len() * services.len()) as u32
}

/// The file.
pub fn file(shape: &Shape) -> String {
    let ipv6 = if shape.family == Family::V6 {
        "full"
    } else {
        "off"
    };
    let mut out = format!(
        "forwarding = true\n\n[zones.external]\ninterfaces = [\"{EXTERNAL}\"]\nnetworks = \"any\"\nipv6 = \"{ipv6}\"\n"
    );
    for zone in shape.inner_zones() {
        let _ = write!(
            out,
            "\n[zones.{}]\ninterfaces = [\"{}\"]\nnetworks = {}\nipv6 = \"{ipv6}\"\n",
            zone.name,
            zone.interface,
            quoted(&zone.networks)
        );
    }
    debug_assert_eq!(CAMERA, shape.inner_zones()[0].interface);
    for i in 0..shape.cameras {
        let _ = write!(
            out,
            "\n[cameras.cam-{i}]\nzone = \"camera\"\naddress = \"{}\"\n",
            shape.camera(i)
        );
    }
    out += "\n[services.ftp-upload]\ntcp = [21, \"50000-50100\"]\n";
    for port in shape.ports() {
        let _ = write!(out, "\n[services.s{port}]\nudp = {port}\n");
    }
    out += STANDING;
    let (who, services) = lists(shape);
    for from in &who {
        for services in &services {
            let _ = write!(
                out,
                "\n[[allow]]\nfrom = {}\nto = \"private\"\nservices = {}\n",
                quoted(from),
                quoted(services)
            );
        }
    }
    out
}
