//! `kit policies`: the table of lock policies.

use super::say;
use crate::gil::policy::{POLICIES, Unit, slice_text};
use std::fmt::Write;

/// `kit policies` has no flags.
#[derive(clap::Args)]
pub struct Args {}

/// Prints each row with its slice and text.
pub fn run(_: Args) -> i32 {
    let mut text = String::from("Lock policies, for --gil and KIT_GIL:\n");
    for (i, row) in POLICIES.iter().enumerate() {
        let set = if row.unit == Unit::None { "" } else { "; set with --switch-interval" };
        let slice = slice_text(row.unit, row.slice);
        let default = if i == 0 { " (the default)" } else { "" };
        let _ = writeln!(text, "\n{}{default}: {slice}{set}", row.name);
        for line in row.doc.lines() {
            let _ = writeln!(text, "    {}", line.trim());
        }
    }
    say(&text);
    0
}
