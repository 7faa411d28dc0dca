// SPDX-License-Identifier: GPL-2.0

//! Whether a policy would end the ssh session that it is applied from.

use std::{fs, net::IpAddr};

use camzone_policy::{
    decide::{decide, Guard, Reason, Verdict},
    facts::{Ends, Facts, Flow, Hook, Port, State, Track},
    header::{Fragment, Header, Transport},
    memory::Heap,
    service::protocol,
    tables::Compiled,
};

use crate::{file::address::from_std, validate::HeapPolicy};

/// Where sshd says it (sshd(8), "ENVIRONMENT" of ssh(1)).
const VARIABLE: &str = "SSH_CONNECTION";

/// The variable of the nearest process above this one that has it.
fn of_ancestors() -> Option<String> {
    let mut pid = String::from("self");
    let prefix = format!("{VARIABLE}=");
    // Far more than stand between a shell and its sshd, should /proc go in a circle.
    for _ in 0..64 {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name, in brackets, may have brackets and spaces in it (proc_pid_stat(5)).
        let (_, behind) = stat.rsplit_once(')')?;
        pid = behind.split_whitespace().nth(1)?.to_owned();
        if pid == "0" {
            return None;
        }
        // Who may not read it is not root, and will not apply anything.
        let environ = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        let text = environ
            .split(|byte| *byte == 0)
            .filter_map(|text| std::str::from_utf8(text).ok())
            .find_map(|text| text.strip_prefix(&prefix));
        if let Some(text) = text {
            return Some(text.to_owned());
        }
    }
    None
}

/// What a policy does to an ssh session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It goes on, whatever it comes in by.
    Alive,
    /// It goes on if it comes in by an interface of the zone of this name.
    AliveIn(String),
    /// It ends: these are its ends, and the reason.
    Stopped(String),
}

/// The two ends of an ssh session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    client: IpAddr,
    server: IpAddr,
    port: u16,
}

impl Session {
    /// The session of this process, if it has one. sudo and su keep its variable from who they run,
    /// but not from who asks their ancestors.
    pub fn current() -> Option<Self> {
        let text = match std::env::var(VARIABLE) {
            Ok(text) => text,
            Err(_) => of_ancestors()?,
        };
        Self::parse(&text)
    }

    fn parse(text: &str) -> Option<Self> {
        // A link-local address has its interface behind it.
        let address = |word: &str| word.split('%').next()?.parse().ok();
        let mut words = text.split(' ');
        let client = address(words.next()?)?;
        let server = address(words.nth(1)?)?;
        let port = words.next()?.parse().ok()?;
        Some(Session {
            client,
            server,
            port,
        })
    }

    /// What the policy would do to the session.
    pub fn under(self, policy: HeapPolicy) -> Fate {
        let (client, server) = (from_std(self.client), from_std(self.server));
        let Ok(compiled) = Compiled::<Heap>::new(policy) else {
            return Fate::Alive;
        };
        if client.is_loopback() {
            return Fate::Alive;
        }
        let zone = compiled.zone_of(client);
        // Whose interface has the router's address is for certain only where a zone has its network.
        let at_home = compiled
            .zone_of(server)
            .filter(|home| compiled.policy.zone(*home).is_some_and(|zone| !zone.any));
        let facts = Facts {
            hook: Hook::LocalIn,
            ingress: zone.map_or(Port::Unzoned, Port::Zone),
            egress: Port::Unzoned,
            is_own: false,
            looped_back: false,
            header: Some(Header {
                source: client,
                destination: server,
                protocol: protocol::TCP,
                hop_limit: 64,
                fragment: Fragment::Whole,
                source_route: false,
                // A SYN, since somebody who is cut off connects anew.
                transport: Transport::Tcp(0b10),
            }),
            source_is_local: false,
            source_mac: compiled.mac_of(client),
            home: at_home.or(zone),
            broadcast: false,
            anycast: false,
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
        let zone = zone.and_then(|zone| compiled.policy.zone(zone));
        match (decision.verdict, zone) {
            (Verdict::Accept, Some(zone)) => Fate::AliveIn(zone.name.to_string()),
            (Verdict::Accept, None) => Fate::Alive,
            _ => Fate::Stopped(format!("from {client} to port {port} ({word})")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{encode::encode, file, file::source::Source, validate::validate};

    fn fate(connection: &str) -> Fate {
        let source = Source::new("article.toml", include_str!("../../examples/article.toml"));
        let file = file::parse(&source).unwrap();
        let policy = validate(&file, &encode(&file).unwrap()).unwrap();
        Session::parse(connection).unwrap().under(policy)
    }

    fn stopped(connection: &str) -> Option<String> {
        match fate(connection) {
            Fate::Stopped(why) => Some(why),
            _ => None,
        }
    }

    #[test]
    fn ssh_is_for_the_private_network() {
        let private = Fate::AliveIn(String::from("private"));
        assert_eq!(fate("192.168.5.10 40000 192.168.5.200 22"), private);
        assert_eq!(fate("127.0.0.1 40000 127.0.0.1 22"), Fate::Alive);
        let why = stopped("192.168.8.110 40000 192.168.8.1 22").unwrap();
        assert_eq!(why, "from 192.168.8.110 to port 22 (no-rule)");
        assert!(stopped("192.168.5.10 40000 192.168.5.200 2222").is_some());
        // The router's address in another zone is not where ssh is allowed to.
        let why = stopped("192.168.5.10 40000 192.168.8.1 22").unwrap();
        assert_eq!(why, "from 192.168.5.10 to port 22 (wrong-address)");
        // An address that no network has may be the interface's own.
        assert_eq!(stopped("192.168.5.10 40000 10.0.0.1 22"), None);
        let why = stopped("fe80::1%eth2 40000 fe80::2%eth2 22").unwrap();
        assert_eq!(why, "from fe80::1 to port 22 (ipv6-off)");
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
