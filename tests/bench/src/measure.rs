// SPDX-License-Identifier: GPL-2.0
//! One measurement: make the flows known that have to be, send the packets, and see that what
//! became of them is what the scenario says.

use crate::network::{Counts, Sinks};
use crate::pktgen::{send, Stream};
use crate::row::{Config, Family, Path, Row, Scenario, Verdicts};
use crate::run::{read, run, settle, write};
use crate::shape::{Shape, CAMERA, CLOSED_PORT, PRIVATE, ROUTER_PORT};
use anyhow::{bail, ensure, Context, Result};
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// What is measured, but for the firewall.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    pub plan: &'static str,
    pub shape: Shape,
    pub path: Path,
    pub scenario: Scenario,
    pub packets: u64,
}

/// The source ports of flows: answered, unanswered, and of first packets.
const ANSWERED: u16 = 5000;
const UNANSWERED: u16 = 6000;
const FIRST: (u16, u16) = (10000, 60000);
/// IPv6 packets come of one camera and many of its ports, since pktgen does not vary sources there.
const V6_FLOWS: u16 = 100;

const WARM_PACKETS: u64 = 200;
/// What is dropped is logged, so and so many times for every camera: when these are over, and
/// until the next, a drop costs what it costs in a flood.
const LOGGED: u64 = 6;
const MOST_LOGGED: u32 = 1000;

impl Case {
    fn flows(&self) -> u64 {
        match self.shape.family {
            Family::V4 => u64::from(self.shape.cameras),
            Family::V6 => u64::from(V6_FLOWS),
        }
    }

    fn flow_ports(&self, first: u16) -> (u16, u16) {
        (
            first,
            if self.shape.family == Family::V6 {
                first + V6_FLOWS
            } else {
                first
            },
        )
    }

    fn target(&self) -> (std::net::IpAddr, u16) {
        match self.path {
            Path::Forward => (self.shape.server(), self.shape.measured_port()),
            Path::Input => (self.shape.router(), ROUTER_PORT),
        }
    }

    /// From the cameras to the target.
    fn stream(&self, source_ports: (u16, u16), packets: u64) -> Stream {
        let (address, port) = self.target();
        let last = self.shape.cameras - 1;
        let sources = match self.shape.family {
            Family::V4 => (self.shape.camera(0), self.shape.camera(last)),
            Family::V6 => (self.shape.camera(last / 2), self.shape.camera(last / 2)),
        };
        Stream {
            interface: CAMERA,
            sources,
            destinations: (address, address),
            source_ports,
            destination_ports: (port, port),
            checksum: self.shape.family == Family::V6,
            packets,
            delay: 0,
            cpu: 0,
        }
    }

    pub fn answered(&self, packets: u64) -> Stream {
        self.stream(self.flow_ports(ANSWERED), packets)
    }

    fn unanswered(&self, packets: u64) -> Stream {
        self.stream(self.flow_ports(UNANSWERED), packets)
    }

    /// How many cameras send what is dropped.
    fn dropped_cameras(&self) -> u32 {
        self.shape.cameras.min(MOST_LOGGED)
    }

    /// The same from fewer cameras.
    fn few(&self, stream: Stream) -> Stream {
        match self.shape.family {
            Family::V4 => Stream {
                sources: (
                    stream.sources.0,
                    self.shape.camera(self.dropped_cameras() - 1),
                ),
                ..stream
            },
            Family::V6 => stream,
        }
    }

    fn closed(&self, packets: u64) -> Stream {
        self.few(Stream {
            destination_ports: (CLOSED_PORT, CLOSED_PORT),
            ..self.answered(packets)
        })
    }

    fn invalid(&self, packets: u64) -> Stream {
        self.few(Stream {
            checksum: false,
            ..self.answered(packets)
        })
    }

    fn spoofed(&self, packets: u64) -> Stream {
        Stream {
            sources: (self.shape.stranger(0), self.shape.stranger(99)),
            ..self.answered(packets)
        }
    }

    /// What is sent before the time is taken, one after the other, and what camzone counts it as.
    fn warm(&self) -> Vec<(Stream, &'static str)> {
        let logged = u64::from(self.dropped_cameras()) * LOGGED;
        let answered = (self.answered(WARM_PACKETS), "allowed");
        let unanswered = (self.unanswered(WARM_PACKETS), "allowed");
        let closed = (self.closed(logged), "no-rule");
        let spoofed = (self.spoofed(WARM_PACKETS), "spoofed");
        match self.scenario {
            Scenario::Established => vec![answered],
            Scenario::New => vec![unanswered],
            Scenario::First => vec![(self.stream(FIRST, self.packets), "allowed")],
            Scenario::Drop => vec![closed],
            Scenario::Spoofed => vec![spoofed],
            Scenario::Invalid => vec![(self.invalid(logged), "invalid")],
            Scenario::Mix => vec![answered, unanswered, closed, spoofed],
        }
    }

    /// What is sent and timed.
    fn streams(&self) -> Vec<Stream> {
        let packets = self.packets;
        match self.scenario {
            Scenario::Established => vec![self.answered(packets)],
            Scenario::New => vec![self.unanswered(packets)],
            Scenario::First => vec![self.stream(FIRST, packets)],
            Scenario::Drop => vec![self.closed(packets)],
            Scenario::Spoofed => vec![self.spoofed(packets)],
            Scenario::Invalid => vec![self.invalid(packets)],
            Scenario::Mix => {
                // Delays in the ratio of the shares, and far too short: each is always late, and
                // whose turn is most overdue comes next.
                let share = |stream: Stream, delay| Stream { delay, ..stream };
                let part = |percent| packets * percent / 100;
                vec![
                    share(self.answered(part(90)), 80),
                    share(self.unanswered(part(8)), 900),
                    share(self.closed(part(1)), 7200),
                    share(self.spoofed(part(1)), 7200),
                ]
            }
        }
    }

    /// How many packets a firewall with this policy lets pass.
    fn permitted(&self, config: Config) -> u64 {
        match (config, self.scenario) {
            (Config::None | Config::Conntrack | Config::Noop, _) => self.packets,
            (_, Scenario::Established | Scenario::New | Scenario::First) => self.packets,
            (_, Scenario::Drop | Scenario::Spoofed | Scenario::Invalid) => 0,
            (_, Scenario::Mix) => self.packets * 98 / 100,
        }
    }

    /// The reasons that camzone has to give.
    fn reasons(&self) -> BTreeMap<String, u64> {
        let part = |percent| self.packets * percent / 100;
        let reasons = match self.scenario {
            Scenario::Established | Scenario::New | Scenario::First => {
                vec![("allowed", self.packets)]
            }
            Scenario::Drop => vec![("no-rule", self.packets)],
            Scenario::Spoofed => vec![("spoofed", self.packets)],
            Scenario::Invalid => vec![("invalid", self.packets)],
            Scenario::Mix => vec![
                ("allowed", part(98)),
                ("no-rule", part(1)),
                ("spoofed", part(1)),
            ],
        };
        reasons
            .into_iter()
            .map(|(reason, count)| (reason.to_owned(), count))
            .collect()
    }

    /// Makes flows known to conntrack, and sees that they are.
    pub fn prime(&self, config: Config, sinks: &Sinks) -> Result<()> {
        let flows = self.flows();
        let mut known = 0;
        if matches!(self.scenario, Scenario::Established | Scenario::Mix) {
            send(&[self.answered(flows)])?;
            self.answer(sinks)?;
            known += flows;
        }
        let mut unanswered = 0;
        if matches!(self.scenario, Scenario::New | Scenario::Mix) {
            send(&[self.unanswered(flows)])?;
            unanswered = flows;
            known += flows;
        }
        if config == Config::None {
            return Ok(());
        }
        let port = format!(" dport={} ", self.target().1);
        let table = read("/proc/net/nf_conntrack")?;
        let lines = || {
            table
                .lines()
                .filter(|line| line.contains("udp ") && line.contains(&port))
        };
        let without = lines().filter(|line| line.contains("[UNREPLIED]")).count() as u64;
        ensure!(
            (lines().count() as u64, without) == (known, unanswered),
            "{} flows are known, {without} of them without an answer, not {known} and {unanswered}",
            lines().count()
        );
        Ok(())
    }

    /// One answer for every flow.
    fn answer(&self, sinks: &Sinks) -> Result<()> {
        let flows = self.flows();
        let before = Counts::now(self.shape.family)?.camera;
        match self.path {
            Path::Forward => {
                let there = self.answered(flows);
                send(&[Stream {
                    interface: PRIVATE,
                    sources: there.destinations,
                    destinations: there.sources,
                    source_ports: there.destination_ports,
                    destination_ports: there.source_ports,
                    ..there
                }])?;
            }
            Path::Input => {
                for i in 0..flows {
                    let to = match self.shape.family {
                        Family::V4 => SocketAddr::new(self.shape.camera(i as u32), ANSWERED),
                        Family::V6 => {
                            SocketAddr::new(self.answered(1).sources.0, ANSWERED + i as u16)
                        }
                    };
                    sinks.answer(to)?;
                }
            }
        }
        let arrived = Counts::now(self.shape.family)?.camera - before;
        ensure!(
            arrived == flows,
            "{arrived} of {flows} answers went out to the cameras"
        );
        Ok(())
    }

    /// The row, or why there is none.
    pub fn measure(&self, config: Config, sinks: &Sinks) -> Result<Row> {
        let context = || format!("{config} {} {} {:?}", self.scenario, self.path, self.shape);
        self.try_measure(config, sinks).with_context(context)
    }

    fn try_measure(&self, config: Config, sinks: &Sinks) -> Result<Row> {
        if config != Config::None {
            run("conntrack -F")?;
        }
        settle(1);
        if self.scenario == Scenario::Invalid {
            break_checksums(self.shape.family)?;
        }
        self.prime(config, sinks)?;
        settle(1);
        // To ask takes so long that each camera may have one more line in the log: so ask before.
        let mut counted = reasons(config)?;
        // Who reads the log, for the harness, is not to do so in the midst of it.
        run("pkill -STOP -x cat")?;
        for (stream, reason) in self.warm() {
            *counted.entry(reason.to_owned()).or_default() += stream.packets;
            send(&[stream])?;
        }
        // From here on no pause: in two seconds every camera may have one more line in the log.
        if self.scenario == Scenario::First && config != Config::None {
            // The memory that their flows took is there for the next.
            run("conntrack -F")?;
        }
        let before = Counts::now(self.shape.family)?;
        window(true);
        let nanoseconds = send(&self.streams())?;
        window(false);
        run("pkill -CONT -x cat")?;
        let after = Counts::now(self.shape.family)?;
        if self.scenario == Scenario::Invalid {
            run(&format!("tc qdisc del dev {CAMERA} clsact"))?;
        }
        let accepted = match self.path {
            Path::Forward => after.private - before.private,
            Path::Input => after.router - before.router,
        };
        let mut verdicts = Verdicts {
            accepted,
            dropped: self.packets.saturating_sub(accepted),
            reasons: BTreeMap::new(),
        };
        for (reason, count) in reasons(config)? {
            let gained = count - counted.get(&reason).copied().unwrap_or(0);
            if gained > 0 {
                verdicts.reasons.insert(reason, gained);
            }
        }
        let permitted = self.permitted(config);
        ensure!(
            accepted == permitted,
            "{accepted} packets came through, not {permitted}"
        );
        if config == Config::Camzone && verdicts.reasons != self.reasons() {
            bail!(
                "camzone counted {:?}, not {:?}",
                verdicts.reasons,
                self.reasons()
            );
        }
        let shape = self.shape;
        Ok(Row {
            plan: self.plan.to_owned(),
            config,
            scenario: self.scenario,
            path: self.path,
            family: shape.family,
            permission: shape.permission,
            cameras: shape.cameras,
            rules: shape.rules(),
            services: shape.services,
            zones: shape.zones,
            networks: shape.networks,
            insn_per_packet: (nanoseconds as f64 / self.packets as f64 * 10.0).round() / 10.0,
            over_conntrack: None,
            packets: self.packets,
            verdicts,
        })
    }
}

/// Conntrack calls a datagram with a wrong checksum invalid; so all get one as they come in.
fn break_checksums(family: Family) -> Result<()> {
    let at = if family == Family::V4 { 26 } else { 46 };
    run(&format!("tc qdisc add dev {CAMERA} clsact"))?;
    run(&format!(
        "tc filter add dev {CAMERA} ingress matchall action pedit munge offset {at} u16 set 0x1234"
    ))?;
    Ok(())
}

/// What camzone says it did, by reason.
fn reasons(config: Config) -> Result<BTreeMap<String, u64>> {
    if config != Config::Camzone {
        return Ok(BTreeMap::new());
    }
    let json: serde_json::Value = serde_json::from_str(&run("camzonectl counters --json")?)?;
    let list = json["reasons"].as_array().context("no reasons")?;
    let pair = |item: &serde_json::Value| {
        Some((
            item["reason"].as_str()?.to_owned(),
            item["packets"].as_u64()?,
        ))
    };
    list.iter()
        .map(|item| pair(item).context("a reason without packets"))
        .collect()
}

/// Conntrack as it is for every firewall: flows that outlive the measurement, room for all.
pub fn set_up_conntrack() -> Result<()> {
    run("modprobe nf_conntrack")?;
    write("/sys/module/nf_conntrack/parameters/hashsize", "262144")?;
    for (name, value) in [
        ("max", "1048576"),
        ("udp_timeout", "36000"),
        ("udp_timeout_stream", "36000"),
        ("checksum", "1"),
    ] {
        write(
            &format!("/proc/sys/net/netfilter/nf_conntrack_{name}"),
            value,
        )?;
    }
    Ok(())
}

/// Tells the profiler (profiler/profiler.c), if there is one, when to count: it knows these two
/// instructions, which do nothing, by their bytes.
fn window(open: bool) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: An instruction without an effect.
    unsafe {
        if open {
            std::arch::asm!(".byte 0x0f, 0x1f, 0x80, 0x63, 0x7a, 0x01, 0x5a");
        } else {
            std::arch::asm!(".byte 0x0f, 0x1f, 0x80, 0x63, 0x7a, 0x00, 0x5a");
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = open;
}
