//! `kit doc`: one builtin, explained from its row.

use super::natives::{group, sentence, shown_call, shown_name};
use super::{complain, say};
use crate::stdlib;
use crate::vm::NativeRow;
use std::fmt::Write;

/// The arguments of `kit doc`.
#[derive(clap::Args)]
pub struct Args {
    /// A function (`len`), a module's function (`time.sleep`), a method (`list.append`) or a module (`time`)
    name: String,
}

/// Prints the rows of that name; a module's or type's name prints all of its rows.
pub fn run(args: Args) -> i32 {
    let name = args.name.strip_prefix("builtins.").unwrap_or(&args.name);
    let all = stdlib::natives();
    let mut rows: Vec<&NativeRow> = all.iter().copied().filter(|r| shown_name(r) == name).collect();
    let mut text = String::new();
    if let Some(module) = stdlib::MODULES.iter().find(|m| m.name == name) {
        let _ = writeln!(text, "{}\n    {}\n", module.name, module.doc);
    }
    let mut members: Vec<&NativeRow> = all.iter().copied().filter(|r| group(r) == name).collect();
    members.sort_by_key(|r| r.name);
    rows.extend(members);
    if rows.is_empty() && text.is_empty() {
        complain(&unknown(name, &all));
        return 1;
    }
    let entries: Vec<String> = rows.iter().map(|row| entry(row)).collect();
    text.push_str(&entries.join("\n"));
    say(&text);
    0
}

fn entry(row: &NativeRow) -> String {
    let mut text = format!("{}\n", shown_call(row));
    for line in row.doc.lines() {
        let _ = writeln!(text, "    {}", line.trim());
    }
    let _ = writeln!(text, "    Lock: {}", sentence(row));
    text
}

/// Says what else the name may be, or which names are like it.
fn unknown(name: &str, all: &[&'static NativeRow]) -> String {
    let module = name.split('.').next().unwrap_or(name);
    let in_kit = |m: &str| stdlib::LIBRARY.iter().any(|l| l.name == m);
    if in_kit(name) || in_kit(module) {
        return format!(
            "module '{module}' is written in Kit, not native: src/stdlib/kit/{}.kit",
            module.replace('.', "_")
        );
    }
    let last = name.rsplit('.').next().unwrap_or(name);
    // What the library itself is made of is no advice.
    let shown = |r: &&&NativeRow| r.name == last && !r.module.starts_with('_');
    let mut like: Vec<String> = all.iter().filter(shown).map(|r| shown_name(r)).collect();
    like.sort();
    like.dedup();
    if like.is_empty() {
        return format!("no builtin '{name}'; `kit natives` lists them");
    }
    format!("no builtin '{name}'; did you mean {}?", like.join(", "))
}
