// SPDX-License-Identifier: GPL-2.0

//! `status-get` and `disarm`.

use super::{
    message::{
        Body,
        Reply, //
    },
    request::{
        Do,
        Request, //
    },
};
use crate::netfilter::namespace::{
    Saved,
    Snapshot,
    State,
    Status, //
};
use camzone_policy::{
    attribute::{
        kind,
        WriteError,
        Writer, //
    },
    uapi,
};
use kernel::prelude::*;

/// The module's version.
const VERSION: &[u8] = b"0.1.0";

type Written = Result<(), WriteError>;

/// The number of a state in the family.
const fn number(state: State) -> u32 {
    match state {
        State::Idle => uapi::CAMZONE_STATE_IDLE,
        State::Sealed => uapi::CAMZONE_STATE_SEALED,
        State::Armed => uapi::CAMZONE_STATE_ARMED,
    }
}

/// What guards the namespace.
pub(super) fn write_state(w: &mut Writer<'_, Body<'_>>, status: &Status) -> Written {
    w.u32(kind(uapi::CAMZONE_A_STATE), number(status.state))?;
    w.u32(kind(uapi::CAMZONE_A_GENERATION), status.generation)
}

/// The digest of the policy in force, if there is one.
pub(super) fn write_digest(w: &mut Writer<'_, Body<'_>>, status: &Status) -> Written {
    match &status.digest {
        Some(digest) => w.bytes(kind(uapi::CAMZONE_A_DIGEST), digest),
        None => Ok(()),
    }
}

/// The sysctls that were saved, if any were.
pub(super) fn write_saved(w: &mut Writer<'_, Body<'_>>, saved: Option<&Saved>) -> Written {
    let Some(saved) = saved else {
        return Ok(());
    };
    w.nest(kind(uapi::CAMZONE_A_SAVED), |w| {
        w.u32(kind(uapi::CAMZONE_A_SAVED_IPV4), saved.ipv4)?;
        w.u32(kind(uapi::CAMZONE_A_SAVED_IPV6), saved.ipv6)
    })
}

/// `status-get`
pub(super) struct StatusGet;

impl StatusGet {
    /// The most room that is tried: enough for 13,000 interfaces.
    const MOST: usize = 1 << 20;

    fn write(snapshot: &Snapshot<'_>, w: &mut Writer<'_, Body<'_>>) -> Written {
        let status = snapshot.status();
        write_state(w, &status)?;
        write_digest(w, &status)?;
        w.string(kind(uapi::CAMZONE_A_VERSION), VERSION)?;
        w.flag(kind(uapi::CAMZONE_A_FORWARDING), status.forwarding)?;
        write_saved(w, status.saved.as_ref())?;
        snapshot.for_each_port(|name, ifindex, zone| {
            w.nest(kind(uapi::CAMZONE_A_PORT), |w| {
                w.string(kind(uapi::CAMZONE_A_PORT_NAME), name)?;
                w.u32(kind(uapi::CAMZONE_A_PORT_IFINDEX), ifindex)?;
                match zone {
                    Some(zone) => w.string(kind(uapi::CAMZONE_A_PORT_ZONE), zone),
                    None => Ok(()),
                }
            })
        })
    }
}

impl Do for StatusGet {
    const COMMAND: u8 = uapi::CAMZONE_CMD_STATUS_GET as u8;

    fn run(request: &Request<'_>) -> Result {
        // A port takes up to 80 bytes, and how many there are is known once they were written.
        let mut room = 4096usize;
        loop {
            let mut reply = Reply::new(request, room)?;
            let written = request
                .namespace()
                .read(|snapshot| reply.write(|w| Self::write(snapshot, w)));
            match written {
                Ok(()) => return reply.send(request),
                Err(error) if room >= Self::MOST => return Err(error),
                Err(_) => room = room.saturating_mul(4),
            }
        }
    }
}

/// `disarm`
pub(super) struct Disarm;

impl Do for Disarm {
    const COMMAND: u8 = uapi::CAMZONE_CMD_DISARM as u8;

    fn run(request: &Request<'_>) -> Result {
        // The answer must not be what fails once the policy is out of force.
        let mut reply = Reply::new(request, Reply::SMALL)?;
        let status = request.namespace().disarm().map_err(|errno| match errno {
            EINVAL => request.refuse(errno, None, format_args!("the namespace is not guarded")),
            _ => errno,
        })?;
        reply.write(|w| {
            write_state(w, &status)?;
            write_saved(w, status.saved.as_ref())
        })?;
        // Should its queue be full, the sender hears so from its socket; it is disarmed.
        let _ = reply.send(request);
        Ok(())
    }
}
