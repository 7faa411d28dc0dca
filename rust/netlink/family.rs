// SPDX-License-Identifier: GPL-2.0

//! The family itself: its commands, and its registration.
//!
//! C header: [`include/net/genetlink.h`](srctree/include/net/genetlink.h)

use super::{
    dump::{
        dumpit,
        Dump, //
    },
    items::{
        CountersGet,
        PolicyGet, //
    },
    request::{
        doit,
        Do, //
    },
    schema::{
        self,
        Table, //
    },
    status::{
        Disarm,
        StatusGet, //
    },
    upload::{
        PolicyAbort,
        PolicyAdd,
        PolicyBegin,
        PolicyCommit, //
    },
};
use crate::bindings;
use camzone_policy::uapi;
use kernel::{
    error::to_result,
    prelude::*,
    types::Opaque, //
};

/// How many commands there are.
const COMMANDS: usize = 8;

/// The commands, in the order of their numbers.
///
/// # Invariants
///
/// Ordered by command, each either a do or a dump, as `genl_register_family` demands.
#[repr(transparent)]
struct Operations([bindings::genl_split_ops; COMMANDS]);

// SAFETY: The operations are never written, and all that they point to is static.
unsafe impl Sync for Operations {}

/// CAP_NET_ADMIN over the namespace of the socket is needed for everything, reading included.
const PERMISSION: u32 = bindings::GENL_UNS_ADMIN_PERM;

/// A command that is answered at once.
const fn answered<H: Do>(operation: bindings::genl_split_ops) -> bindings::genl_split_ops {
    bindings::genl_split_ops {
        __bindgen_anon_1: bindings::genl_split_ops__bindgen_ty_1 {
            __bindgen_anon_1: bindings::genl_split_ops__bindgen_ty_1__bindgen_ty_1 {
                pre_doit: None,
                doit: Some(doit::<H>),
                post_doit: None,
            },
        },
        cmd: H::COMMAND,
        flags: (PERMISSION | bindings::GENL_CMD_CAP_DO) as u8,
        ..operation
    }
}

/// A command that is answered item by item.
const fn dumped<H: Dump>() -> bindings::genl_split_ops {
    bindings::genl_split_ops {
        __bindgen_anon_1: bindings::genl_split_ops__bindgen_ty_1 {
            __bindgen_anon_2: bindings::genl_split_ops__bindgen_ty_1__bindgen_ty_2 {
                start: None,
                dumpit: Some(dumpit::<H>),
                done: None,
            },
        },
        cmd: H::COMMAND,
        flags: (PERMISSION | bindings::GENL_CMD_CAP_DUMP) as u8,
        ..plain()
    }
}

/// A request without attributes: without a table, the core refuses all.
const fn plain() -> bindings::genl_split_ops {
    pin_init::zeroed()
}

/// A request with these attributes.
const fn with<const N: usize>(table: &'static Table<N>) -> bindings::genl_split_ops {
    bindings::genl_split_ops {
        policy: table.as_ptr(),
        maxattr: Table::<N>::LAST as c_uint,
        ..plain()
    }
}

// INVARIANT: In the order of the numbers, as the assertion below finds too.
static OPERATIONS: Operations = Operations([
    answered::<StatusGet>(plain()),
    answered::<PolicyBegin>(with(&schema::BEGIN)),
    answered::<PolicyAdd>(with(&schema::ADD)),
    answered::<PolicyCommit>(with(&schema::COMMIT)),
    answered::<PolicyAbort>(plain()),
    dumped::<PolicyGet>(),
    dumped::<CountersGet>(),
    answered::<Disarm>(plain()),
]);

const _: () = assert!(
    StatusGet::COMMAND == 1
        && PolicyBegin::COMMAND == 2
        && PolicyAdd::COMMAND == 3
        && PolicyCommit::COMMAND == 4
        && PolicyAbort::COMMAND == 5
        && PolicyGet::COMMAND == 6
        && CountersGet::COMMAND == 7
        && Disarm::COMMAND == 8
        && uapi::CAMZONE_CMD_MAX as usize == COMMANDS
);

/// The C side's structure.
#[repr(transparent)]
struct Inner(Opaque<bindings::genl_family>);

// SAFETY: Only the C side writes it, under its own locks.
unsafe impl Sync for Inner {}

/// `netnsok` and `parallel_ops`, the two lowest bits; bindgen's setters are not `const`.
const fn bits() -> bindings::__BindgenBitfieldUnit<[u8; 1]> {
    let bits = u8::from_le(0b11);
    // SAFETY: The unit is one byte, and every value of it is valid.
    unsafe { core::mem::transmute::<u8, bindings::__BindgenBitfieldUnit<[u8; 1]>>(bits) }
}

/// The family's name as the C side's array has it.
const fn name() -> [c_char; bindings::GENL_NAMSIZ as usize] {
    let mut name = [0; bindings::GENL_NAMSIZ as usize];
    let mut i = 0;
    while i < uapi::CAMZONE_FAMILY_NAME.len() {
        // Evaluated at build: a name that is too long does not compile.
        name[i] = uapi::CAMZONE_FAMILY_NAME[i] as c_char;
        i += 1;
    }
    name
}

static FAMILY: Inner = Inner(Opaque::new(bindings::genl_family {
    name: name(),
    version: uapi::CAMZONE_FAMILY_VERSION,
    _bitfield_1: bits(),
    split_ops: OPERATIONS.0.as_ptr(),
    n_split_ops: COMMANDS as u8,
    module: crate::this_module(),
    // All else is none; `resv_start_op` 0 means the strictest validation for every command.
    ..pin_init::zeroed()
}));

/// The family as the C side has it, for the headers of messages.
pub(super) fn as_ptr() -> *const bindings::genl_family {
    FAMILY.0.get()
}

/// The family is registered.
///
/// Once it is dropped no handler runs and none will: `genl_unregister_family` waits for those
/// that do, and a dump that is under way holds the module, so that it is not dropped before.
///
/// # Invariants
///
/// [`FAMILY`] is registered.
pub(crate) struct Family(());

impl Family {
    /// Registers the family, in every network namespace.
    ///
    /// To be called once, after the namespaces' state is in place.
    pub(crate) fn register() -> Result<Self> {
        // SAFETY: The family is static and not registered, and so are its operations valid.
        to_result(unsafe { bindings::genl_register_family(FAMILY.0.get()) })?;
        // INVARIANT: It was registered just now.
        Ok(Family(()))
    }
}

impl Drop for Family {
    fn drop(&mut self) {
        // SAFETY: By the type invariant it is registered, and only this ends it.
        unsafe { bindings::genl_unregister_family(FAMILY.0.get()) };
    }
}
