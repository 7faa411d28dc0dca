// SPDX-License-Identifier: GPL-2.0

//! What the core of netlink lets through: one table of `struct nla_policy` for each request and
//! for each nest, as `netlink/specs/camzone.yaml` has them.
//!
//! An attribute that is not in the table is refused, since the family asks for the strictest
//! validation (`resv_start_op` is 0 and nothing is exempt from it).
//!
//! C header: [`include/net/netlink.h`](srctree/include/net/netlink.h)

use crate::bindings;
use camzone_policy::uapi::*;

/// The table of a message or of a nest; `N` is one more than its last attribute.
///
/// # Invariants
///
/// Entry 0 is zeroed, and nests and ranges point to statics.
#[repr(transparent)]
pub(super) struct Table<const N: usize>([bindings::nla_policy; N]);

// SAFETY: A table is never written, and what it points to is static and never written either.
unsafe impl<const N: usize> Sync for Table<N> {}

impl<const N: usize> Table<N> {
    /// The last attribute of the table (`maxattr`).
    pub(super) const LAST: usize = N - 1;

    /// A table of these attributes, each with its number.
    const fn new(entries: &[(u32, bindings::nla_policy)]) -> Self {
        let mut table = [UNSPECIFIED; N];
        let mut i = 0;
        while i < entries.len() {
            // Evaluated at build: a number out of range does not compile.
            table[entries[i].0 as usize] = entries[i].1;
            i += 1;
        }
        // INVARIANT: No attribute has the number 0.
        assert!(table[0].type_ == bindings::NLA_UNSPEC as u8);
        Table(table)
    }

    /// The table as C has it.
    pub(super) const fn as_ptr(&'static self) -> *const bindings::nla_policy {
        self.0.as_ptr()
    }
}

/// An attribute that does not exist.
const UNSPECIFIED: bindings::nla_policy = bindings::nla_policy {
    type_: bindings::NLA_UNSPEC as u8,
    validation_type: bindings::nla_policy_validation_NLA_VALIDATE_NONE as u8,
    len: 0,
    __bindgen_anon_1: bindings::nla_policy__bindgen_ty_1 {
        nested_policy: core::ptr::null(),
    },
};

/// A string of at most `max` bytes that a NUL ends.
const fn string(max: u32) -> bindings::nla_policy {
    assert!(max <= u16::MAX as u32);
    bindings::nla_policy {
        type_: bindings::NLA_NUL_STRING as u8,
        len: max as u16,
        ..UNSPECIFIED
    }
}

/// An attribute whose presence is all it says.
const fn flag() -> bindings::nla_policy {
    bindings::nla_policy {
        type_: bindings::NLA_FLAG as u8,
        ..UNSPECIFIED
    }
}

/// A number of 32 bits.
const fn u32_any() -> bindings::nla_policy {
    bindings::nla_policy {
        type_: bindings::NLA_U32 as u8,
        ..UNSPECIFIED
    }
}

/// A number of 64 bits.
const fn u64_any() -> bindings::nla_policy {
    bindings::nla_policy {
        type_: bindings::NLA_U64 as u8,
        ..UNSPECIFIED
    }
}

/// A range that fits the table's own entry, whose numbers are signed 16 bits.
const fn range(min: u32, max: u32) -> bindings::nla_policy__bindgen_ty_1 {
    assert!(min <= max && max <= i16::MAX as u32);
    bindings::nla_policy__bindgen_ty_1 {
        __bindgen_anon_1: bindings::nla_policy__bindgen_ty_1__bindgen_ty_1 {
            min: min as i16,
            max: max as i16,
        },
    }
}

/// A number of 32 bits, at most `max`.
const fn u32_max(max: u32) -> bindings::nla_policy {
    bindings::nla_policy {
        type_: bindings::NLA_U32 as u8,
        validation_type: bindings::nla_policy_validation_NLA_VALIDATE_MAX as u8,
        __bindgen_anon_1: range(0, max),
        ..UNSPECIFIED
    }
}

/// A number of 32 bits within a range that the entry itself cannot hold.
const fn u32_within(range: &'static bindings::netlink_range_validation) -> bindings::nla_policy {
    bindings::nla_policy {
        type_: bindings::NLA_U32 as u8,
        validation_type: bindings::nla_policy_validation_NLA_VALIDATE_RANGE_PTR as u8,
        __bindgen_anon_1: bindings::nla_policy__bindgen_ty_1 { range },
        ..UNSPECIFIED
    }
}

/// From `min` to `max` bytes.
const fn binary(min: u32, max: u32) -> bindings::nla_policy {
    bindings::nla_policy {
        type_: bindings::NLA_BINARY as u8,
        validation_type: bindings::nla_policy_validation_NLA_VALIDATE_RANGE as u8,
        __bindgen_anon_1: range(min, max),
        ..UNSPECIFIED
    }
}

/// Attributes in an attribute.
const fn nest<const N: usize>(table: &'static Table<N>) -> bindings::nla_policy {
    assert!(Table::<N>::LAST <= u16::MAX as usize);
    bindings::nla_policy {
        type_: bindings::NLA_NESTED as u8,
        len: Table::<N>::LAST as u16,
        __bindgen_anon_1: bindings::nla_policy__bindgen_ty_1 {
            nested_policy: table.as_ptr(),
        },
        ..UNSPECIFIED
    }
}

/// How many entries the table of attributes 1 to `last` has.
const fn size(last: u32) -> usize {
    last as usize + 1
}

/// Ports, and types of ICMP.
static PORTS: bindings::netlink_range_validation = bindings::netlink_range_validation {
    min: 0,
    max: 65_535,
};

static DEFAULTS: Table<{ size(CAMZONE_A_DEFAULTS_MAX) }> = Table::new(&[
    (CAMZONE_A_DEFAULTS_INPUT, u32_max(CAMZONE_VERDICT_ACCEPT)),
    (CAMZONE_A_DEFAULTS_FORWARD, u32_max(CAMZONE_VERDICT_ACCEPT)),
    (CAMZONE_A_DEFAULTS_OUTPUT, u32_max(CAMZONE_VERDICT_ACCEPT)),
]);

static SAVED: Table<{ size(CAMZONE_A_SAVED_MAX) }> = Table::new(&[
    (CAMZONE_A_SAVED_IPV4, u32_max(1)),
    (CAMZONE_A_SAVED_IPV6, u32_max(1)),
]);

static NETWORK: Table<{ size(CAMZONE_A_NETWORK_MAX) }> = Table::new(&[
    (CAMZONE_A_NETWORK_ADDRESS, binary(4, 16)),
    (CAMZONE_A_NETWORK_PREFIX_LEN, u32_max(128)),
]);

static ZONE: Table<{ size(CAMZONE_A_ZONE_MAX) }> = Table::new(&[
    (CAMZONE_A_ZONE_NAME, string(CAMZONE_NAME_LEN_MAX)),
    (CAMZONE_A_ZONE_INTERFACE, string(CAMZONE_IFNAME_LEN_MAX)),
    (CAMZONE_A_ZONE_NETWORK, nest(&NETWORK)),
    (CAMZONE_A_ZONE_ANY, flag()),
    (CAMZONE_A_ZONE_IPV6, u32_max(CAMZONE_IPV6_MODE_FULL)),
]);

static CAMERA: Table<{ size(CAMZONE_A_CAMERA_MAX) }> = Table::new(&[
    (CAMZONE_A_CAMERA_NAME, string(CAMZONE_NAME_LEN_MAX)),
    (CAMZONE_A_CAMERA_ZONE, string(CAMZONE_NAME_LEN_MAX)),
    (CAMZONE_A_CAMERA_ADDRESS, binary(4, 16)),
    (CAMZONE_A_CAMERA_MAC, binary(6, 6)),
]);

static END: Table<{ size(CAMZONE_A_END_MAX) }> = Table::new(&[
    (CAMZONE_A_END_KIND, u32_max(CAMZONE_END_KIND_CAMERA)),
    (CAMZONE_A_END_NAME, string(CAMZONE_NAME_LEN_MAX)),
]);

static SERVICE: Table<{ size(CAMZONE_A_SERVICE_MAX) }> = Table::new(&[
    (CAMZONE_A_SERVICE_PROTOCOL, u32_max(255)),
    (CAMZONE_A_SERVICE_FIRST, u32_within(&PORTS)),
    (CAMZONE_A_SERVICE_LAST, u32_within(&PORTS)),
    (CAMZONE_A_SERVICE_BROADCAST, flag()),
]);

static RULE: Table<{ size(CAMZONE_A_RULE_MAX) }> = Table::new(&[
    (CAMZONE_A_RULE_ACTION, u32_max(CAMZONE_ACTION_DENY)),
    (CAMZONE_A_RULE_FROM, nest(&END)),
    (CAMZONE_A_RULE_TO, nest(&END)),
    (CAMZONE_A_RULE_SERVICE, nest(&SERVICE)),
    (CAMZONE_A_RULE_TO_ADDRESS, binary(4, 16)),
    (CAMZONE_A_RULE_MASQUERADE, flag()),
    (CAMZONE_A_RULE_REJECT, flag()),
    (CAMZONE_A_RULE_ID, u64_any()),
]);

/// The attributes of a `policy-begin`.
pub(super) static BEGIN: Table<{ size(CAMZONE_A_SAVED) }> = Table::new(&[
    (CAMZONE_A_DEFAULTS, nest(&DEFAULTS)),
    (CAMZONE_A_FORWARDING, flag()),
    (CAMZONE_A_SAVED, nest(&SAVED)),
]);

/// The attributes of a `policy-add`.
pub(super) static ADD: Table<{ size(CAMZONE_A_RULE) }> = Table::new(&[
    (CAMZONE_A_ZONE, nest(&ZONE)),
    (CAMZONE_A_CAMERA, nest(&CAMERA)),
    (CAMZONE_A_RULE, nest(&RULE)),
]);

/// The attributes of a `policy-commit`.
pub(super) static COMMIT: Table<{ size(CAMZONE_A_CHECK) }> =
    Table::new(&[(CAMZONE_A_GENERATION, u32_any()), (CAMZONE_A_CHECK, flag())]);
