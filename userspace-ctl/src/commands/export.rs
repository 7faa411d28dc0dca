// SPDX-License-Identifier: GPL-2.0

//! `camzonectl export`

use serde_json::json;

use crate::{
    encode::encode,
    failure::Failure,
    file::{self, source::Source},
    nft,
    output::{Output, Warning},
    validate::validate,
};

pub(super) fn run(path: &str, output: &Output) -> Result<(), Failure> {
    let refuse = |source: &Source, faults| Failure::File(Box::new(source.clone()), faults);
    let source = Source::read(path).map_err(|(source, fault)| refuse(&source, vec![fault]))?;
    let file = file::parse(&source).map_err(|faults| refuse(&source, faults))?;
    let encoded = encode(&file).map_err(|fault| refuse(&source, vec![fault]))?;
    let policy = validate(&file, &encoded).map_err(|fault| refuse(&source, vec![fault]))?;
    let warnings: Vec<_> = file.warnings.iter().cloned().map(Warning::File).collect();
    for warning in &warnings {
        output.warn(warning, &source);
    }
    let ruleset = nft::ruleset(&policy)?;
    output.data(
        || {
            let warnings: Vec<_> = warnings.iter().map(|w| w.to_json(&source)).collect();
            json!({ "version": 1, "nft": ruleset, "warnings": warnings })
        },
        |_| ruleset.clone(),
    )
}
