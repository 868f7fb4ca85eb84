//! Generates the parser from `grammar/kit.lalrpop`, and links the program to a fixed address.

#[allow(clippy::disallowed_methods)] // the build script asks cargo
fn main() {
    println!("cargo::rerun-if-changed=grammar/kit.lalrpop");
    lalrpop::Configuration::new()
        .set_in_dir("grammar")
        .set_out_dir(std::env::var("OUT_DIR").expect("cargo sets OUT_DIR"))
        .emit_rerun_directives(false)
        .process()
        .expect("the grammar has no conflicts");
    // A program that may lie anywhere has its tables of pointers patched at each start: 60 pages, a
    // millisecond. Only GNU's tools are told so.
    let target = |what: &str| std::env::var(format!("CARGO_CFG_TARGET_{what}")).unwrap_or_default();
    if target("OS") == "linux" && target("ENV") == "gnu" && std::env::var("PROFILE").is_ok_and(|p| p == "release") {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
}
