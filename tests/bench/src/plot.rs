// SPDX-License-Identifier: GPL-2.0
//! The rows as a picture: what a packet costs over conntrack alone, by scenario at the usual size
//! and along every axis.

use crate::report::usual;
use crate::row::{Config, Family, Path as Way, Row, Scenario};
use anyhow::{anyhow, Result};
use plotters::coord::Shift;
use plotters::prelude::*;
use std::path::Path;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// A plan of which one number grows.
pub struct Axis {
    pub plan: &'static str,
    pub size: fn(&Row) -> u32,
}

pub const AXES: [Axis; 5] = [
    Axis {
        plan: "cameras",
        size: |row| row.cameras,
    },
    Axis {
        plan: "rules",
        size: |row| row.rules,
    },
    Axis {
        plan: "services",
        size: |row| row.services,
    },
    Axis {
        plan: "zones",
        size: |row| row.zones,
    },
    Axis {
        plan: "networks",
        size: |row| row.networks,
    },
];

/// Who is drawn, in the order of the legend.
const DRAWN: [(Config, RGBColor); 6] = [
    (Config::Camzone, RGBColor(200, 30, 30)),
    (Config::Nft, RGBColor(30, 90, 180)),
    (Config::NftLinear, RGBColor(120, 180, 230)),
    (Config::Iptables, RGBColor(40, 140, 60)),
    (Config::IptablesNft, RGBColor(150, 200, 120)),
    (Config::Ipset, RGBColor(220, 150, 30)),
];

/// Size and instructions over conntrack alone.
pub fn along(rows: &[Row], axis: &Axis, config: Config, scenario: Scenario) -> Vec<(u32, f64)> {
    rows.iter()
        .filter(|row| {
            (row.plan.as_str(), row.config, row.scenario) == (axis.plan, config, scenario)
        })
        .filter_map(|row| Some(((axis.size)(row), row.over_conntrack?)))
        .collect()
}

const TITLE: (&str, u32) = ("sans-serif", 18);
const SMALL: (&str, u32) = ("sans-serif", 13);

/// Bars: the usual size, IPv4, through the router.
fn bars(area: &Area<'_>, rows: &[Row]) -> Result<()> {
    const SCENARIOS: [Scenario; 4] = [
        Scenario::Established,
        Scenario::New,
        Scenario::First,
        Scenario::Mix,
    ];
    let value =
        |config, scenario| usual(rows, Family::V4, Way::Forward, config, scenario)?.over_conntrack;
    let wide = DRAWN.len() as f64 + 1.0;
    let mut chart = ChartBuilder::on(area)
        .caption(
            "100 cameras, IPv4, forwarded: instructions per packet over conntrack alone",
            TITLE,
        )
        .margin(10)
        .x_label_area_size(26)
        .y_label_area_size(60)
        .build_cartesian_2d(0.0..wide * SCENARIOS.len() as f64, 0.0..4000.0)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .disable_x_axis()
        .label_style(SMALL)
        .draw()?;
    for (i, scenario) in SCENARIOS.into_iter().enumerate() {
        let left = i as f64 * wide + 0.5;
        chart.draw_series([Text::new(scenario.word(), (left, 3900.0), SMALL)])?;
        for (j, (config, colour)) in DRAWN.into_iter().enumerate() {
            let Some(value) = value(config, scenario) else {
                continue;
            };
            let left = left + j as f64;
            chart.draw_series([Rectangle::new(
                [(left, 0.0), (left + 0.9, value.clamp(0.0, 4000.0))],
                colour.filled(),
            )])?;
            chart.draw_series([Text::new(
                format!("{value:.0}"),
                (left, value.clamp(0.0, 3700.0) + 130.0),
                SMALL,
            )])?;
        }
    }
    Ok(())
}

/// Whose colour is whose, in a strip of its own so that it hides no line.
fn legend(area: &Area<'_>) -> Result<()> {
    for (i, (config, colour)) in (0..).zip(DRAWN) {
        let left = 70 + i * 150;
        area.draw(&Rectangle::new(
            [(left, 8), (left + 16, 24)],
            colour.filled(),
        ))?;
        area.draw(&Text::new(config.word(), (left + 24, 10), SMALL))?;
    }
    Ok(())
}

/// Lines along one axis.
fn lines(area: &Area<'_>, rows: &[Row], axis: &Axis, scenario: Scenario) -> Result<()> {
    let all = DRAWN.map(|(config, colour)| (colour, along(rows, axis, config, scenario)));
    let sizes = all
        .iter()
        .flat_map(|(_, points)| points.iter().map(|(size, _)| *size));
    let most = sizes
        .max()
        .ok_or_else(|| anyhow!("no rows of {}", axis.plan))?;
    let mut chart = ChartBuilder::on(area)
        .caption(format!("{}, {scenario}", axis.plan), TITLE)
        .margin(10)
        .x_label_area_size(26)
        .y_label_area_size(60)
        .build_cartesian_2d((1_u32..most).log_scale(), (100.0..1_000_000.0).log_scale())?;
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .label_style(SMALL)
        .draw()?;
    for (colour, points) in all {
        if points.is_empty() {
            continue;
        }
        let points: Vec<(u32, f64)> = points
            .into_iter()
            .map(|(size, over)| (size, over.max(100.0)))
            .collect();
        chart.draw_series(LineSeries::new(points, colour.stroke_width(2)).point_size(3))?;
    }
    Ok(())
}

/// Draws all of them.
pub fn draw(svg: &Path, rows: &[Row]) -> Result<()> {
    let root = SVGBackend::new(svg, (1600, 1120)).into_drawing_area();
    root.fill(&WHITE)?;
    let (top, below) = root.split_vertically(380);
    bars(&top, rows)?;
    let (strip, below) = below.split_vertically(30);
    legend(&strip)?;
    let panels = below.split_evenly((2, AXES.len()));
    for (i, panel) in panels.iter().enumerate() {
        let scenario = if i < AXES.len() {
            Scenario::New
        } else {
            Scenario::Established
        };
        lines(panel, rows, &AXES[i % AXES.len()], scenario)?;
    }
    root.present()?;
    Ok(())
}
