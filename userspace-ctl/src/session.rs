// SPDX-License-Identifier: GPL-2.0

//! Whether a policy would end the ssh session that it is applied from.

use std::net::IpAddr;

use camzone_policy::{
    decide::{decide, Guard, Reason, Verdict},
    facts::{Ends, Facts, Flow, Hook, Port, State, Track},
    header::{Fragment, Header, Transport},
    memory::Heap,
    service::protocol,
    tables::Compiled,
};

use crate::{file::address::from_std, validate::HeapPolicy};

/// The two ends of an ssh session, as sshd puts them in `SSH_CONNECTION`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    client: IpAddr,
    server: IpAddr,
    port: u16,
}

impl Session {
    /// The session of this process, if it has one.
    pub fn current() -> Option<Self> {
        Self::parse(&std::env::var("SSH_CONNECTION").ok()?)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let client = words.next()?.parse().ok()?;
        let server = words.nth(1)?.parse().ok()?;
        let port = words.next()?.parse().ok()?;
        Some(Session {
            client,
            server,
            port,
        })
    }

    /// Why the policy would stop the session, or `None` when it would not.
    pub fn stopped_by(self, policy: HeapPolicy) -> Option<String> {
        let compiled: Compiled<Heap> = Compiled::new(policy).ok()?;
        let (client, server) = (from_std(self.client), from_std(self.server));
        if client.is_loopback() {
            return None;
        }
        let zone = compiled.zone_of(client);
        let facts = Facts {
            hook: Hook::LocalIn,
            ingress: zone.map_or(Port::Unzoned, Port::Zone),
            egress: Port::Unzoned,
            looped_back: false,
            header: Some(Header {
                source: client,
                destination: server,
                protocol: protocol::TCP,
                hop_limit: 64,
                fragment: Fragment::Whole,
                // A SYN, since somebody who is cut off connects anew.
                transport: Transport::Tcp(0b10),
            }),
            source_is_local: false,
            source_mac: compiled.mac_of(client),
            home: zone,
            broadcast: false,
            track: Track::Flow(Flow {
                state: State::New,
                reply: false,
                confirmed: false,
                source_nat: false,
                ends: Ends {
                    initiator: client,
                    responder: server,
                    protocol: protocol::TCP,
                    port: self.port,
                },
                master: None,
            }),
        };
        let decision = decide(&Guard::Armed(&compiled), &facts);
        let word = decision.reason.map_or("", Reason::word);
        let Session { client, port, .. } = self;
        (decision.verdict != Verdict::Accept)
            .then(|| format!("from {client} to port {port} ({word})"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{encode::encode, file, file::source::Source, validate::validate};

    fn stopped(connection: &str) -> Option<String> {
        let source = Source::new("article.toml", include_str!("../../examples/article.toml"));
        let file = file::parse(&source).unwrap();
        let policy = validate(&file, &encode(&file).unwrap()).unwrap();
        Session::parse(connection).unwrap().stopped_by(policy)
    }

    #[test]
    fn ssh_is_for_the_private_network() {
        assert_eq!(stopped("192.168.5.10 40000 192.168.5.200 22"), None);
        assert_eq!(stopped("127.0.0.1 40000 127.0.0.1 22"), None);
        let why = stopped("192.168.8.110 40000 192.168.8.1 22").unwrap();
        assert_eq!(why, "from 192.168.8.110 to port 22 (no-rule)");
        assert!(stopped("192.168.5.10 40000 192.168.5.200 2222").is_some());
        assert!(stopped("fd00::10 40000 fd00::1 22")
            .unwrap()
            .contains("ipv6-off"));
    }

    #[test]
    fn other_text_is_no_session() {
        for text in [
            "",
            "x",
            "1.2.3.4",
            "1.2.3.4 5 6.7.8.9",
            "1.2.3.4 5 6.7.8.9 x",
        ] {
            assert_eq!(Session::parse(text), None, "{text}");
        }
    }
}
