// SPDX-License-Identifier: GPL-2.0

//! Cameras: named hosts inside a zone's networks.

use super::{close_run, item_error, once, room, unknown, Draft};
use crate::{
    address::Address,
    attribute::Attribute,
    error::{Error, Kind, Place},
    memory::{sort, List, Memory},
    name::Name,
    policy::{Camera, MAX_CAMERA_ADDRESSES},
    uapi,
};

impl<M: Memory> Draft<M> {
    pub(super) fn add_camera(&mut self, item: &Attribute<'_>) -> Result<(), Error> {
        let (mut name, mut zone, mut mac) = (None, None, None);
        let mut addresses: M::List<Address> = List::new();
        for attribute in item.nested() {
            let attribute = attribute?;
            let at = attribute.at;
            match u32::from(attribute.kind) {
                uapi::CAMZONE_A_CAMERA_NAME => {
                    let value = Name::new(attribute.string());
                    let value = value.ok_or(Error::at(at, Kind::BadName))?;
                    if value.as_bytes() == b"router" || self.zone_named(&value).is_some() {
                        return Err(Error::at(at, Kind::NameTaken(value)));
                    }
                    once(&mut name, value, "name", at)?;
                }
                uapi::CAMZONE_A_CAMERA_ZONE => {
                    let value = Name::new(attribute.string());
                    let value = value.ok_or(Error::at(at, Kind::BadName))?;
                    let id = self.zone_named(&value);
                    let id = id.ok_or(Error::at(at, Kind::UnknownZone(value)))?;
                    once(&mut zone, (id, value), "zone", at)?;
                }
                uapi::CAMZONE_A_CAMERA_ADDRESS => {
                    let value = Address::from_bytes(attribute.payload);
                    let value = value.ok_or(Error::at(at, Kind::BadValue("address")))?;
                    room(
                        "addresses of a camera",
                        addresses.len(),
                        MAX_CAMERA_ADDRESSES,
                        at,
                    )?;
                    if addresses.contains(&value) {
                        return Err(Error::at(at, Kind::Twice("address")));
                    }
                    addresses.push(value)?;
                }
                uapi::CAMZONE_A_CAMERA_MAC => {
                    let value = <[u8; 6]>::try_from(attribute.payload);
                    let value = value.map_err(|_| Error::at(at, Kind::BadValue("mac")))?;
                    // A group bit (IEEE 802) or no bit at all is no host's address.
                    let host = value != [0; 6] && value.first().is_some_and(|b| b & 1 == 0);
                    host.then_some(())
                        .ok_or(Error::at(at, Kind::BadValue("mac")))?;
                    once(&mut mac, value, "mac", at)?;
                }
                _ => return Err(unknown(&attribute)),
            }
        }
        let name = name.ok_or(Error::at(item.at, Kind::Missing("name")))?;
        let (zone, zone_name) = zone.ok_or(Error::at(item.at, Kind::Missing("zone")))?;
        if addresses.is_empty() {
            return Err(Error::at(item.at, Kind::NoAddress(name)));
        }
        for address in addresses.iter() {
            if !is_host(*address) {
                return Err(Error::at(item.at, Kind::NotHost(*address)));
            }
            if self.zone_of(*address) != Some(zone) {
                let kind = Kind::AddressOutside {
                    address: *address,
                    zone: zone_name,
                };
                return Err(Error::at(item.at, kind));
            }
        }
        let start = self.policy.addresses.len();
        let addresses = close_run::<_, M>(&mut self.policy.addresses, &mut addresses, start)?;
        if let Some(zone) = self.policy.zones.get_mut(usize::from(zone)) {
            zone.has_cameras = true;
        }
        self.camera_order.push(self.policy.cameras.len())?;
        self.policy.cameras.push(Camera {
            name,
            zone,
            addresses,
            mac,
        })?;
        Ok(())
    }

    /// Brings the cameras into canonical order, and finds names and addresses given twice.
    pub(super) fn close_cameras(&mut self) -> Result<(), Error> {
        let policy = &mut self.policy;
        let cameras = &policy.cameras;
        let name = |place: &usize| cameras.get(*place).map(|camera| camera.name);
        sort(&mut self.camera_order, |a, b| (name(a), a) < (name(b), b));
        let order = &self.camera_order;
        for (a, b) in order.iter().zip(order.iter().skip(1)) {
            if let (Some(first), Some(second)) = (name(a), name(b)) {
                if first == second {
                    return Err(item_error(Place::Camera, Some(b), Kind::NameTaken(first)));
                }
            }
        }
        sort(&mut policy.cameras, |a, b| a.name < b.name);
        let mut owners: M::List<(Address, usize)> = List::new();
        for (place, camera) in policy.cameras.iter().enumerate() {
            for address in camera.addresses.of(&policy.addresses) {
                owners.push((*address, place))?;
            }
        }
        sort(&mut owners, |a, b| a < b);
        for (a, b) in owners.iter().zip(owners.iter().skip(1)) {
            if a.0 == b.0 {
                let camera = policy.cameras.get(a.1).map(|camera| camera.name);
                let kind = camera.map_or(Kind::OutOfMemory, |camera| Kind::AddressTaken {
                    address: a.0,
                    camera,
                });
                return Err(item_error(Place::Camera, order.get(b.1), kind));
            }
        }
        Ok(())
    }
}

/// Whether a host can have the address.
fn is_host(address: Address) -> bool {
    !(address.is_multicast()
        || address.is_loopback()
        || address.is_this_network()
        || address.is_unspecified()
        || address.is_limited_broadcast()
        || address.is_link_local_v6()
        || address.is_v4_mapped())
}
