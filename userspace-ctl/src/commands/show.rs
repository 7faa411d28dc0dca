// SPDX-License-Identifier: GPL-2.0

//! `camzonectl show`

use std::io::Write;

use super::{family, Top};
use crate::{
    failure::Failure,
    json::Document,
    output::Output,
    policy_text::{to_json, to_toml},
    spool::Stop,
};

pub(super) fn run(output: &Output) -> Result<(), Failure> {
    let family = family()?;
    output.stream(|for_program, out| {
        let mut messages = family.policy()?;
        let Some(first) = messages.next().transpose()? else {
            let none = Failure::other("no policy is in force").help("camzonectl apply FILE");
            return Err(Stop::Failure(none));
        };
        let top = Top::of(&first);
        let messages = [Ok(first)].into_iter().chain(messages);
        if for_program {
            let mut document = Document::new(out)?;
            top.to_json(&mut document)?;
            document.object("policy")?;
            to_json(messages, &mut document)?;
            document.end()?;
            return Ok(document.end()?);
        }
        let Top { generation, digest } = &top;
        let digest = digest.as_deref().unwrap_or("unknown");
        writeln!(out, "# generation {generation}, digest {digest}")?;
        to_toml(messages, out)
    })
}
