//! `kit timeline`: what a run's threads did and who had the lock, as a picture.

use super::{USAGE, colour, complain, run, say};
use crate::engine;
use crate::explore::timeline::{Style, html, svg, text, why};
use crate::explore::trace::{self, Timeline};
use crate::world::{host, out, terminal};

const EXAMPLES: &str = "\
A script is run (what it prints comes first), a trace is read. Each thread has a row,
the lock one with the letter of its holder; `!` marks requests to let go, `▲` the script's kit.mark(text). Two
files are shown one under the other with the same scale.

Examples:
  kit timeline dinner.kit               run it and show what happened
  kit timeline --sim dinner.kit 1       in virtual time, with an argument for the script
  kit timeline --why dinner.kit         and who waited longest for the lock, and why
  kit run --trace a.json dinner.kit     keep a trace; it opens in Perfetto, too
  kit timeline a.json b.json            two runs
  kit timeline a.json --svg a.svg --html a.html

Exit codes: 0 fine, 1 a file cannot be read or written, 2 usage, else that of the script.";

/// The flags of `kit timeline`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// A script, or one or two traces (.json)
    #[arg(value_name = "FILE", required = true)]
    file: String,
    /// A second trace; of a script what it finds in sys.argv[1:]
    #[arg(value_name = "FILE or ARGS", trailing_var_arg = true, allow_hyphen_values = false)]
    rest: Vec<String>,
    /// Say of the N longest waits for the lock who held it and why
    #[arg(long, value_name = "N", num_args = 0..=1, require_equals = true, default_missing_value = "5")]
    why: Option<usize>,
    /// Write a picture
    #[arg(long, value_name = "OUT")]
    svg: Option<String>,
    /// Write a page to zoom and point at, in one file
    #[arg(long, value_name = "OUT")]
    html: Option<String>,
    /// Lock policy; `kit policies` lists them [default: fifo]
    #[arg(long, value_name = "POLICY")]
    gil: Option<String>,
    /// As for `kit run` [default: 5ms]
    #[arg(long, value_name = "TIME")]
    switch_interval: Option<String>,
    /// Run in virtual time
    #[arg(long)]
    sim: bool,
    /// Draw in simulation what the system would leave to chance
    #[arg(long, value_name = "N", requires = "sim")]
    seed: Option<u64>,
    /// A value for `kit.param(NAME, default)`
    #[arg(long, value_name = "NAME=VALUE")]
    param: Vec<String>,
}

/// Reads or runs, shows; gives the exit code.
pub fn run(args: Args) -> i32 {
    let (timelines, code) = match timelines(&args) {
        Ok(both) => both,
        Err((text, code)) => {
            if !text.is_empty() {
                complain(&text);
            }
            return code;
        }
    };
    let all: Vec<&Timeline> = timelines.iter().collect();
    let width = terminal::width().unwrap_or(80).clamp(40, 400);
    let mut shown = text(&all, Style { width, colour: colour(out::is_terminal()) });
    if let Some(count) = args.why {
        for t in &all {
            shown.push('\n');
            shown.push_str(&why(t, count.max(1), width));
        }
    }
    say(&shown);
    for (path, picture) in [(&args.svg, svg as fn(&[&Timeline]) -> String), (&args.html, html)] {
        if let Some(path) = path
            && let Err(e) = host::write_file(path.as_ref(), picture(&all).as_bytes(), false)
        {
            complain(&format!("can't write '{path}': {e}"));
            return 1;
        }
    }
    code
}

fn is_trace(file: &str) -> bool {
    file.ends_with(".json")
}

/// The timelines, and the exit code of the script if one was run.
fn timelines(args: &Args) -> Result<(Vec<Timeline>, i32), (String, i32)> {
    if !is_trace(&args.file) {
        return traced(args);
    }
    let files: Vec<&String> = std::iter::once(&args.file).chain(&args.rest).collect();
    if files.len() > 2 || !files.iter().all(|f| is_trace(f)) {
        return Err(("after a trace there may be one more trace (.json), nothing else".to_string(), USAGE));
    }
    let of_run = [args.gil.is_some(), args.switch_interval.is_some(), args.sim, !args.param.is_empty()];
    if of_run.contains(&true) {
        return Err((
            "a trace is not run: --gil, --switch-interval, --sim and --param are for scripts".to_string(),
            USAGE,
        ));
    }
    let read = |file: &&String| {
        let bytes = host::read_file(file.as_ref()).map_err(|e| (format!("can't read '{file}': {e}"), 1))?;
        trace::read(&bytes).map_err(|e| (format!("'{file}': {e}"), 1))
    };
    Ok((files.iter().map(read).collect::<Result<_, _>>()?, 0))
}

fn traced(args: &Args) -> Result<(Vec<Timeline>, i32), (String, i32)> {
    let mut flags = run::Args::of(args.file.clone(), args.rest.clone());
    flags.gil.clone_from(&args.gil);
    flags.switch_interval.clone_from(&args.switch_interval);
    (flags.sim, flags.seed) = (args.sim, args.seed);
    flags.param.clone_from(&args.param);
    let mut config = run::configure(flags).map_err(|text| (text, USAGE))?;
    config.trace = Some(engine::tracing::folder());
    let outcome = engine::run(config).map_err(|e| (e.to_string(), 1))?;
    // What did not compile has said so.
    let traced = outcome.trace.ok_or((String::new(), outcome.code))?;
    traced.warnings.iter().for_each(|w| complain(&format!("warning: {w}")));
    Ok((vec![trace::timeline(&traced.recording, &args.file, traced.simulated)], outcome.code))
}
