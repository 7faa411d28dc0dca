// SPDX-License-Identifier: GPL-2.0

//! What a policy file says, and where it says it.

use camzone_policy::{address::Address, policy::Ipv6Mode, service::Service};

use crate::diagnostic::{Diagnostic, Span};

/// Something of the file, and the text that says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The thing.
    pub value: T,
    /// Its text.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// `value`, as said by the text at `span`.
    pub const fn new(value: T, span: Span) -> Self {
        Spanned { value, span }
    }
}

/// A string of the file.
pub type Word = Spanned<String>;

/// A network as it was written; whether it is one is for the policy crate to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// The address before the slash.
    pub address: Address,
    /// The number behind it.
    pub len: u32,
}

/// A zone.
#[derive(Clone, Debug)]
pub struct Zone {
    /// Its name.
    pub name: Word,
    /// Its interfaces.
    pub interfaces: Vec<Word>,
    /// Its networks.
    pub networks: Vec<Spanned<Network>>,
    /// Where it says that it has every other network.
    pub any: Option<Span>,
    /// How it treats IPv6.
    pub ipv6: Option<Spanned<Ipv6Mode>>,
}

impl Zone {
    /// How it treats IPv6, also where it does not say so.
    pub fn ipv6_mode(&self) -> Ipv6Mode {
        self.ipv6.as_ref().map_or(Ipv6Mode::Off, |mode| mode.value)
    }
}

/// A camera.
#[derive(Clone, Debug)]
pub struct Camera {
    /// Its name.
    pub name: Word,
    /// Its zone.
    pub zone: Option<Word>,
    /// Its addresses.
    pub addresses: Vec<Spanned<Address>>,
    /// Its hardware address.
    pub mac: Option<Spanned<[u8; 6]>>,
}

/// What one end of a rule names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The machine itself.
    Router,
    /// A zone of this name.
    Zone(String),
    /// A camera of this name.
    Camera(String),
}

/// A service that a rule names, spelt out.
#[derive(Clone, Debug)]
pub struct Use {
    /// Its name in the rule.
    pub name: Word,
    /// What it stands for.
    pub parts: Vec<Service>,
}

/// An allow or a deny.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its header, `[[allow]]` or `[[deny]]`.
    pub span: Span,
    /// It is a deny.
    pub deny: bool,
    /// Where flows are opened from.
    pub from: Vec<Spanned<End>>,
    /// Where they are opened to.
    pub to: Vec<Spanned<End>>,
    /// What they carry.
    pub services: Vec<Use>,
    /// Only these addresses of the router.
    pub to_addresses: Vec<Spanned<Address>>,
    /// Where it says `masquerade = true`.
    pub masquerade: Option<Span>,
    /// Where it says `reject = true`.
    pub reject: Option<Span>,
}

impl Rule {
    /// What it is called in the file.
    pub const fn word(&self) -> &'static str {
        if self.deny {
            "deny"
        } else {
            "allow"
        }
    }
}

/// A policy file whose words are all known; whether they make a policy is not said yet.
#[derive(Clone, Debug, Default)]
pub struct PolicyFile {
    /// What happens where no rule matches.
    pub defaults: camzone_policy::policy::Defaults,
    /// The kernel is to forward.
    pub forwarding: bool,
    /// The zones, in the order of the file.
    pub zones: Vec<Zone>,
    /// The cameras, in the order of the file.
    pub cameras: Vec<Camera>,
    /// The rules, in the order of the file.
    pub rules: Vec<Rule>,
    /// What may not be meant as it is written.
    pub warnings: Vec<Diagnostic>,
}

impl PolicyFile {
    /// Whether some zone forwards IPv6.
    pub fn routes_ipv6(&self) -> bool {
        let full = |zone: &Zone| zone.ipv6_mode() == Ipv6Mode::Full;
        self.forwarding && self.zones.iter().any(full)
    }
}
