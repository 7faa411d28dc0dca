// SPDX-License-Identifier: GPL-2.0

//! `camzonectl status`

use serde_json::{json, Value};

use super::family;
use crate::{
    colour::Paint,
    diagnostic::printable,
    failure::Failure,
    netlink::reply::{State, Status},
    output::Output,
    policy_text::hex,
    table::Table,
};

pub(super) fn run(output: &Output) -> Result<(), Failure> {
    let mut status = family()?.status()?;
    status.ports.retain(|port| port.name != "lo");
    status.ports.sort_by_key(|port| port.index);
    output.data(|| to_json(&status), |paint| to_text(&status, paint))
}

/// What becomes of an interface that is in no zone.
const fn unzoned(state: State) -> &'static str {
    match state {
        State::Idle => "not guarded",
        State::Armed => "sealed (in no zone)",
        State::Sealed | State::Unknown(_) => "sealed",
    }
}

fn to_text(status: &Status, paint: Paint) -> String {
    let (word, means) = match status.state {
        State::Idle => (paint.red("idle"), "nothing is guarded"),
        State::Sealed => (paint.yellow("sealed"), "only loopback passes"),
        State::Armed => (paint.green("armed"), "a policy is in force"),
        State::Unknown(_) => (paint.red("unknown"), "is the module newer than this tool?"),
    };
    let mut out = format!(
        "state       {word} ({means})\ngeneration  {}\n",
        status.generation
    );
    if let Some(digest) = &status.digest {
        out += &format!("digest      {}\n", hex(digest));
    }
    if status.state == State::Armed {
        out += &format!(
            "forwarding  {}\n",
            if status.forwarding {
                "on"
            } else {
                "not by this policy"
            }
        );
    }
    if let Some(version) = &status.version {
        out += &format!("module      {}\n", printable(version));
    }
    let mut table = Table::new(&["interface", "zone"], paint);
    for port in &status.ports {
        let zone = port.zone.as_deref().unwrap_or(unzoned(status.state));
        table.row([printable(&port.name), printable(zone)]);
    }
    if !table.is_empty() {
        let mut lines = Vec::new();
        // Memory takes all.
        let _ = table.render(&mut lines);
        out += "\n";
        out += &String::from_utf8_lossy(&lines);
    }
    out
}

fn to_json(status: &Status) -> Value {
    let sealed =
        |zone: bool| status.state == State::Sealed || (status.state == State::Armed && !zone);
    let ports = status.ports.iter().map(|port| {
        json!({
            "name": port.name,
            "ifindex": port.index,
            "zone": port.zone,
            "sealed": sealed(port.zone.is_some()),
        })
    });
    json!({
        "version": 1,
        "state": status.state.word(),
        "generation": status.generation,
        "digest": status.digest.as_deref().map(hex),
        "forwarding": status.forwarding,
        "saved": status.saved.map(|saved| json!({
            "ipv4": u8::from(saved.ipv4), "ipv6": u8::from(saved.ipv6),
        })),
        "module": status.version,
        "interfaces": ports.collect::<Vec<_>>(),
    })
}
