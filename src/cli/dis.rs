//! `kit dis`: the bytecode of a script.

use super::run::SafePoints;
use super::{colour, safe_points, say};
use crate::bytecode::disassemble::disassemble;
use crate::engine::{self, Script};
use crate::world::out;

const LEGEND: &str = "\
Columns: source line, safe point, address, instruction, operands. A * marks an instruction that looks
whether another thread has asked for the lock.

Examples:
  kit dis dinner.kit                    the bytecode
  kit dis --where dinner.kit            the lines at which a thread can lose the lock";

/// The flags of `kit dis`.
#[derive(clap::Args)]
#[command(after_help = LEGEND)]
pub struct Args {
    /// The script
    #[arg(value_name = "FILE", required_unless_present = "code")]
    script: Option<String>,
    /// Show this code instead of a file
    #[arg(short = 'c', value_name = "CODE", allow_hyphen_values = true, conflicts_with = "script")]
    code: Option<String>,
    /// Show the source instead, with the lines marked where a thread can lose the lock, and how
    #[arg(long = "where")]
    lost: bool,
    /// As for `kit run`
    #[arg(long, value_name = "WHERE", default_value = "default")]
    safe_points: SafePoints,
}

/// Prints the listing.
pub fn run(args: Args) -> i32 {
    let script = match args.code {
        Some(code) => Script::Text { name: "<string>".to_string(), bytes: code.into_bytes() },
        None => Script::File(args.script.unwrap_or_default().into()),
    };
    match engine::compile(&script, args.safe_points == SafePoints::Every) {
        Ok(code) => {
            say(&if args.lost { safe_points::annotated(&code) } else { disassemble(&code) });
            0
        }
        Err(e) => {
            out::error(e.render(colour(out::error_is_terminal())).as_bytes());
            e.code()
        }
    }
}
