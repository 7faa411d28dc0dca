// SPDX-License-Identifier: GPL-2.0

//! Names for the services of a policy in force: the kernel knows only what they stand for.

use std::collections::BTreeMap;

use camzone_policy::service::Service;

use crate::file::services::{self, Services};

/// Names for the services of a policy's rules: built-in ones where they fit exactly, and new ones,
/// which depend on the order that the rules come in.
pub struct Names {
    builtin: Services,
    /// The new ones.
    pub own: BTreeMap<String, Vec<Service>>,
    /// The names of what they stand for.
    known: BTreeMap<Vec<Service>, String>,
    /// How many have a number for a name.
    numbered: usize,
}

impl Default for Names {
    fn default() -> Self {
        Names {
            builtin: services::builtin(),
            own: BTreeMap::new(),
            known: BTreeMap::new(),
            numbered: 0,
        }
    }
}

impl Names {
    /// The names that together stand for `parts`, no more and no less.
    pub fn name(&mut self, parts: &[Service]) -> Vec<String> {
        let within =
            |named: &&(&String, &Vec<Service>)| named.1.iter().all(|part| parts.contains(part));
        let all = self
            .builtin
            .iter()
            .map(|(name, named)| (name, &named.parts));
        let mut fitting: Vec<(&String, &Vec<Service>)> =
            all.filter(|named| within(&named)).collect();
        // The one that says most in one word comes first.
        fitting
            .sort_by_key(|(name, parts)| (usize::MAX - parts.len(), name.len(), (*name).clone()));
        let mut left = parts.to_vec();
        let mut names = Vec::new();
        for (name, named) in fitting {
            if named.iter().all(|part| left.contains(part)) {
                left.retain(|part| !named.contains(part));
                names.push(name.clone());
            }
        }
        names.sort();
        for broadcast in [false, true] {
            let rest: Vec<Service> = left
                .iter()
                .filter(|p| p.broadcast() == broadcast)
                .copied()
                .collect();
            if !rest.is_empty() {
                names.push(self.invent(rest));
            }
        }
        names
    }

    /// A new name, which tells what it stands for if that is short.
    fn invent(&mut self, parts: Vec<Service>) -> String {
        if let Some(name) = self.known.get(&parts) {
            return name.clone();
        }
        let described = services::describe(&parts).replace(" (also broadcast)", "-broadcast");
        let fits = |c: char| c.is_ascii_alphanumeric();
        let name = described
            .split(|c| !fits(c))
            .filter(|word| !word.is_empty());
        let name = name.collect::<Vec<_>>().join("-");
        let taken = |name: &String| self.own.contains_key(name) || self.builtin.contains_key(name);
        let name = match name.len() {
            0..=40 if !taken(&name) => name,
            _ => loop {
                self.numbered += 1;
                let name = format!("service-{}", self.numbered);
                if !self.builtin.contains_key(&name) && !self.own.contains_key(&name) {
                    break name;
                }
            },
        };
        self.own.insert(name.clone(), parts.clone());
        self.known.insert(parts, name.clone());
        name
    }
}
