//! `kit policies`: the table of lock policies.

use super::say;
use crate::gil::policy::{POLICIES, Unit};
use std::fmt::Write;

/// `kit policies` has no flags.
#[derive(clap::Args)]
pub struct Args {}

/// Prints each row with its slice and text.
pub fn run(_: Args) -> i32 {
    let mut text = String::from("Lock policies, for --gil and KIT_GIL:\n");
    for (i, row) in POLICIES.iter().enumerate() {
        let slice = match row.unit {
            Unit::Microseconds => format!("switch interval {} us, set with --switch-interval", row.slice),
            Unit::Checks => format!("check interval {} safe points, set with --switch-interval", row.slice),
            Unit::None => "no switch interval".to_string(),
        };
        let default = if i == 0 { " (the default)" } else { "" };
        let _ = writeln!(text, "\n{}{default}: {slice}", row.name);
        for line in row.doc.lines() {
            let _ = writeln!(text, "    {}", line.trim());
        }
    }
    say(&text);
    0
}
