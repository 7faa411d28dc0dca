// SPDX-License-Identifier: GPL-2.0

//! What `br_netfilter` makes of a policy's interfaces, if it is loaded: netfilter's hooks see what a
//! bridge of the router hands from one of its ports to another.

use std::{fs, path::Path};

/// What is said about an interface, and how to have it otherwise.
pub type Remark = (String, &'static str);

const CURE: &str =
    "'sysctl -w net.bridge.bridge-nf-call-iptables=0 net.bridge.bridge-nf-call-ip6tables=0' leaves bridges alone";

/// What is not as one would expect of this interface, if it is there. Nobody else's opinion is
/// asked: what cannot be read is not so.
pub fn remark(interface: &str) -> Option<Remark> {
    let of = Path::new("/sys/class/net").join(interface);
    if is_filtered(&of) {
        let message = format!(
            "what the hosts of bridge '{interface}' say to each other is judged too (br_netfilter): only rules from their zone to itself let it pass"
        );
        return Some((message, CURE));
    }
    let mut lower = fs::read_dir(&of).ok()?.flatten();
    let on_bridge = lower.any(|entry| {
        entry.file_name().to_string_lossy().starts_with("lower_") && is_filtered(&entry.path())
    });
    on_bridge.then(|| {
        let message = format!(
            "'{interface}' lies on a bridge: what comes in there seems to come by the bridge itself (br_netfilter)"
        );
        (message, CURE)
    })
}

/// Whether it is a bridge whose frames go through the hooks: by a word about all of them, or its own.
fn is_filtered(interface: &Path) -> bool {
    let bridge = interface.join("bridge");
    let all = Path::new("/proc/sys/net/bridge");
    let is_on = |path: &Path| fs::read_to_string(path).is_ok_and(|text| text.trim() != "0");
    let words = |folder: &Path, words: [&str; 2]| words.iter().any(|w| is_on(&folder.join(w)));
    bridge.exists()
        && (words(all, ["bridge-nf-call-iptables", "bridge-nf-call-ip6tables"])
            || words(&bridge, ["nf_call_iptables", "nf_call_ip6tables"]))
}
