//! Generates the parser from `grammar/kit.lalrpop`; nothing else happens at build time.

#[allow(clippy::disallowed_methods)] // the build script asks cargo
fn main() {
    println!("cargo::rerun-if-changed=grammar/kit.lalrpop");
    lalrpop::Configuration::new()
        .set_in_dir("grammar")
        .set_out_dir(std::env::var("OUT_DIR").expect("cargo sets OUT_DIR"))
        .emit_rerun_directives(false)
        .process()
        .expect("the grammar has no conflicts");
}
