// SPDX-License-Identifier: GPL-2.0

//! What has to hold of any bytes that somebody else wrote. Each function panics if it does not,
//! and takes whatever a fuzzer comes up with.

mod answers;
mod attributes;
mod header;
mod policy_file;
pub mod seeds;

pub use self::{
    answers::answers, attributes::attributes, header::header, policy_file::policy_file,
};

/// One property.
pub type Target = fn(&[u8]);

/// All of them, by the name of the binary.
pub const TARGETS: [(&str, Target); 4] = [
    ("header", header),
    ("attributes", attributes),
    ("policy-file", policy_file),
    ("answers", answers),
];

/// The first byte, and the others.
fn first(bytes: &[u8]) -> (u8, &[u8]) {
    bytes.split_first().map_or((0, bytes), |(a, b)| (*a, b))
}

/// Asks for the same bytes alone in their allocation, and inside of others: what stands around
/// them must not count.
fn within<T: PartialEq + std::fmt::Debug>(bytes: &[u8], read: impl Fn(&[u8]) -> T) -> T {
    let alone = read(&bytes.to_vec().into_boxed_slice());
    let longer = [&[0xff; 3][..], bytes, &[0x3a; 64]].concat();
    let inside = read(&longer[3..3 + bytes.len()]);
    assert_eq!(inside, alone, "reads beyond {bytes:02x?}");
    alone
}
