//! Has the linker leave in the program where its data is and which code and data name it, for
//! whoever parts the built page (`xtask/src/split/places.rs`), and takes it out. Changes nothing that
//! runs. wasm-opt warns of it: code that it rewrites is no longer where the linker says; that part
//! nobody reads.

#[expect(clippy::disallowed_methods, reason = "cargo tells a build script by its environment")]
fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_ARCH").is_ok_and(|it| it == "wasm32") {
        println!("cargo:rustc-link-arg-bins=--emit-relocs");
    }
}
