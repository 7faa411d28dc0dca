// SPDX-License-Identifier: GPL-2.0

//! libFuzzer's way into the target of this name.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| camzone_fuzz::answers(bytes));
