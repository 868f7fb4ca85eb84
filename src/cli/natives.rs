//! `kit natives`: the table of builtin functions, and how a row is shown.

use super::{complain, say};
use crate::stdlib;
use crate::vm::NativeRow;
use crate::vm::native::NativeFn;
use std::fmt::Write;

/// The arguments of `kit natives`.
#[derive(clap::Args)]
pub struct Args {
    /// Only this module (`time`) or type (`list`)
    module: Option<String>,
}

/// The rows of constructors stand in a module of their own; scripts see them as builtins.
const CONSTRUCTORS: &str = "new";

/// The module or type that a script would name.
pub fn group(row: &NativeRow) -> &'static str {
    if row.module == CONSTRUCTORS { "builtins" } else { row.module }
}

/// `time.sleep`, `list.append`, `len`.
pub fn shown_name(row: &NativeRow) -> String {
    if group(row) == "builtins" { row.name.to_string() } else { format!("{}.{}", row.module, row.name) }
}

/// The name with its parameters.
pub fn shown_call(row: &NativeRow) -> String {
    format!("{}({})", shown_name(row), row.signature)
}

/// Does this call release the lock?
pub fn sentence(row: &NativeRow) -> &'static str {
    match row.run {
        NativeFn::Holds(_) => {
            "Holds the lock for the whole call; another thread may get it when the call has returned."
        }
        NativeFn::Quick(_) => {
            "Holds the lock for the whole call, and does not look for waiting threads when it returns."
        }
        NativeFn::Waits(_) => "Releases the lock while it waits; if there is nothing to wait for, it keeps it.",
        NativeFn::Computes(_) => "Releases the lock while it computes.",
    }
}

/// Prints the rows by module, one line each.
pub fn run(args: Args) -> i32 {
    let mut rows: Vec<_> =
        stdlib::natives().into_iter().filter(|r| args.module.as_deref().is_none_or(|m| group(r) == m)).collect();
    if rows.is_empty() {
        complain(&format!("no native functions in '{}'; `kit natives` lists all", args.module.unwrap_or_default()));
        return 1;
    }
    rows.sort_by_key(|r| (group(r), r.name));
    let mut text = String::new();
    let mut last = "";
    for row in rows {
        if group(row) != last {
            let gap = if last.is_empty() { "" } else { "\n" };
            last = group(row);
            let _ = writeln!(text, "{gap}{last}");
        }
        let doc = row.doc.lines().next().unwrap_or_default().trim();
        let _ = writeln!(text, "  {:<8}  {:<40}  {doc}", row.run.kind(), shown_call(row));
    }
    text.push_str(
        "\nwaits: releases the lock while it waits. computes: releases it while it computes.\n\
         holds: keeps it. quick: keeps it, and no safe point follows.\n",
    );
    say(&text);
    0
}
