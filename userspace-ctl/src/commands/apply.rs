// SPDX-License-Identifier: GPL-2.0

//! `camzonectl apply`

use serde_json::{json, Value};

use super::{count, short};
use crate::{
    bridge,
    encode::{encode, Encoded},
    failure::{said, Failure},
    file::{self, model::PolicyFile, source::Source},
    netlink::{
        family::Family,
        reply::{Port, Saved, Status},
        socket::Error,
        wire::{GENERIC_HEADER, HEADER},
    },
    output::{Output, Warning},
    policy_text::hex,
    session::{Fate, Session},
    sysctl,
    validate::{validate, View},
};

/// A policy file that is ready for the kernel.
struct Sound {
    source: Source,
    file: PolicyFile,
    encoded: Encoded,
    /// This tool found nothing wrong with it.
    judged: bool,
}

/// What the command line wants.
#[derive(Clone, Copy)]
pub(super) struct How {
    pub(super) check: bool,
    pub(super) cut_ssh: bool,
    pub(super) kernel_only: bool,
}

/// What became of it.
struct Done {
    /// In force, or as it would be; `None` when the kernel was not asked.
    status: Option<Status>,
    warnings: Vec<Warning>,
}

pub(super) fn run(path: &str, how: How, output: &Output) -> Result<(), Failure> {
    let How {
        check, kernel_only, ..
    } = how;
    let refuse = |source: &Source, faults| Failure::File(Box::new(source.clone()), faults);
    let source = Source::read(path).map_err(|(source, fault)| refuse(&source, vec![fault]))?;
    let file = file::parse(&source).map_err(|faults| refuse(&source, faults))?;
    let encoded = encode(&file).map_err(|fault| refuse(&source, vec![fault]))?;
    let policy = match kernel_only {
        true => None,
        false => Some(validate(&file, &encoded).map_err(|fault| refuse(&source, vec![fault]))?),
    };
    let sound = Sound {
        source,
        file,
        encoded,
        judged: !kernel_only,
    };
    let mut warnings = Vec::new();
    let mut note = |found: Vec<Warning>| {
        found
            .iter()
            .for_each(|warning| output.warn(warning, &sound.source));
        warnings.extend(found);
    };
    // All of it before anything is changed.
    let of_file = sound.file.warnings.iter().cloned();
    note(of_file.map(Warning::File).collect());
    let fate = Session::current().zip(policy);
    let fate = fate.map_or(Fate::Alive, |(session, policy)| session.under(policy));
    if let Fate::Stopped(why) = &fate {
        note(vec![cut(why, how)?]);
    }
    let status = match Family::find()? {
        Some(mut family) => {
            let before = family.status()?;
            note(sound.about_interfaces(&before.ports));
            if let Fate::AliveIn(zone) = &fate {
                let cut = sound.about_way_in(zone, &before.ports, how)?;
                note(Vec::from_iter(cut));
            }
            let (status, remark) = sound.send(&mut family, &before, check)?;
            note(Vec::from_iter(remark.map(Warning::Plain)));
            Some(status)
        }
        None if check && !kernel_only => None,
        None => return Err(Failure::NotLoaded),
    };
    let done = Done { status, warnings };
    let paint = |paint: crate::colour::Paint| sound.text(&done, check, |text| paint.green(text));
    output.data(|| sound.json(&done, check), paint)
}

/// What is said when the policy would stop the session that it is applied from.
///
/// # Errors
///
/// It is meant to be applied, and nobody said that the session may end.
fn cut(why: &str, how: How) -> Result<Warning, Failure> {
    let text = format!("this policy stops your own ssh session {why}");
    if how.check || how.cut_ssh {
        return Ok(Warning::Plain(text));
    }
    let failure = Failure::other(format!("{text}: nothing was changed"));
    Err(failure.help("allow it, or say --cut-ssh if it may be cut"))
}

impl Sound {
    /// Hands the policy to the kernel: what it is then, and what the kernel remarks.
    fn send(
        &self,
        family: &mut Family,
        before: &Status,
        check: bool,
    ) -> Result<(Status, Option<String>), Failure> {
        let now = match self.file.forwarding {
            true => Some(sysctl::current()?),
            false => None,
        };
        let begun = family.begin(&self.encoded.begin, now);
        let generation = begun.map_err(|error| self.refused(error, None))?;
        for (place, message) in self.encoded.adds.iter().enumerate() {
            family
                .add(message)
                .map_err(|error| self.refused(error, Some(place)))?;
        }
        let committed = family.commit(generation, check);
        let (status, extack) = committed.map_err(|error| self.refused(error, None))?;
        if !check {
            // In force first, forwarding then: never the other way round.
            self.forward(before).map_err(|failure| {
                failure.help("the policy is in force all the same, and guards this machine")
            })?;
        }
        Ok((status, extack.message))
    }

    /// Turns forwarding on, or what the policy before this one turned on back.
    fn forward(&self, before: &Status) -> Result<(), Failure> {
        let now = sysctl::current()?;
        let owed = match before.saved {
            Some(saved) => sysctl::put_back(now, saved),
            None => now,
        };
        sysctl::set(Saved {
            ipv4: self.file.forwarding || owed.ipv4,
            ipv6: self.file.routes_ipv6() || owed.ipv6,
        })
    }

    /// A refusal by the kernel, which points into the file where it can.
    fn refused(&self, error: Error, message: Option<usize>) -> Failure {
        let Error::Refused(ack) = error else {
            return error.into();
        };
        if ack.errno == libc::ESTALE {
            let message = format!("another policy came between: {}", said(&ack));
            let help = vec![String::from("look at it with 'camzonectl show', and apply this one again if it is to replace it")];
            return Failure::Other {
                message,
                errno: Some(ack.errno),
                help,
            };
        }
        if ack.errno != libc::EINVAL && ack.errno != libc::E2BIG {
            return Error::Refused(ack).into();
        }
        let view = View {
            file: &self.file,
            encoded: &self.encoded,
        };
        let offset = ack.extack.offset;
        let offset = offset.and_then(|offset| offset.checked_sub(HEADER + GENERIC_HEADER));
        let fault = view.refusal(&said(&ack), message, offset);
        let fault = match self.judged {
            true => fault
                .help("this tool found nothing wrong with it: are tool and module of one version?"),
            false => fault,
        };
        Failure::File(Box::new(self.source.clone()), vec![fault])
    }

    /// Interfaces that the file has and the machine has not, and the other way round; and bridges.
    fn about_interfaces(&self, ports: &[Port]) -> Vec<Warning> {
        let mut warnings = Vec::new();
        let zones = || self.file.zones.iter();
        for (zone, interface) in
            zones().flat_map(|zone| zone.interfaces.iter().map(move |i| (zone, i)))
        {
            if !ports.iter().any(|port| port.name == interface.value) {
                let name = &interface.value;
                let message = format!("there is no interface '{name}' (yet)");
                let fault = crate::diagnostic::Diagnostic::at(interface.span.clone(), message);
                let zone = &zone.name.value;
                let fault = fault.help(format!("once it comes, it is in zone '{zone}'"));
                warnings.push(Warning::File(fault.warning()));
            } else if let Some((message, help)) = bridge::remark(&interface.value) {
                let fault = crate::diagnostic::Diagnostic::at(interface.span.clone(), message);
                warnings.push(Warning::File(fault.help(help).warning()));
            }
        }
        for port in ports.iter().filter(|port| port.name != "lo") {
            let name = &port.name;
            if !zones().any(|zone| zone.interfaces.iter().any(|i| i.value == *name)) {
                let text = format!("interface '{name}' is in no zone: it is sealed");
                warnings.push(Warning::Plain(text));
            }
        }
        warnings
    }

    /// Whether there is an interface of the zone that an ssh session needs to come in by.
    fn about_way_in(
        &self,
        name: &str,
        ports: &[Port],
        how: How,
    ) -> Result<Option<Warning>, Failure> {
        let zone = self.file.zones.iter().find(|zone| zone.name.value == name);
        let mut interfaces = zone.iter().flat_map(|zone| &zone.interfaces);
        if interfaces.any(|i| ports.iter().any(|port| port.name == i.value)) {
            return Ok(None);
        }
        let why = format!("(this machine has no interface of zone '{name}')");
        cut(&why, how).map(Some)
    }

    fn text(&self, done: &Done, check: bool, good: impl Fn(&str) -> String) -> String {
        let mut out = match (&done.status, check) {
            (None, _) => format!(
                "{} by this tool; the kernel was not asked: camzone is not loaded\n",
                good("accepted")
            ),
            (Some(_), true) => format!("{} by the kernel; nothing was changed\n", good("accepted")),
            (Some(status), false) => {
                let digest = short(status.digest.as_deref());
                format!(
                    "{}: generation {}, digest {digest}\n",
                    good("in force"),
                    status.generation
                )
            }
        };
        let file = &self.file;
        out += &format!(
            "{}, {}, {}{}\n",
            count(file.zones.len(), "zone"),
            count(file.cameras.len(), "camera"),
            count(file.rules.len(), "rule"),
            if file.forwarding { ", forwarding" } else { "" },
        );
        out
    }

    fn json(&self, done: &Done, check: bool) -> Value {
        let status = done.status.as_ref();
        let applied = status.filter(|_| !check);
        let warnings = done
            .warnings
            .iter()
            .map(|warning| warning.to_json(&self.source));
        json!({
            "version": 1,
            "applied": applied.is_some(),
            "kernel_asked": status.is_some(),
            "state": status.map(|status| status.state.word()),
            "generation": status.map(|status| status.generation),
            "digest": applied.and_then(|status| status.digest.as_deref()).map(hex),
            "forwarding": self.file.forwarding,
            "zones": self.file.zones.len(),
            "cameras": self.file.cameras.len(),
            "rules": self.file.rules.len(),
            "warnings": warnings.collect::<Vec<_>>(),
        })
    }
}
