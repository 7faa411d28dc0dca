// SPDX-License-Identifier: GPL-2.0

//! The digest of a policy and the ids of its rules, by the kernel's own SHA-256.
//!
//! C header: [`include/crypto/sha2.h`](srctree/include/crypto/sha2.h)

use crate::{
    bindings,
    memory::{
        Kernel,
        KernelList, //
    }, //
};
use camzone_policy::{
    attribute::WriteError,
    dump::{
        self,
        Item, //
    },
    memory::List,
    policy::Policy,
};

/// Bytes of a digest.
const SIZE: usize = bindings::SHA256_DIGEST_SIZE as usize;

/// A SHA-256 that is being computed.
///
/// # Invariants
///
/// `0` was initialized by `sha256_init`.
struct Sha256(bindings::sha256_ctx);

impl Sha256 {
    fn new() -> Self {
        let mut context = bindings::sha256_ctx::default();
        // SAFETY: The context is ours.
        unsafe { bindings::sha256_init(&mut context) };
        // INVARIANT: Initialized just now.
        Sha256(context)
    }

    fn update(&mut self, bytes: &[u8]) {
        // SAFETY: The context is initialized, and `bytes` is what it says.
        unsafe { bindings::__sha256_update(&mut self.0.ctx, bytes.as_ptr(), bytes.len()) };
    }

    fn finish(mut self) -> [u8; SIZE] {
        let mut digest = [0; SIZE];
        // SAFETY: The context is initialized, and there is room for the digest.
        unsafe { bindings::sha256_final(&mut self.0, digest.as_mut_ptr()) };
        digest
    }
}

/// The digest of a policy, and the id of each of its rules in the order of the rules.
pub(super) fn of(policy: &Policy<Kernel>) -> Result<([u8; SIZE], KernelList<u64>), WriteError> {
    let mut whole = Sha256::new();
    let mut ids: KernelList<u64> = List::new();
    let mut bytes: KernelList<u8> = List::new();
    let mut index = 0usize;
    while let Some(item) = dump::item(policy, index) {
        bytes.clear();
        dump::write(policy, item, None, &mut bytes)?;
        whole.update(&bytes);
        if matches!(item, Item::Rule(_)) {
            let mut one = Sha256::new();
            one.update(&bytes);
            let [a, b, c, d, e, f, g, h, ..] = one.finish();
            ids.push(u64::from_le_bytes([a, b, c, d, e, f, g, h]))?;
        }
        index = index.saturating_add(1);
    }
    Ok((whole.finish(), ids))
}
