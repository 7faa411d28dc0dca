// SPDX-License-Identifier: GPL-2.0
//! What is measured, and the rows that say the result: the words of `build/bench.json`.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// Words of the command line and of JSON: one list for both.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$item_doc:meta])* $item:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$item_doc])* #[serde(rename = $word)] $item,)*
        }
        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$item,)*];
            pub const fn word(self) -> &'static str {
                match self { $(Self::$item => $word,)* }
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.word())
            }
        }
        impl std::str::FromStr for $name {
            type Err = String;
            fn from_str(word: &str) -> Result<Self, String> {
                Self::ALL.iter().copied().find(|item| item.word() == word)
                    .ok_or_else(|| format!("{word}: not one of {:?}", Self::ALL))
            }
        }
    };
}

words! {
    /// What guards the router.
    Config {
        /// No netfilter hook at all.
        None = "none",
        /// Connection tracking, nothing else.
        Conntrack = "conntrack",
        /// The same with one hook that does nothing.
        Noop = "noop",
        Camzone = "camzone",
        /// The article's script by iptables-legacy.
        Iptables = "iptables",
        /// The article's script by iptables-nft.
        IptablesNft = "iptables-nft",
        /// nftables at its best: verdict maps and sets.
        Nft = "nft",
        /// nftables, rule after rule.
        NftLinear = "nft-linear",
        /// iptables-legacy with one set for all permissions.
        Ipset = "ipset",
        /// nftables at its best, established flows in a flow table.
        Flowtable = "flowtable",
    }
}

words! {
    /// Which packets.
    Scenario {
        /// Of flows whose answers were seen.
        Established = "established",
        /// Of flows that are known, without an answer.
        New = "new",
        /// Each the first of its flow.
        First = "first",
        /// Permitted by no rule.
        Drop = "drop",
        /// With a source that is not the zone's.
        Spoofed = "spoofed",
        /// Which conntrack calls invalid: the checksum is wrong.
        Invalid = "invalid",
        /// 90 % established, 8 % new, 1 % drop, 1 % spoofed.
        Mix = "mix",
    }
}

words! {
    /// Where to.
    Path {
        /// Through the router.
        Forward = "forward",
        /// To the router itself.
        Input = "input",
    }
}

words! {
    Family {
        V4 = "ipv4",
        V6 = "ipv6",
    }
}

words! {
    /// To whom the policy permits.
    Permission {
        /// To every host of the camera zone.
        Zone = "zone",
        /// To every camera by its address.
        Camera = "camera",
    }
}

/// What really happened to the packets, as interfaces, sockets and (camzone) counters say.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Verdicts {
    pub accepted: u64,
    pub dropped: u64,
    /// camzone's reasons.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reasons: BTreeMap<String, u64>,
}

/// One measurement.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Row {
    /// The plan that it is measured for.
    pub plan: String,
    pub config: Config,
    pub scenario: Scenario,
    pub path: Path,
    pub family: Family,
    pub permission: Permission,
    pub cameras: u32,
    pub rules: u32,
    pub services: u32,
    pub zones: u32,
    pub networks: u32,
    pub insn_per_packet: f64,
    /// `None` for what has no conntrack.
    pub over_conntrack: Option<f64>,
    pub packets: u64,
    pub verdicts: Verdicts,
}

impl Row {
    /// Whether both are of one firewall with one policy, and of the same packets.
    pub fn same_case(&self, other: &Row) -> bool {
        let what = |row: &Row| {
            (
                row.config,
                row.scenario,
                row.path,
                row.family,
                row.permission,
            )
        };
        let sizes = |row: &Row| {
            (
                row.cameras,
                row.rules,
                row.services,
                row.zones,
                row.networks,
            )
        };
        (what(self), sizes(self)) == (what(other), sizes(other))
    }
}
