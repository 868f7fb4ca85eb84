//! Generates the parser from `grammar/kit.lalrpop`, and links the program so that it starts fast.
#![allow(clippy::disallowed_methods)] // the build script asks cargo and the C compiler

use std::path::{Path, PathBuf};
use std::process::Command;

/// The system's libraries that Rust's standard library names at the link.
const SYSTEM: [&str; 7] = ["gcc_s", "util", "rt", "pthread", "m", "dl", "c"];

fn main() {
    println!("cargo::rerun-if-changed=grammar/kit.lalrpop");
    let out = PathBuf::from(std::env::var("OUT_DIR").expect("cargo sets OUT_DIR"));
    lalrpop::Configuration::new()
        .set_in_dir("grammar")
        .set_out_dir(&out)
        .emit_rerun_directives(false)
        .process()
        .expect("the grammar has no conflicts");
    // A program that may lie anywhere has its tables of pointers patched at each start: 60 pages, a
    // millisecond. Only GNU's tools are told so.
    let var = |what: &str| std::env::var(what).unwrap_or_default();
    let gnu = var("CARGO_CFG_TARGET_OS") == "linux" && var("CARGO_CFG_TARGET_ENV") == "gnu";
    if gnu && var("PROFILE") == "release" {
        println!("cargo::rustc-link-arg-bins=-no-pie");
        if var("HOST") == var("TARGET") && archives(&out).is_some() {
            println!("cargo::rustc-link-arg-bins=-L{}", out.display());
            println!("cargo::rustc-link-arg-bins=-static");
        }
    }
}

/// Where the C library can be had as archives, the program needs no loader: it starts half a millisecond
/// sooner and is a megabyte smaller in memory. Cargo has no setting for "if there": so each library that
/// would be loaded gets a linker script of its name, found first, that names the archive. None: as usual.
fn archives(out: &Path) -> Option<()> {
    let scripts: Option<Vec<_>> = SYSTEM.iter().map(|lib| Some((lib, archive(lib)?))).collect();
    for (lib, script) in scripts? {
        std::fs::write(out.join(format!("lib{lib}.a")), script).ok()?;
    }
    Some(())
}

fn archive(lib: &str) -> Option<String> {
    let file = |name: &str| {
        let found = Command::new("cc").arg(format!("-print-file-name={name}")).output().ok()?;
        // A name that comes back as it went was not found.
        let path = String::from_utf8(found.stdout).ok()?.trim().to_owned();
        Path::new(&path).is_absolute().then_some(path)
    };
    Some(match lib {
        "gcc_s" => format!("GROUP ( {} {} )\n", file("libgcc_eh.a")?, file("libgcc.a")?),
        // gcc_eh asks the C library, which asks gcc.
        "c" => format!("GROUP ( {} {} {} )\n", file("libc.a")?, file("libgcc_eh.a")?, file("libgcc.a")?),
        other => format!("GROUP ( {} )\n", file(&format!("lib{other}.a"))?),
    })
}
