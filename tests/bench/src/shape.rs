// SPDX-License-Identifier: GPL-2.0
//! The policy that every firewall is given, in numbers: who may send what where. The article's
//! network, with a camera zone that is large enough; `rulesets` says it in each language.
//!
//! The camera zone's first network holds the cameras and what is measured is sent by them: to
//! `private` for the path through the router, to the router's own address for the other.

use crate::row::{Family, Permission};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Net(pub IpAddr, pub u8);

impl std::fmt::Display for Net {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.0, self.1)
    }
}

/// A zone other than `external`.
pub struct Zone {
    pub name: String,
    pub interface: String,
    pub networks: Vec<Net>,
    /// The router's address there.
    pub router: Net,
}

pub const EXTERNAL: &str = "eth0";
pub const CAMERA: &str = "eth1";
pub const PRIVATE: &str = "eth2";

/// What the router itself takes of the cameras.
pub const ROUTER_PORT: u16 = 123;
/// A port that no rule speaks of.
pub const CLOSED_PORT: u16 = 9999;

/// How large the policy is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    pub family: Family,
    pub permission: Permission,
    pub cameras: u32,
    /// Services that a camera may use towards `private`.
    pub services: u32,
    /// `external`, `camera` and `private` among them.
    pub zones: u32,
    /// Of the camera zone.
    pub networks: u32,
    /// One rule for each camera and service, instead of few with lists.
    pub singly: bool,
}

impl Shape {
    /// The usual size; every axis leaves all but one of the numbers alone.
    pub const fn usual(family: Family) -> Shape {
        Shape {
            family,
            permission: Permission::Zone,
            cameras: 100,
            services: 3,
            zones: 3,
            networks: 1,
            singly: false,
        }
    }

    fn pick(&self, v4: [u8; 4], v6: [u16; 8]) -> IpAddr {
        match self.family {
            Family::V4 => IpAddr::V4(Ipv4Addr::from(v4)),
            Family::V6 => IpAddr::V6(Ipv6Addr::from(v6)),
        }
    }

    fn net(&self, v4: [u8; 4], len4: u8, v6: [u16; 8]) -> Net {
        Net(
            self.pick(v4, v6),
            if self.family == Family::V4 { len4 } else { 64 },
        )
    }

    /// The camera in this place, from 0.
    pub fn camera(&self, i: u32) -> IpAddr {
        let [_, b, c, d] = (0x0a08_0100 + i).to_be_bytes();
        let low = 0x1_0000 + i;
        self.pick(
            [10, b, c, d],
            [0xfd00, 8, 0, 0, 0, 0, (low >> 16) as u16, low as u16],
        )
    }

    /// A host of no zone but `external`, and one more of them.
    pub fn stranger(&self, i: u32) -> IpAddr {
        self.pick(
            [172, 31, 1, 1 + i as u8],
            [0xfd00, 0x31, 0, 0, 0, 0, 0, 1 + i as u16],
        )
    }

    /// Whom the cameras send to, behind the router.
    pub fn server(&self) -> IpAddr {
        self.pick([192, 168, 5, 10], [0xfd00, 5, 0, 0, 0, 0, 0, 0x10])
    }

    /// The router as the cameras know it.
    pub fn router(&self) -> IpAddr {
        self.pick([10, 8, 0, 1], [0xfd00, 8, 0, 0, 0, 0, 0, 1])
    }

    pub fn external_router(&self) -> Net {
        self.net([192, 168, 0, 1], 24, [0xfd00, 0, 0, 0, 0, 0, 0, 1])
    }

    /// The port of a service.
    pub fn port(&self, i: u32) -> u16 {
        // With gaps: neighbours would be one range.
        20001 + 2 * i as u16
    }

    pub fn ports(&self) -> impl Iterator<Item = u16> + '_ {
        (0..self.services).map(|i| self.port(i))
    }

    /// The service that is measured: in the middle, where a walk along all of them is average.
    pub fn measured_port(&self) -> u16 {
        self.port(self.services / 2)
    }

    /// Every camera with every service.
    pub fn permissions(&self) -> impl Iterator<Item = (IpAddr, u16)> + '_ {
        (0..self.cameras).flat_map(move |i| self.ports().map(move |port| (self.camera(i), port)))
    }

    /// All zones but `external`: the cameras' first, then `private`.
    pub fn inner_zones(&self) -> Vec<Zone> {
        let mut camera = vec![self.net([10, 8, 0, 0], 14, [0xfd00, 8, 0, 0, 0, 0, 0, 0])];
        for i in 1..self.networks {
            camera.push(self.net(
                [10, 64, i as u8, 0],
                24,
                [0xfd00, 0x64, i as u16, 0, 0, 0, 0, 0],
            ));
        }
        let mut zones = vec![
            Zone {
                name: "camera".into(),
                interface: CAMERA.into(),
                router: Net(self.router(), camera[0].1),
                networks: camera,
            },
            Zone {
                name: "private".into(),
                interface: PRIVATE.into(),
                networks: vec![self.net([192, 168, 5, 0], 24, [0xfd00, 5, 0, 0, 0, 0, 0, 0])],
                router: self.net([192, 168, 5, 200], 24, [0xfd00, 5, 0, 0, 0, 0, 0, 0x200]),
            },
        ];
        for i in 3..self.zones {
            zones.push(Zone {
                name: format!("site-{i}"),
                interface: format!("site{i}"),
                networks: vec![self.net(
                    [10, 128, i as u8, 0],
                    24,
                    [0xfd00, 0x128, i as u16, 0, 0, 0, 0, 0],
                )],
                router: self.net(
                    [10, 128, i as u8, 1],
                    24,
                    [0xfd00, 0x128, i as u16, 0, 0, 0, 0, 1],
                ),
            });
        }
        zones
    }

    /// How many rules a policy file of this shape has.
    pub fn rules(&self) -> u32 {
        crate::rulesets::camzone::rules(self)
    }
}
