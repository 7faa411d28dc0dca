// SPDX-License-Identifier: GPL-2.0
//! `udp 192.0.2.1:40000>192.0.2.2:123`: the words by which a packet inside an ICMP error is named.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

/// One packet's protocol and two ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    pub proto: u8,
    pub from: SocketAddr,
    pub to: SocketAddr,
}

impl Flow {
    pub fn src(&self) -> IpAddr {
        self.from.ip()
    }

    pub fn dst(&self) -> IpAddr {
        self.to.ip()
    }
}

impl FromStr for Flow {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{text}` is not PROTO:SRC:PORT>DST:PORT, as in udp:192.0.2.1:40000>192.0.2.2:123"
            )
        };
        let (proto, ends) = text.split_once(':').ok_or_else(wrong)?;
        let (from, to) = ends.split_once('>').ok_or_else(wrong)?;
        let flow = Flow {
            proto: match proto {
                "udp" => 17,
                "tcp" => 6,
                _ => return Err(wrong()),
            },
            from: from.parse().map_err(|_| wrong())?,
            to: to.parse().map_err(|_| wrong())?,
        };
        if flow.from.is_ipv4() != flow.to.is_ipv4() {
            return Err(format!("`{text}` mixes IPv4 and IPv6"));
        }
        Ok(flow)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_families() {
        let flow: Flow = "udp:192.0.2.1:40>192.0.2.2:123".parse().unwrap();
        assert_eq!(
            (flow.proto, flow.from.port(), flow.to.port()),
            (17, 40, 123)
        );
        let flow: Flow = "tcp:[fd00::1]:40>[fd00::2]:123".parse().unwrap();
        assert_eq!(flow.dst(), "fd00::2".parse::<IpAddr>().unwrap());
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "",
            "udp",
            "udp:1.2.3.4>5",
            "sctp:1.2.3.4:1>1.2.3.4:2",
            "udp:1.2.3.4:1>[::1]:2",
        ] {
            assert!(text.parse::<Flow>().is_err(), "{text}");
        }
    }
}
