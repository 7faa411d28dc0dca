// SPDX-License-Identifier: GPL-2.0

//! `camzonectl show`

use serde_json::json;

use super::family;
use crate::{
    failure::Failure,
    output::Output,
    policy_text::{hex, to_json, to_toml},
};

pub(super) fn run(output: &Output) -> Result<(), Failure> {
    let shown = family()?.policy()?;
    let Some(policy) = &shown.policy else {
        return Err(Failure::other("no policy is in force").help("camzonectl apply FILE"));
    };
    let digest = shown.digest.as_deref().map(hex);
    output.data(
        || {
            json!({
                "version": 1,
                "generation": shown.generation,
                "digest": digest,
                "policy": to_json(policy, &shown.rule_ids),
            })
        },
        |_| {
            let digest = digest.as_deref().unwrap_or("unknown");
            format!(
                "# generation {}, digest {digest}\n{}",
                shown.generation,
                to_toml(policy)
            )
        },
    )
}
