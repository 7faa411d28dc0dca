// SPDX-License-Identifier: GPL-2.0
//! The article's script, in its own order, for `iptables-restore`, and a set for it by `ipset`.
//!
//! Added to it are what the article leaves out: the check of the cameras' source in FORWARD
//! (where, as in INPUT, it stands behind ESTABLISHED), and the services that are measured. LOG has
//! camzone's own rate; without it a flood would measure the kernel's log.

use crate::row::{Family, Permission};
use crate::shape::{Shape, CAMERA, EXTERNAL, PRIVATE, ROUTER_PORT};
use std::fmt::Write;

const LOG: &str = "-m limit --limit 150/minute --limit-burst 5 -j LOG --log-prefix";

/// What permits the services towards `private`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum How {
    Rules,
    Set,
}

/// The chains.
pub fn script(shape: &Shape, how: How) -> String {
    let ping = match shape.family {
        Family::V4 => "-p icmp --icmp-type echo-request",
        Family::V6 => "-p icmpv6 --icmpv6-type echo-request",
    };
    let zones = shape.inner_zones();
    let (camera, private) = (&zones[0], &zones[1].networks[0]);
    let network = camera.networks[0];
    let new = "-m state --state NEW -j ACCEPT";
    let mut out = String::from("*filter\n:INPUT DROP\n:FORWARD DROP\n:OUTPUT ACCEPT\n");
    let mut line = |text: String| {
        out += &text;
        out.push('\n');
    };
    // A source is the cameras' if it is in one of their networks.
    let spoofed: Vec<String> = if how == How::Set {
        vec![format!(
            "-i {CAMERA} -m set ! --match-set camera-networks src"
        )]
    } else if let [one] = camera.networks.as_slice() {
        vec![format!("-i {CAMERA} ! -s {one}")]
    } else {
        line(":CAMERA_NET -".into());
        for network in &camera.networks {
            line(format!("-A CAMERA_NET -s {network} -j RETURN"));
        }
        line(format!("-A CAMERA_NET {LOG} \"SPOOFED PKT \""));
        line("-A CAMERA_NET -j DROP".into());
        vec![]
    };
    let anti_spoof = |line: &mut dyn FnMut(String), chain: &str| {
        if spoofed.is_empty() {
            line(format!("-A {chain} -i {CAMERA} -j CAMERA_NET"));
        }
        for spoofed in &spoofed {
            line(format!("-A {chain} {spoofed} {LOG} \"SPOOFED PKT \""));
            line(format!("-A {chain} {spoofed} -j DROP"));
        }
    };
    line("-A INPUT -i lo -p all -j ACCEPT".into());
    line("-A OUTPUT -o lo -p all -j ACCEPT".into());
    line(format!("-A INPUT -m state --state INVALID {LOG} \"DROP INVALID \" --log-ip-options --log-tcp-options"));
    line("-A INPUT -m state --state INVALID -j DROP".into());
    line("-A INPUT -m state --state ESTABLISHED,RELATED -j ACCEPT".into());
    anti_spoof(&mut line, "INPUT");
    line(format!("-A INPUT {ping} -j ACCEPT"));
    line(format!(
        "-A INPUT -i {CAMERA} -p tcp -s {network} --dport 21 --syn {new}"
    ));
    line(format!(
        "-A INPUT -i {PRIVATE} -p tcp -s {private} --dport 22 --syn {new}"
    ));
    line(format!(
        "-A INPUT -i {CAMERA} -p tcp -s {network} -m multiport --dports 50000:50100 --syn {new}"
    ));
    line(format!(
        "-A INPUT -i {CAMERA} -p udp -s {network} --dport {ROUTER_PORT} {new}"
    ));
    line(format!(
        "-A OUTPUT -m state --state INVALID {LOG} \"DROP INVALID \" --log-ip-options"
    ));
    line("-A OUTPUT -m state --state INVALID -j DROP".into());
    line("-A OUTPUT -m state --state ESTABLISHED,RELATED -j ACCEPT".into());
    line(format!("-A FORWARD -m state --state INVALID {LOG} \"DROP INVALID \" --log-ip-options --log-tcp-options"));
    line("-A FORWARD -m state --state INVALID -j DROP".into());
    line("-A FORWARD -m state --state ESTABLISHED,RELATED -j ACCEPT".into());
    anti_spoof(&mut line, "FORWARD");
    line(format!(
        "-A FORWARD -p tcp -i {PRIVATE} --dport 80 --syn {new}"
    ));
    match (how, shape.permission) {
        (How::Set, _) => line(format!(
            "-A FORWARD -i {CAMERA} -o {PRIVATE} -m set --match-set permissions src,dst {new}"
        )),
        (How::Rules, Permission::Zone) => {
            for port in shape.ports() {
                line(format!(
                    "-A FORWARD -i {CAMERA} -o {PRIVATE} -p udp -s {network} --dport {port} {new}"
                ));
            }
        }
        (How::Rules, Permission::Camera) => {
            for (source, port) in shape.permissions() {
                line(format!(
                    "-A FORWARD -i {CAMERA} -o {PRIVATE} -p udp -s {source} --dport {port} {new}"
                ));
            }
        }
    }
    for zone in &zones[2..] {
        for port in shape.ports() {
            line(format!(
                "-A FORWARD -i {} -o {PRIVATE} -p udp --dport {port} {new}",
                zone.interface
            ));
        }
    }
    let _ = EXTERNAL;
    line("COMMIT".into());
    out
}

/// The sets, for `ipset restore`.
pub fn sets(shape: &Shape) -> String {
    let family = if shape.family == Family::V4 {
        "inet"
    } else {
        "inet6"
    };
    let count = u64::from(shape.cameras) * u64::from(shape.services);
    let mut out = format!(
        "create camera-networks hash:net family {family}\ncreate permissions hash:ip,port family {family} maxelem {}\n",
        count.max(1024)
    );
    for network in &shape.inner_zones()[0].networks {
        let _ = writeln!(out, "add camera-networks {network}");
    }
    for (camera, port) in shape.permissions() {
        let _ = writeln!(out, "add permissions {camera},udp:{port}");
    }
    out
}
