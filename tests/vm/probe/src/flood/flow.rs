// SPDX-License-Identifier: GPL-2.0
//! The flows of a flood, as a file says them, and what must become of their packets.

use super::facts::Facts;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

/// Where packets are awaited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ear {
    /// On the wire of this namespace.
    Host(String),
    /// Behind LOCAL_IN of the namespace that the flood itself is in.
    Router,
}

/// What must become of a flow's packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Must {
    Pass,
    Stop,
}

/// `pass guard=armed policy=two`: what must be, while all of these facts hold.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Clause {
    must: Must,
    facts: Vec<(String, String)>,
}

/// One line: `NAME FROM SOURCE EAR DESTINATION [silent] CLAUSE[, CLAUSE...]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    pub name: String,
    /// The namespace that sends.
    pub from: String,
    pub source: IpAddr,
    pub ear: Ear,
    pub to: SocketAddr,
    /// Its packets get no answers: these would not find back.
    pub silent: bool,
    clauses: Vec<Clause>,
}

impl FromStr for Flow {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let wrong = |what: &str| format!("`{line}`: {what}");
        let mut words = line.split_whitespace();
        let mut word = |what: &str| words.next().ok_or_else(|| wrong(&format!("no {what}")));
        let name = word("name")?.into();
        let from = word("sender")?.into();
        let source = word("source")?.parse().map_err(|_| wrong("bad source"))?;
        let ear = match word("ear")? {
            "router" => Ear::Router,
            host => Ear::Host(host.into()),
        };
        let to: SocketAddr = word("destination")?
            .parse()
            .map_err(|_| wrong("bad destination"))?;
        let source: IpAddr = source;
        if source.is_ipv4() != to.is_ipv4() {
            return Err(wrong("two families"));
        }
        let mut rest: Vec<&str> = words.collect();
        let silent = rest.first() == Some(&"silent");
        if silent {
            rest.remove(0);
        }
        let clauses = rest
            .join(" ")
            .split(',')
            .map(|clause| clause.parse().map_err(|e: String| wrong(&e)))
            .collect::<Result<_, _>>()?;
        Ok(Flow {
            name,
            from,
            source,
            ear,
            to,
            silent,
            clauses,
        })
    }
}

impl FromStr for Clause {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut words = text.split_whitespace();
        let must = match words.next() {
            Some("pass") => Must::Pass,
            Some("stop") => Must::Stop,
            _ => return Err(format!("`{text}` does not begin with pass or stop")),
        };
        let fact = |word: &str| {
            let (name, value) = word.split_once('=')?;
            Some((name.to_string(), value.to_string()))
        };
        let facts: Option<Vec<_>> = words.map(fact).collect();
        match facts {
            Some(facts) if !facts.is_empty() => Ok(Clause { must, facts }),
            _ => Err(format!("`{text}` is not pass|stop FACT=WORD...")),
        }
    }
}

impl Flow {
    /// The flows of a file; empty lines and those that begin with `#` are not.
    pub fn all(text: &str) -> Result<Vec<Flow>, String> {
        text.lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(str::parse)
            .collect()
    }

    /// The facts that it asks for.
    pub fn facts(&self) -> impl Iterator<Item = &str> {
        let facts = self.clauses.iter().flat_map(|clause| &clause.facts);
        facts.map(|(name, _)| name.as_str())
    }

    /// What must become of its packets just now, if that can be said, and a number that is another
    /// after each change of what it hangs on.
    pub fn must(&self, facts: &Facts) -> (Option<Must>, u32) {
        let holds = |(name, word): &(String, String)| facts.get(name).0 == Some(word);
        let clause = self.clauses.iter().find(|c| c.facts.iter().all(holds));
        // Each only grows, so the sum is the same only if all are.
        let epoch = self
            .facts()
            .fold(0u32, |sum, name| sum.wrapping_add(facts.get(name).1));
        (clause.map(|clause| clause.must), epoch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flows_are_read() {
        let text = "# nothing\n\n one cam 192.0.2.1 ext 192.0.2.2:9 pass guard=open, stop guard=armed policy=one\n\
            two priv fd00::1 router [fd00::2]:9 silent stop guard=sealed";
        let flows = Flow::all(text).unwrap();
        assert_eq!(flows.len(), 2);
        assert_eq!(
            flows[0].facts().collect::<Vec<_>>(),
            ["guard", "guard", "policy"]
        );
        assert_eq!(flows[1].ear, Ear::Router);
        assert!(flows[1].silent && !flows[0].silent);
        assert!(Flow::all("one cam 192.0.2.1 ext 192.0.2.2:9").is_err());
        assert!(Flow::all("one cam 192.0.2.1 ext [::1]:9 pass a=b").is_err());
        assert!(Flow::all("one cam 192.0.2.1 ext 192.0.2.2:9 pass").is_err());
    }
}
