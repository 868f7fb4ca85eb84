//! The house rules, read from the sources: layers, sizes, what only `src/world` may name, where `unsafe`
//! is, what every folder must say of itself, and the shape of a value.

#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // tests reach outside themselves

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

const LINES_MAX: usize = 600;
const FUNCTION_LINES_MAX: usize = 70;
const HEAD_LINES_MAX: usize = 40;

/// Who may import whom: a row names only rows above it. Where this differs from the plan: `sandbox` and
/// `report` are not built yet. `vm` reads the call signature of natives, whose tables are `stdlib`'s, so
/// `stdlib` is above `vm` and `vm` gets its rows as a value. `process` makes classes and functions from
/// bytes, which is the `vm`'s work.
const LAYERS: &[(&str, &[&str])] = &[
    ("source", &[]),
    ("trace", &["source"]),
    ("syntax", &["source"]),
    ("bytecode", &["source"]),
    ("compile", &["source", "syntax", "bytecode"]),
    ("world", &["source", "trace"]),
    ("gil", &["trace", "world"]),
    ("object", &["source", "bytecode", "gil"]),
    ("nogil", &["source", "syntax", "bytecode", "object"]),
    ("vm", &["source", "trace", "world", "gil", "bytecode", "object"]),
    ("process", &["source", "trace", "world", "gil", "bytecode", "object", "vm"]),
    ("stdlib", &["source", "world", "gil", "bytecode", "object", "nogil", "vm", "process"]),
    (
        "engine",
        &["source", "trace", "syntax", "bytecode", "compile", "world", "gil", "object", "vm", "process", "stdlib"],
    ),
    ("explore", &["source", "trace", "world", "gil", "engine"]),
    (
        "cli",
        &[
            "source", "trace", "syntax", "bytecode", "compile", "world", "gil", "object", "vm", "process", "stdlib",
            "engine", "explore",
        ],
    ),
];

/// Functions that may be long, and why.
const LONG_FUNCTIONS: &[(&str, &str, &str)] = &[
    ("vm/run/main_loop.rs", "run_loop", "the one dispatch match: an arm for each instruction"),
    ("vm/run/rare.rs", "statements", "the rest of the dispatch match, off the hot path"),
    ("vm/run/rare.rs", "names", "the rest of the dispatch match, off the hot path"),
    ("vm/run/rare.rs", "display", "the rest of the dispatch match, off the hot path"),
    ("vm/ops/iter.rs", "step", "one match: an arm for each kind of iterator"),
    ("nogil/run.rs", "go", "one dispatch match: an arm for each instruction"),
    ("syntax/dump.rs", "expr", "one match: an arm for each kind of expression"),
];

/// Files that may be long, and why.
const LONG_FILES: &[(&str, &str)] = &[];

/// What only `src/world` names, and what to use instead.
const BANNED: &[(&str, &str)] = &[
    ("std::time", "Held::now, a deadline of a wait"),
    ("std::thread", "Held::spawn, world::thread"),
    ("std::fs", "world::host, world::file"),
    ("std::process", "world::host"),
    ("std::env", "world::host"),
    ("std::net", "world::net"),
    ("std::io::stdin", "world::host::read_stdin"),
    ("std::io::stdout", "world::out"),
    ("std::io::stderr", "world::out::error"),
    ("io::stdin()", "world::host::read_stdin"),
    ("io::stdout()", "world::out"),
    ("io::stderr()", "world::out::error"),
    ("println!", "world::out"),
    ("print!(", "world::out"),
    ("eprintln!", "world::out::error"),
    ("eprint!", "world::out::error"),
    ("std::collections::HashMap", "hashbrown with a fixed seed, IndexMap or BTreeMap: order must repeat"),
    ("std::collections::HashSet", "hashbrown with a fixed seed, IndexSet or BTreeSet: order must repeat"),
    ("RandomState", "foldhash::fast::FixedState"),
    (" rand::", "Held::draw, world::random"),
    ("SystemTime", "Held::now"),
    ("Instant::now", "Held::now"),
];

/// Where `unsafe` may stand.
const UNSAFE: &[(&str, &str)] = &[
    ("gil/held.rs", "the token"),
    ("object/heap.rs", "the counted pointer"),
    ("object/heap/share.rs", "the counted pointer with the lock off"),
    ("object/instance.rs", "the block that heap.rs lays out for instances"),
    ("vm/run/main_loop.rs", "the loop"),
    ("vm/run/fast.rs", "the loop's inlined helpers"),
    ("vm/rows.rs", "registers and frames in one block"),
    ("world/alloc.rs", "the allocator"),
    ("world/clock.rs", "reading clocks"),
    ("world/host.rs", "the end of the process"),
    ("world/shared.rs", "messages where they lie"),
    ("world/template.rs", "forking the template"),
    ("world/thread.rs", "starting a thread"),
];

struct Source {
    /// Below `src`, with slashes.
    path: String,
    text: String,
}

impl Source {
    /// The first folder, or the file's own name at the top.
    fn layer(&self) -> &str {
        self.path.split('/').next().unwrap_or_default().trim_end_matches(".rs")
    }

    /// Lines without strings' contents and comments, numbered from 1, up to the file's tests.
    fn code(&self) -> Vec<(usize, String)> {
        let mut lines = Vec::new();
        for (number, line) in strip(&self.text).lines().enumerate() {
            if line.trim() == "#[cfg(test)]"
                && self.text.lines().nth(number + 1).is_some_and(|l| l.trim_end().ends_with('{'))
            {
                break;
            }
            lines.push((number + 1, line.to_string()));
        }
        lines
    }
}

fn files(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, extension, found);
        } else if path.extension().is_some_and(|e| e == extension) {
            found.push(path);
        }
    }
    found.sort();
}

fn sources() -> Vec<Source> {
    let src = Path::new(ROOT).join("src");
    let mut found = Vec::new();
    files(&src, "rs", &mut found);
    assert!(found.len() > 50, "the sources are found");
    let read = |path: PathBuf| Source {
        path: path.strip_prefix(&src).expect("below src").to_string_lossy().replace('\\', "/"),
        text: fs::read_to_string(&path).expect("readable source"),
    };
    found.into_iter().map(read).collect()
}

/// Replaces comments and the contents of string and character literals by spaces; keeps line ends.
fn strip(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut i = 0;
    while i < chars.len() {
        let end = match chars[i] {
            '/' if chars.get(i + 1) == Some(&'/') => {
                (i..chars.len()).find(|&j| chars[j] == '\n').unwrap_or(chars.len())
            }
            '/' if chars.get(i + 1) == Some(&'*') => after(&chars, i + 2, "*/"),
            'r' if is_raw(&chars, i) => {
                let hashes = (i + 1..chars.len()).take_while(|&j| chars[j] == '#').count();
                after(&chars, i + 2 + hashes, &format!("\"{}", "#".repeat(hashes)))
            }
            '"' => quoted(&chars, i, '"'),
            '\'' if chars.get(i + 1) == Some(&'\\') || chars.get(i + 2) == Some(&'\'') => quoted(&chars, i, '\''),
            _ => {
                out.push(chars[i]);
                i += 1;
                continue;
            }
        };
        for &c in &chars[i..end] {
            out.push(if c == '\n' { '\n' } else { ' ' });
        }
        i = end;
    }
    out
}

fn is_raw(chars: &[char], i: usize) -> bool {
    let before = i.checked_sub(1).map(|j| chars[j]);
    let word = before.is_some_and(|c| c.is_alphanumeric() && c != 'b' || c == '_');
    let rest = (i + 1..chars.len()).find(|&j| chars[j] != '#');
    !word && rest.is_some_and(|j| chars[j] == '"')
}

fn after(chars: &[char], from: usize, end: &str) -> usize {
    let end: Vec<char> = end.chars().collect();
    (from..chars.len()).find(|&j| chars[j..].starts_with(&end)).map_or(chars.len(), |j| j + end.len())
}

fn quoted(chars: &[char], start: usize, quote: char) -> usize {
    let mut i = start + 1;
    while i < chars.len() && chars[i] != quote {
        i += if chars[i] == '\\' { 2 } else { 1 };
    }
    (i + 1).min(chars.len())
}

fn report(what: &str, wrong: &[String]) {
    assert!(wrong.is_empty(), "{what}:\n  {}", wrong.join("\n  "));
}

#[test]
fn layers() {
    let table: BTreeMap<&str, &[&str]> = LAYERS.iter().copied().collect();
    for (at, (name, below)) in LAYERS.iter().enumerate() {
        let above: Vec<&str> = LAYERS[..at].iter().map(|l| l.0).collect();
        assert!(below.iter().all(|b| above.contains(b)), "{name} names a row that is not above it");
    }
    let mut wrong = Vec::new();
    for source in sources() {
        let layer = source.layer();
        if layer == "lib" || layer == "main" {
            continue;
        }
        let Some(allowed) = table.get(layer) else {
            wrong.push(format!("src/{}: folder {layer} is not in the table of layers", source.path));
            continue;
        };
        for (line, text) in source.code() {
            for used in text.split("crate::").skip(1) {
                let used: String = used.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                let known = table.contains_key(used.as_str());
                if known && used != layer && !allowed.contains(&used.as_str()) {
                    wrong.push(format!("src/{}:{line}: {layer} may not import {used}", source.path));
                }
            }
        }
    }
    report("imports against the table of layers", &wrong);
}

#[test]
fn one_door_to_the_world() {
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|s| s.layer() != "world") {
        for (line, text) in source.code() {
            for (name, instead) in BANNED {
                if text.contains(name) {
                    wrong.push(format!("src/{}:{line}: {name} belongs to src/world; use {instead}", source.path));
                }
            }
        }
    }
    report("only src/world reaches outside", &wrong);
}

#[test]
fn the_unsafe_fence() {
    let mut wrong = Vec::new();
    for source in sources() {
        let allowed = UNSAFE.iter().any(|(path, _)| source.path == *path);
        for (line, text) in source.code() {
            let mut words = text.split(|c: char| !(c.is_alphanumeric() || c == '_'));
            if words.any(|w| w == "unsafe") && !allowed {
                wrong.push(format!("src/{}:{line}: unsafe outside the fence", source.path));
            }
        }
    }
    report("unsafe has few homes", &wrong);
}

#[test]
fn sizes() {
    let mut wrong = Vec::new();
    for source in sources() {
        let lines = source.text.lines().count();
        let reason = LONG_FILES.iter().any(|(path, _)| *path == source.path);
        if lines > LINES_MAX && !reason {
            wrong.push(format!("src/{}: {lines} lines, {LINES_MAX} at most", source.path));
        }
        for (name, line, length) in functions(&source) {
            let reason = LONG_FUNCTIONS.iter().any(|(path, f, _)| *path == source.path && *f == name);
            if length > FUNCTION_LINES_MAX && !reason {
                wrong.push(format!(
                    "src/{}:{line}: fn {name} has {length} lines, {FUNCTION_LINES_MAX} at most",
                    source.path
                ));
            }
        }
    }
    report("files and functions stay small", &wrong);
}

/// Name, first line and length of each function.
fn functions(source: &Source) -> Vec<(String, usize, usize)> {
    let lines = source.code();
    let mut found = Vec::new();
    for (at, (number, text)) in lines.iter().enumerate() {
        let Some(rest) = text.trim_start().split_once("fn ").filter(|(before, _)| {
            before.split_whitespace().all(|w| {
                w.starts_with("pub") || ["const", "unsafe", "extern", "async", "in"].contains(&w) || w.ends_with(')')
            })
        }) else {
            continue;
        };
        let name: String = rest.1.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        let mut depth = 0;
        for (end, (last, body)) in lines[at..].iter().enumerate() {
            depth += body.matches('{').count() as i64 - body.matches('}').count() as i64;
            let declared = end == 0 && body.trim_end().ends_with(';');
            if declared || (depth == 0 && body.contains('}')) {
                found.push((name, *number, last - number + 1));
                break;
            }
        }
    }
    found
}

#[test]
fn every_folder_says_what_it_is() {
    let mut wrong = Vec::new();
    for source in sources() {
        let head = source.text.lines().take_while(|l| l.starts_with("//!")).count();
        let must = source.path.ends_with("mod.rs") || source.path == "lib.rs";
        if must && head == 0 {
            wrong.push(format!("src/{}: opens without //!", source.path));
        }
        if must && head > HEAD_LINES_MAX {
            wrong.push(format!("src/{}: {head} lines of //!, {HEAD_LINES_MAX} at most", source.path));
        }
        if !must && head == 0 && !source.path.ends_with("tests.rs") {
            wrong.push(format!("src/{}: does not say what it is", source.path));
        }
    }
    report("a file opens with what it is about", &wrong);
}

#[test]
fn no_file_is_left_over() {
    let all = sources();
    let mut reached: BTreeSet<String> = ["lib.rs", "main.rs"].map(String::from).into();
    for source in &all {
        let folder = match source.path.rsplit_once('/') {
            Some((folder, "mod.rs")) => format!("{folder}/"),
            Some((folder, file)) => format!("{folder}/{}/", file.trim_end_matches(".rs")),
            None if source.path == "lib.rs" || source.path == "main.rs" => String::new(),
            None => format!("{}/", source.path.trim_end_matches(".rs")),
        };
        for line in strip(&source.text).lines() {
            let mut words = line
                .trim()
                .trim_end_matches(';')
                .split_whitespace()
                .skip_while(|w| w.starts_with("pub") || w.ends_with(')'));
            if words.next() == Some("mod") {
                let name = words.next().unwrap_or_default();
                reached.insert(format!("{folder}{name}.rs"));
                reached.insert(format!("{folder}{name}/mod.rs"));
            }
        }
    }
    let left = all.iter().filter(|s| !reached.contains(&s.path));
    report("files that no mod line reaches", &left.map(|s| format!("src/{}", s.path)).collect::<Vec<_>>());
}

#[test]
fn nothing_is_left_for_later_in_silence() {
    // Written apart, or this file would find itself.
    let words = [concat!("to", "do!"), concat!("unimpl", "emented!"), concat!("FIX", "ME"), concat!("TO", "DO")];
    let mut wrong = Vec::new();
    let mut found = Vec::new();
    for folder in ["src", "tests", "benches", "grammar"] {
        for extension in ["rs", "kit", "lalrpop"] {
            files(&Path::new(ROOT).join(folder), extension, &mut found);
        }
    }
    for path in found {
        let text = fs::read_to_string(&path).expect("readable source");
        for (number, line) in text.lines().enumerate() {
            // An example that must not compile may leave its body open.
            let example = line.trim_start().starts_with("///");
            if !example && words.iter().any(|w| line.contains(w)) {
                wrong.push(format!("{}:{}: {}", path.display(), number + 1, line.trim()));
            }
        }
    }
    report("work that is left open", &wrong);
}

/// The optimiser keeps a value in two registers only while every payload is one integer-class word; no
/// size can tell. The shape is compiled by itself, as `object/value.rs` declares it, and the emitted
/// code is asked.
#[test]
fn a_value_travels_in_two_registers() {
    let declared = fs::read_to_string(Path::new(ROOT).join("src/object/value.rs")).expect("value.rs");
    let start = declared.find("pub enum Value {").expect("the declaration of Value");
    let above: Vec<&str> = declared[..start].lines().rev().take_while(|l| l.starts_with("#[")).collect();
    assert!(above.contains(&"#[repr(u64)]"), "the tag is a word of its own: {above:?}");
    let end = start + declared[start..].find("\n}").expect("its end") + 2;
    let probe = format!(
        "#![crate_type = \"lib\"]\n\
         pub struct Ref(std::ptr::NonNull<u64>);\n\
         impl Clone for Ref {{ fn clone(&self) -> Ref {{ unsafe {{ *self.0.as_ptr() += 1; }} Ref(self.0) }} }}\n\
         #[repr(transparent)] #[derive(Clone, Copy)] pub struct FBits(pub u64);\n\
         #[derive(Clone, Default)] #[repr(u64)]\n{}\n\
         #[unsafe(no_mangle)] #[inline(never)] pub fn probe(v: &Value) -> Value {{ v.clone() }}\n",
        &declared[start..end]
    );
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (source, listing) = (folder.join("value_probe.rs"), folder.join("value_probe.ll"));
    fs::write(&source, probe).expect("a place for the probe");
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_string());
    let mut command = Command::new(rustc);
    command.args(["--edition", "2024", "-O", "--emit", "llvm-ir", "-o"]).arg(&listing).arg(&source);
    let output = command.output().expect("rustc runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let ir = fs::read_to_string(listing).expect("the listing");
    let signature =
        ir.lines().find(|l| l.starts_with("define") && l.contains("@probe(")).expect("the probe in the listing");
    // The payload's word is i64 or ptr, as the optimiser sees it; both are integer registers.
    let two = ["{ i64, i64 }", "{ i64, ptr }"].iter().any(|shape| signature.contains(shape));
    assert!(two, "a value does not come back in two registers: {signature}");
    assert!(!signature.contains("sret"), "a value comes back through memory: {signature}");
}

#[test]
fn sizes_of_value_and_instruction() {
    assert_eq!(size_of::<kit::object::Value>(), 16);
    assert_eq!(size_of::<Option<kit::object::Ref>>(), 8);
    assert_eq!(size_of::<kit::bytecode::Instr>(), 8);
}

/// `print("…")` in these words' own tests: the stripper must not be fooled.
#[test]
fn the_stripper_knows_strings_and_comments() {
    let text = "let a = \"std::fs\"; // std::env\nlet b = r#\"un\"safe\"#; /* unsafe\n */ let c = '\"'; let d: &'static str = \"x\\\"y\";";
    let stripped = strip(text);
    assert_eq!(stripped.lines().count(), text.lines().count());
    for gone in ["std::fs", "std::env", "safe", "unsafe", "x"] {
        assert!(!stripped.contains(gone), "{gone} in {stripped}");
    }
    assert!(stripped.contains("&'static str"));
}
