// SPDX-License-Identifier: GPL-2.0
//! The tables of `docs/performance.md`, made of what was measured: each is put between two
//! comments that name it, and the words around stay.

use crate::cpus::{Turn, CONFIGS};
use crate::load::Load;
use crate::plot::{along, Axis, AXES};
use crate::profile::functions;
use crate::report::{read, usual};
use crate::row::{Config, Family, Path as Way, Row, Scenario};
use anyhow::{ensure, Context, Result};
use std::fmt::Write;
use std::fs;
use std::path::Path;

/// A table in Markdown: its head, and its rows.
fn table(head: &[String], rows: &[Vec<String>]) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let mut out = line(head);
    let rule: Vec<String> = (0..head.len())
        .map(|i| if i == 0 { "---" } else { "---:" }.to_owned())
        .collect();
    out += &line(&rule);
    for row in rows {
        out += &line(row);
    }
    out
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// 1234567 as 1,234,567.
fn grouped(number: f64) -> String {
    let digits = format!("{:.0}", number.abs());
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    if number < 0.0 {
        format!("−{out}")
    } else {
        out
    }
}

fn over(row: &Row) -> String {
    row.over_conntrack.map_or("–".into(), |over| {
        format!("{}{}", if over < 0.0 { "" } else { "+" }, grouped(over))
    })
}

/// The row of the usual size that has to be there.
fn must(rows: &[Row], family: Family, config: Config, scenario: Scenario) -> Result<&Row> {
    usual(rows, family, Way::Forward, config, scenario)
        .with_context(|| format!("{config} {scenario}: not measured"))
}

/// Every firewall by every scenario.
fn matrix(rows: &[Row], family: Family, path: Way) -> String {
    let mut head = words(&[""]);
    head.extend(
        Scenario::ALL
            .iter()
            .map(|scenario| scenario.word().to_owned()),
    );
    let cell = |config, scenario| match usual(rows, family, path, config, scenario) {
        Some(row) if matches!(config, Config::None | Config::Conntrack) => {
            grouped(row.insn_per_packet)
        }
        Some(row) => format!("{} ({})", grouped(row.insn_per_packet), over(row)),
        None => "".into(),
    };
    let row = |config: &Config| {
        let mut cells = vec![format!("`{config}`")];
        cells.extend(
            Scenario::ALL
                .iter()
                .map(|scenario| cell(*config, *scenario)),
        );
        cells
    };
    let rows: Vec<_> = Config::ALL.iter().map(row).collect();
    table(&head, &rows)
}

/// The least and the most of camzone's own share along an axis, as what one is more than the other.
fn spread(rows: &[Row], axis: &Axis, scenario: Scenario) -> Option<(f64, f64)> {
    let points = along(rows, axis, Config::Camzone, scenario);
    let least = points.iter().map(|point| point.1).reduce(f64::min)?;
    let most = points.iter().map(|point| point.1).reduce(f64::max)?;
    Some((least, most))
}

/// Each goal, what was measured, and whether that is met.
fn goals(rows: &[Row], loads: &[Load]) -> Result<String> {
    let v4 = Family::V4;
    let own = |config, scenario| -> Result<f64> {
        must(rows, v4, config, scenario)?
            .over_conntrack
            .context("nothing to compare with")
    };
    let total = |family, config, scenario| {
        Ok::<_, anyhow::Error>(must(rows, family, config, scenario)?.insn_per_packet)
    };
    let met = |met: bool| if met { "yes" } else { "**no**" }.to_owned();
    let mut lines = Vec::new();
    let mut goal = |what: &str, measured: String, is_met: bool| {
        lines.push(vec![what.to_owned(), measured, met(is_met)])
    };

    let established = own(Config::Camzone, Scenario::Established)?;
    goal(
        "established, own share at most +250",
        format!("+{established:.0}"),
        established <= 250.0,
    );
    let nft = established / own(Config::Nft, Scenario::Established)?;
    goal(
        "established, at most 0.4 of nftables' best",
        format!("{nft:.2}"),
        nft <= 0.4,
    );
    let script = established / own(Config::Iptables, Scenario::Established)?;
    goal(
        "established, at most 0.4 of the article's script",
        format!("{script:.2}"),
        script <= 0.4,
    );
    let new = own(Config::Camzone, Scenario::New)?;
    goal(
        "NEW, own share at most +400",
        format!("+{new:.0}"),
        new <= 400.0,
    );
    let nft = new / own(Config::Nft, Scenario::New)?;
    goal(
        "NEW, at most 0.3 of nftables' best",
        format!("{nft:.2}"),
        nft <= 0.3,
    );
    let drop = total(v4, Config::Camzone, Scenario::Drop)?;
    let accept = total(v4, Config::Conntrack, Scenario::Established)?;
    goal(
        "default drop, cheaper than conntrack alone accepting",
        format!("{} against {}", grouped(drop), grouped(accept)),
        drop < accept,
    );
    let spoofed = total(v4, Config::Camzone, Scenario::Spoofed)?;
    goal(
        "spoofed, at most 3,000 in all",
        grouped(spoofed),
        spoofed <= 3000.0,
    );
    for axis in AXES
        .iter()
        .filter(|axis| ["cameras", "rules", "zones"].contains(&axis.plan))
    {
        for scenario in [Scenario::Established, Scenario::New] {
            let (least, most) = spread(rows, axis, scenario).with_context(|| axis.plan)?;
            goal(
                &format!("{scenario}, own share flat within 10 % over {}", axis.plan),
                format!("+{least:.0} to +{most:.0}"),
                most <= least * 1.1,
            );
        }
    }
    for scenario in [Scenario::Established, Scenario::New] {
        let ratio =
            total(Family::V6, Config::Camzone, scenario)? / total(v4, Config::Camzone, scenario)?;
        let conntrack = total(Family::V6, Config::Conntrack, scenario)?
            / total(v4, Config::Conntrack, scenario)?;
        goal(
            &format!("IPv6, {scenario}: the total within 1.2 of IPv4's"),
            format!("{ratio:.2} (conntrack's own: {conntrack:.2})"),
            ratio <= 1.2,
        );
    }
    let most = loads.iter().map(|load| load.cameras).max();
    let largest = |config| {
        let mut of = loads.iter().filter(|load| load.config == config);
        of.find(|load| Some(load.cameras) == most)
    };
    if let (Some(ours), Some(nfts)) = (largest(Config::Camzone), largest(Config::Nft)) {
        let cameras = grouped(f64::from(ours.cameras));
        let (a, b) = (
            ours.instructions as f64 / 1e6,
            nfts.instructions as f64 / 1e6,
        );
        goal(
            &format!("loading {cameras} cameras, cheaper than `nft -f` of the equal set"),
            format!("{} million against {}", grouped(a), grouped(b)),
            a < b,
        );
        let (a, b) = (ours.kernel_bytes as f64, nfts.kernel_bytes as f64);
        goal(
            "the same, in less of the kernel's memory",
            format!(
                "{} KiB against {}",
                grouped(a / 1024.0),
                grouped(b / 1024.0)
            ),
            a < b,
        );
    }
    Ok(table(&words(&["goal", "measured", "met"]), &lines))
}

fn axis(rows: &[Row], axis: &Axis) -> String {
    let mut out = String::new();
    for scenario in [
        Scenario::Established,
        Scenario::New,
        Scenario::Drop,
        Scenario::Spoofed,
    ] {
        let configs = [
            Config::Camzone,
            Config::Nft,
            Config::Iptables,
            Config::Ipset,
            Config::NftLinear,
        ];
        let lines: Vec<_> = configs
            .map(|config| (config, along(rows, axis, config, scenario)))
            .into();
        let mut sizes: Vec<u32> = lines
            .iter()
            .flat_map(|(_, points)| points.iter().map(|point| point.0))
            .collect();
        sizes.sort_unstable();
        sizes.dedup();
        let mut head = vec![format!("{scenario}, by {}", axis.plan)];
        head.extend(sizes.iter().map(|size| grouped(f64::from(*size))));
        let cell = |points: &[(u32, f64)], size| {
            points
                .iter()
                .find(|point| point.0 == size)
                .map_or(String::new(), |point| grouped(point.1))
        };
        let body: Vec<Vec<String>> = lines
            .iter()
            .filter(|(_, points)| !points.is_empty())
            .map(|(config, points)| {
                let mut cells = vec![format!("`{config}`")];
                cells.extend(sizes.iter().map(|size| cell(points, *size)));
                cells
            })
            .collect();
        let _ = writeln!(out, "{}", table(&head, &body));
    }
    out
}

fn loads(loads: &[Load]) -> String {
    let millions = |count: u64| format!("{:.0}", count as f64 / 1e6);
    let maybe = |count: Option<u64>| count.map_or(String::new(), millions);
    let head = words(&[
        "",
        "cameras",
        "load",
        "kernel's KiB",
        "again",
        "swap",
        "`counters`",
        "`show`",
    ]);
    let line = |load: &Load| {
        vec![
            format!("`{}`", load.config),
            grouped(f64::from(load.cameras)),
            millions(load.instructions),
            grouped(load.kernel_bytes as f64 / 1024.0),
            maybe(load.again),
            load.swap
                .map_or(String::new(), |swap| format!("{:+.1}", swap as f64 / 1e6)),
            maybe(load.counters),
            maybe(load.show),
        ]
    };
    table(&head, &loads.iter().map(line).collect::<Vec<_>>())
}

fn cpus(turns: &[Turn]) -> String {
    let line = |config: Config| {
        let mut ratios: Vec<f64> = turns
            .iter()
            .filter(|turn| turn.config == config)
            .map(|turn| turn.two / turn.one)
            .collect();
        ratios.sort_by(f64::total_cmp);
        let at = |percent: usize| {
            ratios
                .get(ratios.len() * percent / 100)
                .map_or(String::new(), |ratio| format!("{ratio:.2}"))
        };
        vec![
            format!("`{config}`"),
            at(50),
            at(25),
            at(75),
            ratios.len().to_string(),
        ]
    };
    table(
        &words(&["", "median", "lower quarter", "upper quarter", "turns"]),
        &CONFIGS.map(line),
    )
}

/// What two profiles differ by: `camzone` in a scenario, and conntrack alone.
fn profile(folder: &Path, scenario: Scenario) -> Result<String> {
    let of = |config: Config| folder.join(format!("profile-{config}-{scenario}"));
    let (total, list) = functions(&of(Config::Camzone), Some(&of(Config::Conntrack)))?;
    let mut lines: Vec<Vec<String>> = list
        .iter()
        .filter(|(_, cost)| cost.instructions.abs() >= 2.0)
        .map(|(name, cost)| {
            vec![
                format!("`{name}`"),
                format!("{:.1}", cost.instructions),
                format!("{:.2}", cost.calls),
            ]
        })
        .collect();
    lines.push(vec!["all".into(), format!("{total:.1}"), String::new()]);
    Ok(table(
        &words(&[&format!("{scenario}, function"), "instructions", "calls"]),
        &lines,
    ))
}

/// Puts `text` between the comments of that name.
fn put(page: &str, name: &str, text: &str) -> Result<String> {
    let (begin, end) = (
        format!("<!-- {name}: made by `make bench` -->\n"),
        "<!-- end -->",
    );
    let (before, rest) = page
        .split_once(&begin)
        .with_context(|| format!("the page has no {begin}"))?;
    let (_, after) = rest
        .split_once(end)
        .with_context(|| format!("{name} does not end"))?;
    Ok(format!(
        "{before}{begin}\n{}\n\n{end}{after}",
        text.trim_end()
    ))
}

/// Makes the tables of `page` anew, of what is in `build`.
pub fn make(page: &Path, build: &Path) -> Result<()> {
    let rows: Vec<Row> = read(&build.join("bench.json"))?;
    ensure!(!rows.is_empty(), "there are no rows");
    let mut text = fs::read_to_string(page).with_context(|| page.display().to_string())?;
    // What was not measured stays as it was.
    let there = |name: &str| Some(build.join(name)).filter(|file| file.exists());
    let loads: Vec<Load> = there("bench-load.json").map_or(Ok(Vec::new()), |file| read(&file))?;
    text = put(&text, "goals", &goals(&rows, &loads)?)?;
    for family in Family::ALL {
        for path in Way::ALL {
            text = put(
                &text,
                &format!("{family} {path}"),
                &matrix(&rows, *family, *path),
            )?;
        }
    }
    for one in &AXES {
        text = put(&text, one.plan, &axis(&rows, one))?;
    }
    if !loads.is_empty() {
        text = put(&text, "load", &self::loads(&loads))?;
    }
    if let Some(file) = there("bench-cpus.json") {
        text = put(&text, "cpus", &cpus(&read::<Vec<Turn>>(&file)?))?;
    }
    use Scenario::{Drop, Established, New, Spoofed};
    for scenario in [Established, New, Drop, Spoofed] {
        if there(&format!("bench/profile-camzone-{scenario}/blocks")).is_some() {
            let functions = profile(&build.join("bench"), scenario)?;
            text = put(&text, &format!("functions {scenario}"), &functions)?;
        }
    }
    fs::write(page, text).with_context(|| page.display().to_string())
}
