// SPDX-License-Identifier: GPL-2.0

//! `[[allow]]` and `[[deny]]`.

use std::collections::{HashMap, HashSet};

use toml::de::DeValue;

use super::{
    address,
    model::{End, PolicyFile, Rule, Spanned, Use, Word},
    services::Services,
    tree::{Faults, Key, Table, Value},
};
use crate::{diagnostic::Diagnostic, suggest};

const FROM: Key = ("from", "from = \"camera\"");
const TO: Key = ("to", "to = \"router\"");
const SERVICES: Key = ("services", "services = [\"rtsp\"]");
const TO_ADDRESS: Key = ("to_address", "to_address = \"192.168.8.1\"");
const MASQUERADE: Key = ("masquerade", "masquerade = true");
const REJECT: Key = ("reject", "reject = true");
const KEYS: &[Key] = &[FROM, TO, SERVICES, TO_ADDRESS, MASQUERADE, REJECT];

/// Reads rules.
pub struct Rules<'a> {
    services: &'a Services,
    used: HashSet<String>,
}

impl<'a> Rules<'a> {
    /// Rules that may name these services.
    pub fn new(services: &'a Services) -> Self {
        let used = HashSet::new();
        Rules { services, used }
    }

    /// Reads all rules of one kind and adds them to the file.
    pub fn read(
        &mut self,
        key: Key,
        deny: bool,
        value: &Value<'_>,
        file: &mut PolicyFile,
        faults: &mut Faults,
    ) {
        let DeValue::Array(list) = value.get_ref() else {
            let message = format!("'{}' is a list of rules", key.0);
            let fault = Diagnostic::at(value.span(), message);
            faults.push(fault.help(format!("write {} with two pairs of brackets", key.1)));
            return;
        };
        let mut ends: HashMap<&str, End> = HashMap::new();
        for camera in &file.cameras {
            let name = &camera.name.value;
            ends.insert(name, End::Camera(name.clone()));
        }
        for zone in &file.zones {
            let name = &zone.name.value;
            ends.insert(name, End::Zone(name.clone()));
        }
        ends.insert("router", End::Router);
        let rules: Vec<Rule> = list
            .iter()
            .filter_map(|value| self.rule(key, deny, value, &ends, faults))
            .collect();
        file.rules.extend(rules);
    }

    fn rule(
        &mut self,
        key: Key,
        deny: bool,
        value: &Value<'_>,
        known: &HashMap<&str, End>,
        faults: &mut Faults,
    ) -> Option<Rule> {
        let what = format!("{} {}", if deny { "a" } else { "an" }, key.0);
        let table = Table::new(what, value, KEYS, faults)?;
        let from = ends(&table, FROM, known, faults);
        let to = ends(&table, TO, known, faults);
        let services = table.strings(SERVICES, faults);
        let services = services
            .into_iter()
            .filter_map(|name| self.service(name, faults));
        let services = services.collect();
        let mut to_addresses = Vec::new();
        for word in table.strings(TO_ADDRESS, faults) {
            match address::address(&word) {
                Ok(address) => to_addresses.push(address),
                Err(fault) => faults.push(fault),
            }
        }
        Some(Rule {
            span: value.span(),
            deny,
            from,
            to,
            services,
            to_addresses,
            masquerade: table.is_true(MASQUERADE, faults),
            reject: table.is_true(REJECT, faults),
        })
    }

    /// What a service's name stands for.
    fn service(&mut self, name: Word, faults: &mut Faults) -> Option<Use> {
        if let Some(service) = self.services.get(&name.value) {
            self.used.insert(name.value.clone());
            let parts = service.parts.clone();
            return Some(Use { name, parts });
        }
        let text = &name.value;
        let mut fault = Diagnostic::at(name.span, format!("there is no service '{text}'"));
        let names = || self.services.keys().map(String::as_str);
        if let Some(meant) = suggest::closest(text, names()) {
            fault = fault.label(format!("did you mean \"{meant}\"?"));
        } else {
            fault = fault.help(format!("the services are {}", suggest::list(names())));
        }
        let table = if is_bare(text) { text.as_str() } else { "NAME" };
        faults.push(fault.help(format!(
            "define one of your own: [services.{table}], tcp = 1234"
        )));
        None
    }

    /// Notes services of the file that no rule names.
    pub fn warn_of_unused(&self, file: &mut PolicyFile) {
        for (name, service) in self.services {
            if let (Some(span), false) = (&service.span, self.used.contains(name)) {
                let warning =
                    Diagnostic::at(span.clone(), format!("no rule names service '{name}'"));
                file.warnings.push(warning.warning());
            }
        }
    }
}

/// Whether TOML takes the name without quotes.
fn is_bare(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
}

/// Reads the ends of a rule.
fn ends(
    table: &Table<'_>,
    key: Key,
    known: &HashMap<&str, End>,
    faults: &mut Faults,
) -> Vec<Spanned<End>> {
    let mut ends = Vec::new();
    for word in table.strings(key, faults) {
        if let Some(end) = known.get(word.value.as_str()) {
            ends.push(Spanned::new(end.clone(), word.span));
            continue;
        }
        let message = format!("there is no zone or camera '{}'", word.value);
        let mut fault = Diagnostic::at(word.span, message);
        let mut names: Vec<&str> = known.keys().copied().collect();
        names.sort_unstable();
        if ["any", "*", "all"].contains(&word.value.as_str()) {
            fault = fault.help("name every zone that is meant, in a list");
        } else if word.value.parse::<std::net::IpAddr>().is_ok() {
            fault = fault.help("give the host a name: [cameras.NAME], zone, address");
        } else if let Some(meant) = suggest::closest(&word.value, names.iter().copied()) {
            fault = fault.label(format!("did you mean \"{meant}\"?"));
        }
        faults.push(fault.help(format!("there are {}", suggest::list(names))));
    }
    ends
}
