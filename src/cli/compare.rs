//! `kit compare`: the functions that a script marks with `@kit.variant`, timed in turns.

use super::sweep::tell;
use super::{USAGE, colour, complain, say};
use crate::engine::{self, Config, Script, config};
use crate::explore::chart;
use crate::explore::compare::{Comparison, Problem, Wish, compare};
use crate::gil::World;
use crate::world::{Nanos, host, out, terminal};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

const EXAMPLES: &str = "\
The script marks functions that do the same job in different ways:

    @kit.variant(\"serial\", sizes=[1, 2, 4])
    def serial(n): ...

    @kit.variant(\"threads\")
    def threads(n): ...

Each is called with each size in a fresh process, in turns; only the call is timed. The module's own code runs
each time before it, so keep it short. What the calls print is not shown.

Examples:
  kit compare work.kit                  a table, and a chart of time over size
  kit compare work.kit --sizes 1,2,4,8 --repeat 9 --svg work.svg
  kit compare work.kit --only serial,threads --gil cpython
  kit compare work.kit --sim            in virtual time

Exit codes: 0 fine, 1 a call failed or no valid script, 2 usage.";

/// The flags of `kit compare`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The script
    #[arg(value_name = "FILE")]
    script: String,
    /// What the script finds in sys.argv[1:]
    #[arg(value_name = "ARGS", last = true)]
    args: Vec<String>,
    /// Variants to compare [default: all]
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    only: Vec<String>,
    /// What the variants are called with [default: what the script says]
    #[arg(long, value_name = "N,…", value_delimiter = ',')]
    sizes: Vec<f64>,
    /// How often each is called [default: 5, with --sim 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    repeat: Option<u32>,
    /// Calls of each before, which do not count
    #[arg(long, value_name = "N", default_value_t = 0)]
    warmup: u32,
    /// Lock policy; `kit policies` lists them [default: fifo]
    #[arg(long, value_name = "POLICY")]
    gil: Option<String>,
    /// As for `kit run` [default: 5ms]
    #[arg(long, value_name = "TIME")]
    switch_interval: Option<String>,
    /// A value for `kit.param(NAME, default)`; may be given several times
    #[arg(long, value_name = "NAME=VALUE")]
    param: Vec<String>,
    /// Call them in virtual time
    #[arg(long)]
    sim: bool,
    /// Draw in simulation what the system would leave to chance, from seeds N, N+1, …
    #[arg(long, value_name = "N", requires = "sim")]
    seed: Option<u64>,
    /// Kill a call that takes longer, in seconds of real time
    #[arg(long, value_name = "SECONDS", default_value_t = 300.0)]
    timeout: f64,
    /// Write the chart as an SVG picture
    #[arg(long, value_name = "OUT")]
    svg: Option<String>,
    /// Print all figures as one JSON document
    #[arg(long)]
    json: bool,
}

/// Compares and prints; gives the exit code.
pub fn run(args: Args) -> i32 {
    let (config, wish) = match prepare(&args) {
        Ok(both) => both,
        Err(text) => {
            complain(&text);
            return USAGE;
        }
    };
    // What does not compile would fail in the first call; said here, it reads as for `kit run`.
    if let Err(e) = engine::compile(&config.script, false) {
        out::error(e.render(config.colour).as_bytes());
        return e.code();
    }
    let progress = out::error_is_terminal() && host::env_var("TERM").is_none_or(|v| v != "dumb");
    let bar = ProgressBar::with_draw_target(
        None,
        if progress { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() },
    );
    bar.set_style(ProgressStyle::with_template("{pos} calls, {elapsed}  {msg}").expect("the template is valid"));
    let done = compare(config, &wish, |what| {
        bar.inc(1);
        bar.set_message(what.to_string());
    });
    bar.finish_and_clear();
    match done {
        Ok(done) => show(&args, &done),
        Err(Problem::Usage(text)) => {
            complain(&text);
            USAGE
        }
        Err(Problem::Failed(failure)) => {
            tell(&failure);
            1
        }
    }
}

fn prepare(args: &Args) -> Result<(Config, Wish), String> {
    if args.script == "-" {
        return Err("a comparison runs its script many times: it must be a file, not standard input".to_string());
    }
    if !args.timeout.is_finite() || args.timeout <= 0.0 {
        return Err("--timeout is a number of seconds above 0".to_string());
    }
    if args.sizes.iter().any(|size| !size.is_finite()) {
        return Err("--sizes are finite numbers".to_string());
    }
    let world = if args.sim { World::Sim { seed: None } } else { World::Real };
    let gil = config::gil_config(
        config::setting("gil", args.gil.clone()),
        config::setting("switch-interval", args.switch_interval.clone()),
        world,
    )?;
    let repeat = args.repeat.unwrap_or(if args.sim { 1 } else { 5 }) as usize;
    let mut argv = vec![args.script.clone()];
    argv.extend(args.args.iter().cloned());
    let config = Config {
        script: Script::File(args.script.clone().into()),
        argv,
        params: args.param.iter().map(|p| config::parse_param(p)).collect::<Result<_, _>>()?,
        gil,
        every_safe_point: false,
        stats: false,
        trace: None,
        colour: colour(out::error_is_terminal()),
    };
    let wish = Wish {
        only: args.only.clone(),
        sizes: args.sizes.clone(),
        repeat,
        warmup: args.warmup as usize,
        limit: (args.timeout * 1e9) as Nanos,
        first_seed: args.seed.or((args.sim && repeat > 1).then_some(1)),
    };
    Ok((config, wish))
}

fn show(args: &Args, done: &Comparison) -> i32 {
    let drawn = done.chart();
    if args.json {
        say(&format!("{:#}\n", done.json()));
    } else {
        say(&done.table());
        if let Some(drawn) = &drawn {
            let width = terminal::width().unwrap_or(80).clamp(40, 120);
            say(&format!("\n{}", chart::text(drawn, width)));
        }
    }
    let Some(path) = &args.svg else { return 0 };
    let Some(drawn) = drawn else {
        complain("there is nothing to draw: a chart needs two sizes or more");
        return USAGE;
    };
    let written = chart::svg(&drawn).and_then(|svg| {
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
