// SPDX-License-Identifier: GPL-2.0

//! Why a packet got its verdict, in one word.

use crate::uapi;

macro_rules! reasons {
    ($($name:ident = $number:ident, $word:literal;)*) => {
        /// Why a packet got its verdict. The family's specification says what each stands for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u32)]
        #[allow(missing_docs)]
        pub enum Reason {
            $($name = uapi::$number,)*
        }

        impl Reason {
            /// Every reason, by its number.
            pub const ALL: &'static [Reason] = &[$(Reason::$name),*];
            /// How many there are.
            pub const COUNT: usize = Self::ALL.len();

            /// The number in the family.
            #[inline]
            pub const fn number(self) -> u32 {
                self as u32
            }

            /// The reason of a number, which is its place (the specification counts from 0).
            pub fn of_number(number: u32) -> Option<Reason> {
                let reason = Self::ALL.get(number as usize).copied();
                reason.filter(|reason| reason.number() == number)
            }

            /// The word, as the specification spells it.
            pub const fn word(self) -> &'static str {
                match self {
                    $(Reason::$name => $word,)*
                }
            }
        }
    };
}

reasons! {
    Loopback = CAMZONE_REASON_LOOPBACK, "loopback";
    Idle = CAMZONE_REASON_IDLE, "idle";
    Sealed = CAMZONE_REASON_SEALED, "sealed";
    Allowed = CAMZONE_REASON_ALLOWED, "allowed";
    Default = CAMZONE_REASON_DEFAULT, "default";
    NoRule = CAMZONE_REASON_NO_RULE, "no-rule";
    Denied = CAMZONE_REASON_DENIED, "denied";
    Spoofed = CAMZONE_REASON_SPOOFED, "spoofed";
    MacMismatch = CAMZONE_REASON_MAC_MISMATCH, "mac-mismatch";
    NoZone = CAMZONE_REASON_NO_ZONE, "no-zone";
    WrongZone = CAMZONE_REASON_WRONG_ZONE, "wrong-zone";
    WrongAddress = CAMZONE_REASON_WRONG_ADDRESS, "wrong-address";
    Broadcast = CAMZONE_REASON_BROADCAST, "broadcast";
    Ipv6Off = CAMZONE_REASON_IPV6_OFF, "ipv6-off";
    Invalid = CAMZONE_REASON_INVALID, "invalid";
    Untracked = CAMZONE_REASON_UNTRACKED, "untracked";
    NotSyn = CAMZONE_REASON_NOT_SYN, "not-syn";
    Malformed = CAMZONE_REASON_MALFORMED, "malformed";
    IcmpRedirect = CAMZONE_REASON_ICMP_REDIRECT, "icmp-redirect";
    IcmpError = CAMZONE_REASON_ICMP_ERROR, "icmp-error";
    NeighbourDiscovery = CAMZONE_REASON_NEIGHBOUR_DISCOVERY, "neighbour-discovery";
    RogueRouter = CAMZONE_REASON_ROGUE_ROUTER, "rogue-router";
    NatChanged = CAMZONE_REASON_NAT_CHANGED, "nat-changed";
    SourceRoute = CAMZONE_REASON_SOURCE_ROUTE, "source-route";
}
