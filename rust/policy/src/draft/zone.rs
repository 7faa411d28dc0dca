// SPDX-License-Identifier: GPL-2.0

//! Zones: their names, interfaces and networks.

use super::{item_error, once, room, unknown, Draft};
use crate::{
    address::{Address, Prefix},
    attribute::Attribute,
    error::{Error, Kind, Place},
    memory::{search, sort, List, Memory},
    name::Name,
    policy::{Interface, Ipv6Mode, Network, Zone, ZoneId, MAX_INTERFACES, MAX_NETWORKS},
    uapi,
};

impl<M: Memory> Draft<M> {
    pub(super) fn add_zone(&mut self, item: &Attribute<'_>) -> Result<(), Error> {
        let id = ZoneId::try_from(self.policy.zones.len()).unwrap_or(ZoneId::MAX);
        let interfaces = self.policy.interfaces.len();
        let networks = self.policy.networks.len();
        let (mut name, mut ipv6, mut any) = (None, None, None);
        for attribute in item.nested() {
            let attribute = attribute?;
            let at = attribute.at;
            match u32::from(attribute.kind) {
                uapi::CAMZONE_A_ZONE_NAME => {
                    let value = Name::new(attribute.string());
                    let value = value.ok_or(Error::at(at, Kind::BadName))?;
                    let taken = |zone: &Zone| zone.name == value;
                    if value.as_bytes() == b"router" || self.policy.zones.iter().any(taken) {
                        return Err(Error::at(at, Kind::NameTaken(value)));
                    }
                    once(&mut name, value, "name", at)?;
                }
                uapi::CAMZONE_A_ZONE_INTERFACE => self.add_interface(&attribute, id, interfaces)?,
                uapi::CAMZONE_A_ZONE_NETWORK => self.add_network(&attribute, id)?,
                uapi::CAMZONE_A_ZONE_ANY => once(&mut any, (), "any", at)?,
                uapi::CAMZONE_A_ZONE_IPV6 => {
                    let mode = attribute.u32().and_then(Ipv6Mode::from_number);
                    let mode = mode.ok_or(Error::at(at, Kind::BadValue("ipv6")))?;
                    once(&mut ipv6, mode, "ipv6", at)?;
                }
                _ => return Err(unknown(&attribute)),
            }
        }
        let name = name.ok_or(Error::at(item.at, Kind::Missing("name")))?;
        let any = any.is_some();
        if self.policy.interfaces.len() == interfaces {
            return Err(Error::at(item.at, Kind::NoInterface(name)));
        }
        match (any, self.policy.networks.len() > networks) {
            (false, false) => return Err(Error::at(item.at, Kind::NoNetwork(name))),
            (true, true) => return Err(Error::at(item.at, Kind::AnyAndNetworks(name))),
            _ => {}
        }
        if let Some(first) = self.policy.zones.iter().find(|zone| zone.any && any) {
            let first = first.name;
            return Err(Error::at(item.at, Kind::SecondAny { zone: name, first }));
        }
        self.zone_order.push(id.into())?;
        self.policy.zones.push(Zone {
            name,
            any,
            ipv6: ipv6.unwrap_or(Ipv6Mode::Off),
            has_cameras: false,
        })?;
        Ok(())
    }

    fn add_interface(
        &mut self,
        item: &Attribute<'_>,
        zone: ZoneId,
        own: usize,
    ) -> Result<(), Error> {
        let list = &mut self.policy.interfaces;
        room("interfaces", list.len(), MAX_INTERFACES, item.at)?;
        let name = Name::interface(item.string()).ok_or(Error::at(item.at, Kind::BadInterface))?;
        if name.as_bytes() == b"lo" {
            return Err(Error::at(item.at, Kind::LoopbackInterface));
        }
        if let Some(place) = list.iter().position(|interface| interface.name == name) {
            if place >= own {
                return Err(Error::at(item.at, Kind::Twice("interface")));
            }
            let zone = list
                .get(place)
                .and_then(|other| self.policy.zones.get(usize::from(other.zone)));
            let zone = zone.map_or(name, |zone| zone.name);
            return Err(Error::at(
                item.at,
                Kind::InterfaceTaken {
                    interface: name,
                    zone,
                },
            ));
        }
        Ok(list.push(Interface { name, zone })?)
    }

    fn add_network(&mut self, item: &Attribute<'_>, zone: ZoneId) -> Result<(), Error> {
        let list = &mut self.policy.networks;
        room("networks", list.len(), MAX_NETWORKS, item.at)?;
        let (mut address, mut len) = (None, None);
        for attribute in item.nested() {
            let attribute = attribute?;
            let at = attribute.at;
            match u32::from(attribute.kind) {
                uapi::CAMZONE_A_NETWORK_ADDRESS => {
                    let value = Address::from_bytes(attribute.payload);
                    let value = value.ok_or(Error::at(at, Kind::BadValue("address")))?;
                    once(&mut address, value, "address", at)?;
                }
                uapi::CAMZONE_A_NETWORK_PREFIX_LEN => {
                    let value = attribute
                        .u32()
                        .ok_or(Error::at(at, Kind::BadValue("prefix-len")))?;
                    once(&mut len, value, "prefix-len", at)?;
                }
                _ => return Err(unknown(&attribute)),
            }
        }
        let address = address.ok_or(Error::at(item.at, Kind::Missing("address")))?;
        let len = len.ok_or(Error::at(item.at, Kind::Missing("prefix-len")))?;
        let prefix = Prefix::new(address, len).map_err(|e| Error::at(item.at, Kind::Prefix(e)))?;
        if !of_hosts(&prefix) {
            return Err(Error::at(item.at, Kind::NotUnicast(prefix)));
        }
        Ok(list.push(Network { prefix, zone })?)
    }

    /// Brings zones, interfaces and networks into canonical order, and finds what overlaps.
    pub(super) fn close_zones(&mut self) -> Result<(), Error> {
        if self.policy.zones.is_empty() {
            return Err(Error::whole(Kind::NoZone));
        }
        let policy = &mut self.policy;
        // Sorting the order by the names first lets every zone's old place find its new one.
        let zones = &policy.zones;
        let name = |place: &usize| zones.get(*place).map(|zone| zone.name);
        sort(&mut self.zone_order, |a, b| name(a) < name(b));
        sort(&mut policy.zones, |a, b| a.name < b.name);
        let order = &self.zone_order;
        let place = |old: ZoneId| {
            let place = order.iter().position(|place| *place == usize::from(old));
            place
                .and_then(|place| ZoneId::try_from(place).ok())
                .unwrap_or(old)
        };
        // At most 256 zones: `position` is bounded by that.
        policy
            .interfaces
            .iter_mut()
            .for_each(|interface| interface.zone = place(interface.zone));
        policy
            .networks
            .iter_mut()
            .for_each(|network| network.zone = place(network.zone));
        sort(&mut policy.interfaces, |a, b| {
            (a.zone, a.name) < (b.zone, b.name)
        });
        sort(&mut policy.networks, |a, b| a.prefix < b.prefix);
        let pairs = policy.networks.iter().zip(policy.networks.iter().skip(1));
        for (a, b) in pairs {
            if a.prefix.overlaps(&b.prefix) {
                let other = policy.zones.get(usize::from(a.zone)).map(|zone| zone.name);
                let order = order.get(usize::from(b.zone));
                return Err(match other {
                    Some(other) => {
                        let kind = Kind::Overlap {
                            a: b.prefix,
                            b: a.prefix,
                            other,
                        };
                        item_error(Place::Zone, order, kind)
                    }
                    None => item_error(Place::Zone, order, Kind::NoZone),
                });
            }
        }
        Ok(())
    }

    /// The zone that has `address`, after the zones were closed.
    pub(super) fn zone_of(&self, address: Address) -> Option<ZoneId> {
        let found = search(&self.policy.networks, |network| {
            network.prefix.compare(address)
        });
        match found.and_then(|place| self.policy.networks.get(place)) {
            Some(network) => Some(network.zone),
            None => {
                let any = self.policy.zones.iter().position(|zone| zone.any)?;
                ZoneId::try_from(any).ok()
            }
        }
    }
}

/// Whether hosts can have the addresses of the network. The whole of a family is said by `any`.
fn of_hosts(prefix: &Prefix) -> bool {
    // Of all that is no host's only this can lie within, and have neither end.
    let link_local = Address::v6([0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let ends = [prefix.first(), prefix.last()];
    prefix.bits() > 0
        && !prefix.contains(link_local)
        && !ends.iter().any(|address| {
            address.is_multicast()
                || address.is_loopback()
                || address.is_this_network()
                || address.is_unspecified()
                || address.is_link_local_v6()
                || address.is_v4_mapped()
                || address.is_limited_broadcast()
        })
}
