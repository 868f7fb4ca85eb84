//! Generates the parser from `grammar/kit.lalrpop`, and links the program so that it starts fast.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // the build script asks cargo and the C compiler

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The system's libraries that Rust's standard library names at the link.
const SYSTEM: [&str; 7] = ["gcc_s", "util", "rt", "pthread", "m", "dl", "c"];

fn main() {
    println!("cargo::rerun-if-changed=grammar/kit.lalrpop");
    println!("cargo::rerun-if-changed=grammar/first.ld");
    println!("cargo::rerun-if-changed=grammar/later.ld");
    let out = PathBuf::from(std::env::var("OUT_DIR").expect("cargo sets OUT_DIR"));
    lalrpop::Configuration::new()
        .set_in_dir("grammar")
        .set_out_dir(&out)
        .emit_rerun_directives(false)
        .process()
        .expect("the grammar has no conflicts");
    let var = |what: &str| std::env::var(what).unwrap_or_default();
    let gnu = var("CARGO_CFG_TARGET_OS") == "linux" && var("CARGO_CFG_TARGET_ENV") == "gnu";
    if gnu && var("PROFILE") == "release" && var("HOST") == var("TARGET") {
        for arg in link_args(&out) {
            println!("cargo::rustc-link-arg-bins={arg}");
        }
    }
}

/// The arguments that this machine's linker takes, by trial; cargo has no setting for "if it can".
///
/// A fixed address: a program that may lie anywhere has its tables of pointers patched at each start, 60
/// pages, a millisecond. The order of functions: see first.ld and later.ld. No loader: half a millisecond and a megabyte.
fn link_args(out: &Path) -> Vec<String> {
    let folder = std::env::current_dir().expect("a build script has a folder").join("grammar");
    let order = ["first.ld", "later.ld"].map(|file| format!("-Wl,-T,{}", folder.join(file).display()));
    let placed = [vec!["-no-pie".to_string()], order.to_vec()].concat();
    let mut whole = placed.clone();
    whole.extend([format!("-L{}", out.display()), "-static".to_string()]);
    if archives(out).is_some() && links(out, &whole) {
        whole
    } else if links(out, &placed) {
        placed
    } else {
        vec![]
    }
}

/// Does a small program link and run with these arguments?
fn links(out: &Path, args: &[String]) -> bool {
    let (source, program) = (out.join("trial.c"), out.join("trial"));
    let quiet = |c: &mut Command| c.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|s| s.success());
    std::fs::write(&source, "int main(void) { return 0; }\n").is_ok()
        && quiet(Command::new("cc").arg(&source).arg("-o").arg(&program).args(args))
        && quiet(&mut Command::new(&program))
}

/// Each library that would be loaded gets a linker script of its name, found first, that names the archive.
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
