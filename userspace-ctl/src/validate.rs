// SPDX-License-Identifier: GPL-2.0

//! A policy file, judged by the same code as in the kernel, with its faults in the file's words.

use camzone_policy::{
    address::Address,
    draft::Draft,
    error::{Error, Place},
    memory::Heap,
    name::Name,
    policy::Policy,
};

use crate::{
    diagnostic::{Diagnostic, Span},
    encode::{Encoded, Item},
    explain::explain,
    file::model::{Camera, PolicyFile, Zone},
};

/// A policy on this machine's heap.
pub type HeapPolicy = Policy<Heap>;

/// The policy that the file says.
///
/// # Errors
///
/// The first fault.
pub fn validate(file: &PolicyFile, encoded: &Encoded) -> Result<HeapPolicy, Diagnostic> {
    let view = View { file, encoded };
    let fault = |message| move |error: Error| view.fault(message, error);
    let mut draft = Draft::<Heap>::begin(&encoded.begin).map_err(fault(0))?;
    for (message, bytes) in encoded.adds.iter().enumerate() {
        draft.add(bytes).map_err(fault(message))?;
    }
    draft.finish().map_err(fault(encoded.adds.len()))
}

/// A file and its encoding.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// The file.
    pub file: &'a PolicyFile,
    /// Its encoding.
    pub encoded: &'a Encoded,
}

impl View<'_> {
    /// A fault of the n-th message, or of what it made whole, in the words of the file.
    fn fault(self, message: usize, error: Error) -> Diagnostic {
        let (span, item) = match error.place {
            Place::Message(offset) => match self.encoded.mark(message, offset) {
                Some(mark) => (Some(mark.span.clone()), Some(mark.item)),
                None => (None, None),
            },
            Place::Zone(place) => (self.zone_span(place), Some(Item::Zone(place))),
            Place::Camera(place) => (self.camera_span(place), Some(Item::Camera(place))),
            Place::Policy => (None, None),
        };
        explain(self, &error.kind, span, item)
    }

    /// A refusal by the kernel, of the attribute at `offset` of the n-th message if it said so.
    pub fn refusal(self, said: &str, message: Option<usize>, offset: Option<usize>) -> Diagnostic {
        let mark = message
            .zip(offset)
            .and_then(|(m, o)| self.encoded.mark(m, o));
        let said = format!("the kernel refuses this: {said}");
        match mark {
            Some(mark) => Diagnostic::at(mark.span.clone(), said),
            None => Diagnostic::whole(said),
        }
    }

    fn zone_span(self, place: usize) -> Option<Span> {
        Some(self.file.zones.get(place)?.name.span.clone())
    }

    fn camera_span(self, place: usize) -> Option<Span> {
        Some(self.file.cameras.get(place)?.name.span.clone())
    }

    /// The header of the n-th rule.
    pub fn rule_span(self, place: usize) -> Option<Span> {
        Some(self.file.rules.get(place)?.span.clone())
    }
}

/// The zone of this name.
pub fn zone_named<'a>(file: &'a PolicyFile, name: &Name) -> Option<&'a Zone> {
    file.zones
        .iter()
        .find(|zone| zone.name.value == name.as_str())
}

/// The camera of this name.
pub fn camera_named<'a>(file: &'a PolicyFile, name: &Name) -> Option<&'a Camera> {
    file.cameras
        .iter()
        .find(|camera| camera.name.value == name.as_str())
}

/// Where a camera says that it has an address.
pub fn address_span(camera: &Camera, address: Address) -> Option<Span> {
    let found = camera.addresses.iter().find(|a| a.value == address)?;
    Some(found.span.clone())
}
