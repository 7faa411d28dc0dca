// SPDX-License-Identifier: GPL-2.0

//! Tells the tests what they are built on, for the C compiler.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!(
        "cargo:rustc-env=HOST_TARGET={}",
        std::env::var("TARGET").unwrap()
    );
}
