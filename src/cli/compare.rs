//! `kit compare`: the functions that a script marks with `@kit.variant`, timed in turns.

use super::{USAGE, complain, many, say};
use crate::engine::{Config, config};
use crate::explore::compare::{Comparison, Problem, Wish, compare};
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
    let (config, wish) = match many::begin(prepare(&args)) {
        Ok(both) => both,
        Err(code) => return code,
    };
    let progress = many::shows_progress();
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
        Err(Problem::Failed(failure)) => many::tell(&failure),
    }
}

fn prepare(args: &Args) -> Result<(Config, Wish), String> {
    if args.sizes.iter().any(|size| !size.is_finite()) {
        return Err("--sizes are finite numbers".to_string());
    }
    let gil = config::gil_config(
        config::setting("gil", args.gil.clone()),
        config::setting("switch-interval", args.switch_interval.clone()),
        many::world(args.sim),
    )?;
    let config = Config {
        params: args.param.iter().map(|p| config::parse_param(p)).collect::<Result<_, _>>()?,
        ..many::config("a comparison", &args.script, &args.args, gil)?
    };
    let (repeat, first_seed) = many::repeats(args.sim, args.repeat, args.seed);
    let wish = Wish {
        only: args.only.clone(),
        sizes: args.sizes.clone(),
        repeat,
        warmup: args.warmup as usize,
        limit: many::limit(args.timeout)?,
        first_seed,
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
            say(&many::drawn(drawn));
        }
    }
    many::write_svg(args.svg.as_deref(), drawn.as_ref(), "sizes")
}
