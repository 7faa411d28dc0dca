// SPDX-License-Identifier: GPL-2.0

//! A policy on its way in: items are validated as they come, and the last step makes it whole.

mod camera;
mod rule;
mod zone;

use crate::{
    attribute::{Attribute, Attributes},
    error::{Error, Kind, Place},
    memory::{sort, List, Memory, OutOfMemory},
    name::Name,
    policy::{CameraId, Defaults, Policy, Run, ZoneId, MAX_CAMERAS, MAX_RULES, MAX_ZONES},
    uapi,
};

/// What may come next: everything that an item names comes before it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Zones,
    Cameras,
    Rules,
}

/// A policy that is being put together.
///
/// After an error the draft is of no use any more and is to be dropped.
pub struct Draft<M: Memory> {
    policy: Policy<M>,
    phase: Phase,
    // The places in which zones and cameras were added, since they are sorted later.
    zone_order: M::List<usize>,
    camera_order: M::List<usize>,
    // Of ends and services, over all rules so far.
    combinations: usize,
    comparisons: u64,
}

impl<M: Memory> Draft<M> {
    /// An empty draft.
    pub fn new(defaults: Defaults, forwarding: bool) -> Self {
        Draft {
            policy: Policy::empty(defaults, forwarding),
            phase: Phase::Zones,
            zone_order: List::new(),
            camera_order: List::new(),
            combinations: 0,
            comparisons: 0,
        }
    }

    /// A draft from the attributes of a `policy-begin`; those that are not about the policy are
    /// passed over.
    ///
    /// # Errors
    ///
    /// Names the attribute that is cut off or out of range.
    pub fn begin(message: &[u8]) -> Result<Self, Error> {
        let mut defaults = Defaults::default();
        let mut forwarding = false;
        for attribute in Attributes::new(message) {
            let attribute = attribute?;
            match u32::from(attribute.kind) {
                uapi::CAMZONE_A_FORWARDING => forwarding = true,
                uapi::CAMZONE_A_DEFAULTS => {
                    for attribute in attribute.nested() {
                        let attribute = attribute?;
                        let accept = match attribute.u32() {
                            Some(uapi::CAMZONE_VERDICT_DROP) => false,
                            Some(uapi::CAMZONE_VERDICT_ACCEPT) => true,
                            _ => return Err(Error::at(attribute.at, Kind::BadValue("default"))),
                        };
                        match u32::from(attribute.kind) {
                            uapi::CAMZONE_A_DEFAULTS_INPUT => defaults.input = accept,
                            uapi::CAMZONE_A_DEFAULTS_FORWARD => defaults.forward = accept,
                            uapi::CAMZONE_A_DEFAULTS_OUTPUT => defaults.output = accept,
                            _ => return Err(unknown(&attribute)),
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(Self::new(defaults, forwarding))
    }

    /// Adds the zones, cameras and rules of a `policy-add`.
    ///
    /// # Errors
    ///
    /// Says what is wrong and where; the draft is then of no use any more.
    pub fn add(&mut self, message: &[u8]) -> Result<(), Error> {
        for attribute in Attributes::new(message) {
            let attribute = attribute?;
            match u32::from(attribute.kind) {
                uapi::CAMZONE_A_ZONE => {
                    self.enter(Phase::Zones, attribute.at)?;
                    room("zones", self.policy.zones.len(), MAX_ZONES, attribute.at)?;
                    self.add_zone(&attribute)?;
                }
                uapi::CAMZONE_A_CAMERA => {
                    self.enter(Phase::Cameras, attribute.at)?;
                    room(
                        "cameras",
                        self.policy.cameras.len(),
                        MAX_CAMERAS,
                        attribute.at,
                    )?;
                    self.add_camera(&attribute)?;
                }
                uapi::CAMZONE_A_RULE => {
                    self.enter(Phase::Rules, attribute.at)?;
                    room("rules", self.policy.rules.len(), MAX_RULES, attribute.at)?;
                    self.add_rule(&attribute)?;
                }
                _ => return Err(unknown(&attribute)),
            }
        }
        Ok(())
    }

    /// The policy, whole, validated and in canonical form.
    ///
    /// # Errors
    ///
    /// Says what is wrong with the policy as a whole.
    pub fn finish(mut self) -> Result<Policy<M>, Error> {
        self.enter(Phase::Rules, 0)?;
        self.sort_rules();
        Ok(self.policy)
    }

    /// Ends the phases before `phase`, or says that it is over.
    fn enter(&mut self, phase: Phase, at: usize) -> Result<(), Error> {
        if phase < self.phase {
            return Err(Error::at(at, Kind::Order));
        }
        if self.phase == Phase::Zones && phase > Phase::Zones {
            self.close_zones()?;
            self.phase = Phase::Cameras;
        }
        if self.phase == Phase::Cameras && phase > Phase::Cameras {
            self.close_cameras()?;
            self.phase = Phase::Rules;
        }
        Ok(())
    }

    /// Finds a zone by its name, after the zones were closed.
    fn zone_named(&self, name: &Name) -> Option<ZoneId> {
        let place = crate::memory::search(&self.policy.zones, |zone| zone.name.cmp(name))?;
        ZoneId::try_from(place).ok()
    }

    /// Finds a camera by its name, after the cameras were closed.
    fn camera_named(&self, name: &Name) -> Option<CameraId> {
        let place = crate::memory::search(&self.policy.cameras, |camera| camera.name.cmp(name))?;
        CameraId::try_from(place).ok()
    }
}

/// The fault of an attribute that does not belong where it is.
fn unknown(attribute: &Attribute<'_>) -> Error {
    Error::at(attribute.at, Kind::UnknownAttribute(attribute.kind))
}

/// Whether there is room for one more.
fn room(what: &'static str, len: usize, limit: usize, at: usize) -> Result<(), Error> {
    if len < limit {
        Ok(())
    } else {
        Err(Error::at(at, Kind::TooMany { what, limit }))
    }
}

/// Sets what may be set once.
fn once<T>(slot: &mut Option<T>, value: T, what: &'static str, at: usize) -> Result<(), Error> {
    if slot.replace(value).is_some() {
        return Err(Error::at(at, Kind::Twice(what)));
    }
    Ok(())
}

/// Sorts the run that begins at `start` and ends the pool, drops repetitions, and names it.
fn close_run<T: Copy + Ord, M: Memory>(
    pool: &mut M::List<T>,
    scratch: &mut M::List<T>,
    start: usize,
) -> Result<Run, OutOfMemory> {
    sort(scratch, |a, b| a < b);
    let mut last = None;
    for item in scratch.iter() {
        if last != Some(*item) {
            pool.push(*item)?;
        }
        last = Some(*item);
    }
    scratch.clear();
    Ok(Run {
        start,
        len: pool.len().saturating_sub(start),
    })
}

/// The fault of the item that was added in place `order`.
fn item_error(place: impl Fn(usize) -> Place, order: Option<&usize>, kind: Kind) -> Error {
    Error {
        place: order.map_or(Place::Policy, |order| place(*order)),
        kind,
    }
}
