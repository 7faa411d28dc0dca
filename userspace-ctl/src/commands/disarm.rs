// SPDX-License-Identifier: GPL-2.0

//! `camzonectl disarm`

use serde_json::json;

use super::family;
use crate::{failure::Failure, output::Output, sysctl};

pub(super) fn run(output: &Output) -> Result<(), Failure> {
    let status = family()?.disarm()?;
    // Sealed first: nothing is forwarded while the sysctls still say so.
    if let Some(saved) = status.saved {
        sysctl::set(sysctl::put_back(sysctl::current()?, saved))?;
    }
    let saved = status.saved;
    output.data(
        || {
            json!({
                "version": 1,
                "state": status.state.word(),
                "generation": status.generation,
                "restored": saved.map(|saved| json!({
                    "ipv4": u8::from(saved.ipv4), "ipv6": u8::from(saved.ipv6),
                })),
            })
        },
        |paint| {
            let state = paint.yellow(status.state.word());
            let mut out = format!(
                "{state}: only loopback passes (generation {})\n",
                status.generation
            );
            if saved.is_some() {
                out += "the forwarding sysctls are as they were before\n";
            }
            out
        },
    )
}
