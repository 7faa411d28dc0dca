// SPDX-License-Identifier: GPL-2.0

//! What `bindgen` makes of `include/camzone_bindings.h`, together with the kernel crate's own
//! bindings, whose types the generated ones refer to. Only the wrapper rooms look in here.
//!
//! What the kernel crate has differs from version to version. All that it lacks in one that we
//! are built for is generated, and a generated one hides the kernel crate's of the same name.

#![allow(
    clippy::all,
    clippy::as_ptr_cast_mut,
    clippy::as_underscore,
    clippy::cast_lossless,
    clippy::ptr_as_ptr,
    clippy::ref_as_ptr,
    clippy::undocumented_unsafe_blocks,
    dead_code,
    improper_ctypes,
    missing_docs,
    non_camel_case_types,
    non_snake_case,
    non_upper_case_globals,
    unreachable_pub,
    unsafe_op_in_unsafe_fn
)]

pub use kernel::bindings::*;
use kernel::ffi;
use pin_init::{MaybeZeroable, Zeroable};

// `bindgen` does not do this itself, see <https://github.com/rust-lang/rust-bindgen/issues/3196>.
//
// SAFETY: `__BindgenBitfieldUnit<Storage>` is a newtype around `Storage`.
unsafe impl<Storage> Zeroable for __BindgenBitfieldUnit<Storage> where Storage: Zeroable {}

include!(concat!(env!("CAMZONE_OBJ"), "/rust/bindings_generated.rs"));

/// Whether libclang, who said where things are, agrees with the compiler of the kernel
/// (`include/camzone_layout.h`).
pub(crate) fn agrees_with_compiler() -> kernel::error::Result {
    // SAFETY: May be called anywhere.
    if unsafe { camzone_places_sum() } != CAMZONE_PLACES_SUM {
        kernel::prelude::pr_err!("built with two layouts of the kernel's structures\n");
        return Err(kernel::error::code::EINVAL);
    }
    Ok(())
}

/// Holds a structure to the numbers that the shim holds C to.
macro_rules! layout {
    ($($type:ident: $size:ident, $member:ident: $place:ident;)*) => {
        $(
            const _: () = assert!(size_of::<$type>() == $size as usize);
            const _: () = assert!(core::mem::offset_of!($type, $member) == $place as usize);
        )*
    };
}

layout! {
    camzone_counter: CAMZONE_LAYOUT_COUNTER, bytes: CAMZONE_LAYOUT_COUNTER_BYTES;
    camzone_device: CAMZONE_LAYOUT_DEVICE, slave: CAMZONE_LAYOUT_DEVICE_SLAVE;
    nf_hook_ops: CAMZONE_LAYOUT_HOOK_OPS, priority: CAMZONE_LAYOUT_HOOK_OPS_PRIORITY;
    nf_hook_state: CAMZONE_LAYOUT_HOOK_STATE, net: CAMZONE_LAYOUT_HOOK_STATE_NET;
    pernet_operations: CAMZONE_LAYOUT_PERNET, size: CAMZONE_LAYOUT_PERNET_SIZE;
    notifier_block: CAMZONE_LAYOUT_NOTIFIER, priority: CAMZONE_LAYOUT_NOTIFIER_PRIORITY;
    genl_family: CAMZONE_LAYOUT_FAMILY, module: CAMZONE_LAYOUT_FAMILY_MODULE;
    genl_split_ops: CAMZONE_LAYOUT_OPERATION, flags: CAMZONE_LAYOUT_OPERATION_FLAGS;
    genl_info: CAMZONE_LAYOUT_INFO, extack: CAMZONE_LAYOUT_INFO_EXTACK;
    genl_dumpit_info: CAMZONE_LAYOUT_DUMP, info: CAMZONE_LAYOUT_DUMP_INFO;
    nla_policy: CAMZONE_LAYOUT_ATTRIBUTE, len: CAMZONE_LAYOUT_ATTRIBUTE_LEN;
}
