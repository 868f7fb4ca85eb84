//! What the commands that run a script many times (`sweep`, `compare`) have in common.

use super::{USAGE, colour, complain};
use crate::engine::{self, Config, Script, config};
use crate::explore::chart::{self, Chart};
use crate::explore::sweep::Failure;
use crate::gil::{GilConfig, World};
use crate::world::{Nanos, host, out, terminal};

/// The configuration of each run. `what` is what the command does.
pub fn config(what: &str, script: &str, args: &[String], gil: GilConfig) -> Result<Config, String> {
    if script == "-" {
        return Err(format!("{what} runs its script many times: it must be a file, not standard input"));
    }
    let argv = std::iter::once(script).chain(args.iter().map(String::as_str)).map(str::to_string).collect();
    Ok(Config {
        script: Script::File(script.into()),
        argv,
        params: Vec::new(),
        gil,
        every_safe_point: false,
        stats: false,
        trace: None,
        counts: None,
        sim_fs: config::sim_fs(None)?,
        colour: colour(out::error_is_terminal()),
    })
}

pub fn world(sim: bool) -> World {
    if sim { World::Sim { seed: None } } else { World::Real }
}

/// Runs of each combination, and the seed of the first.
pub fn repeats(sim: bool, repeat: Option<u32>, seed: Option<u64>) -> (usize, Option<u64>) {
    let repeat = repeat.unwrap_or(if sim { 1 } else { 5 }) as usize;
    (repeat, seed.or((sim && repeat > 1).then_some(1)))
}

/// Reads `--timeout`.
pub fn limit(timeout: f64) -> Result<Nanos, String> {
    if !timeout.is_finite() || timeout <= 0.0 {
        return Err("--timeout is a number of seconds above 0".to_string());
    }
    Ok((timeout * 1e9) as Nanos)
}

/// What is to be done, or the exit code: flags that do not fit, or a script that does not compile. The latter would
/// fail in the first run; said here, it reads as for `kit run`.
pub fn begin<P>(prepared: Result<(Config, P), String>) -> Result<(Config, P), i32> {
    let (config, plan) = prepared.map_err(|text| {
        complain(&text);
        USAGE
    })?;
    match engine::compile(&config.script, false) {
        Ok(_) => Ok((config, plan)),
        Err(e) => {
            out::error(e.render(config.colour).as_bytes());
            Err(e.code())
        }
    }
}

/// Whether a line of progress on standard error would be seen, and not be in the way.
pub fn shows_progress() -> bool {
    out::error_is_terminal() && host::env_var("TERM").is_none_or(|v| v != "dumb")
}

/// The failed run, and what it printed. Gives the exit code.
pub fn tell(failure: &Failure) -> i32 {
    complain(&failure.text);
    for (name, bytes) in [("standard output", &failure.stdout), ("standard error", &failure.stderr)] {
        if !bytes.is_empty() {
            let end = if bytes.ends_with(b"\n") { "" } else { "\n" };
            out::error(format!("--- its {name} ---\n").as_bytes());
            out::error(bytes);
            out::error(end.as_bytes());
        }
    }
    1
}

/// A chart for the terminal.
pub fn drawn(chart: &Chart) -> String {
    let width = terminal::width().unwrap_or(80).clamp(40, 120);
    format!("\n{}", chart::text(chart, width))
}

/// Writes a chart as SVG if that was asked for; `axis` is what a chart needs two of. Gives the exit code.
pub fn write_svg(path: Option<&str>, chart: Option<&Chart>, axis: &str) -> i32 {
    let Some(path) = path else { return 0 };
    let Some(chart) = chart else {
        complain(&format!("there is nothing to draw: a chart needs two {axis} or more"));
        return USAGE;
    };
    let written = chart::svg(chart).and_then(|svg| {
        host::write_file(path.as_ref(), svg.as_bytes(), false).map_err(|e| format!("can't write '{path}': {e}"))
    });
    match written {
        Ok(()) => 0,
        Err(text) => {
            complain(&text);
            1
        }
    }
}
