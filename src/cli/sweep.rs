//! `kit sweep`: a script under many settings, as a table of what each did.

use super::{USAGE, colour, complain, say};
use crate::engine::{self, Config, Script, config};
use crate::explore::chart::{self, Chart};
use crate::explore::sweep::{Axes, Failure, Plan, Sweep, over_interval, sweep};
use crate::gil::World;
use crate::world::Nanos;
use crate::world::{host, out, terminal};

const EXAMPLES: &str = "\
Each combination of policies, intervals and parameters is run --repeat times, one run after another, every
run in a fresh process; round by round each combination has its turn, and every second round goes backwards,
so that noise meets all alike. A run that fails ends the sweep: what it printed is shown, the exit code is 1.

The table shows the median of the runs ± half the distance between the quartiles (--json has the quartiles,
the extremes and every run). Wall time is from the script's first instruction to the end of its last thread,
virtual in simulation; CPU time is that of all its threads; switches are hand-overs of the lock, requests how
often a waiter asked for it; contention is the share of the time in which somebody waited for the lock while
another thread held it, the waits are those of all threads for the lock. What the script reports by
kit.metric(name, value) is a column too. The best median of a column is marked; the lowest is best unless the
script says better=\"higher\"; switches and requests are neither good nor bad. A policy without a switch
interval is run once, with – as its interval. Without --switch-interval each policy has its own.

In simulation (--sim) the same run gives the same figures, so there is one run of each combination; with
--repeat or --seed the repeats have the seeds N, N+1, … (N is 1 if only --repeat is given).

Examples:
  kit sweep work.kit --switch-interval 0.5ms,5ms,50ms
  kit sweep work.kit --gil fifo,cpython --param threads=1,2,4 --repeat 9
  kit sweep tune.kit --switch-interval 0.5ms,1ms,5ms,50ms --trade late_ms,work --chart --svg tune.svg
  kit sweep work.kit --sim --json -- an argument for the script

Environment: KIT_GIL, KIT_SWITCH_INTERVAL (a flag wins; lists as in the flags). Standard input is empty.
Exit codes: 0 fine, 1 a run failed or no valid script, 2 usage.";

/// The flags of `kit sweep`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The script
    #[arg(value_name = "FILE")]
    script: String,
    /// What the script finds in sys.argv[1:]
    #[arg(value_name = "ARGS", last = true)]
    args: Vec<String>,
    /// Switch intervals to try: 0.5ms,5ms,50us,0.005 [default: the policy's own]
    #[arg(long, value_name = "TIME,…", value_delimiter = ',', allow_hyphen_values = true)]
    switch_interval: Vec<String>,
    /// Lock policies to try; `kit policies` lists them [default: fifo]
    #[arg(long, value_name = "POLICY,…", value_delimiter = ',')]
    gil: Vec<String>,
    /// Values to try for `kit.param(NAME, default)`; several times for several parameters
    #[arg(long, value_name = "NAME=VALUE,…")]
    param: Vec<String>,
    /// How often each combination is run [default: 5, with --sim 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    repeat: Option<u32>,
    /// Run in virtual time
    #[arg(long)]
    sim: bool,
    /// Draw in simulation what the system would leave to chance, from seeds N, N+1, …
    #[arg(long, value_name = "N", requires = "sim")]
    seed: Option<u64>,
    /// Columns of the table, and what --chart and --svg draw over the interval: names as in its head
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    columns: Vec<String>,
    /// Draw a chart below the table: the trade-off of two columns, else each of --columns (or the script's
    /// metrics) over the interval
    #[arg(long)]
    chart: bool,
    /// Write the same as an SVG picture; of several charts the first
    #[arg(long, value_name = "OUT")]
    svg: Option<String>,
    /// Weigh two columns against each other, find the knee, recommend an interval [default: the script's
    /// metrics if there are two]
    #[arg(long, value_name = "NAME,NAME", value_delimiter = ',')]
    trade: Vec<String>,
    /// Runs of each combination before the others, which do not count [default: 1, with --sim 0]
    #[arg(long, value_name = "N")]
    warmup: Option<u32>,
    /// Kill a run that takes longer, in seconds of real time
    #[arg(long, value_name = "SECONDS", default_value_t = 300.0)]
    timeout: f64,
    /// Print all runs and their summary as one JSON document
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Print one line for each run as CSV
    #[arg(long)]
    csv: bool,
}

/// Does the sweep and prints what came out; gives the exit code.
pub fn run(args: Args) -> i32 {
    let (config, plan) = match prepare(&args) {
        Ok(both) => both,
        Err(text) => {
            complain(&text);
            return USAGE;
        }
    };
    // What does not compile would fail in the first run; said here, it reads as for `kit run`.
    if let Err(e) = engine::compile(&config.script, false) {
        out::error(e.render(config.colour).as_bytes());
        return e.code();
    }
    let progress = out::error_is_terminal() && host::env_var("TERM").is_none_or(|v| v != "dumb");
    match sweep(config, plan, progress) {
        Ok(done) => show(&args, &done),
        Err(failure) => {
            tell(&failure);
            1
        }
    }
}

fn show(args: &Args, done: &Sweep) -> i32 {
    let text = match (args.json, args.csv) {
        (true, _) => format!("{:#}\n", done.json()),
        (_, true) => done.csv(),
        _ => done.table(&args.columns),
    };
    say(&text);
    for warning in done.warnings() {
        complain(&format!("warning: {warning}"));
    }
    let charts = match charts(args, done) {
        Ok(charts) => charts,
        Err(text) => {
            complain(&text);
            return USAGE;
        }
    };
    if args.chart && !args.json && !args.csv {
        let width = terminal::width().unwrap_or(80).clamp(40, 120);
        charts.iter().for_each(|c| say(&format!("\n{}", chart::text(c, width))));
    }
    let Some(path) = &args.svg else { return 0 };
    let Some(first) = charts.first() else {
        complain("there is nothing to draw: a chart needs two switch intervals or more");
        return USAGE;
    };
    let written = chart::svg(first).and_then(|svg| {
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

/// The trade-off, whose advice is said here, or else columns over the interval.
fn charts(args: &Args, done: &Sweep) -> Result<Vec<Chart>, String> {
    let asked = match &args.trade[..] {
        [] => None,
        [a, b] => Some((a.clone(), b.clone())),
        _ => return Err("--trade takes two columns: --trade late_ms,work".to_string()),
    };
    let found = asked.clone().or_else(|| done.natural_pair().filter(|_| args.columns.is_empty()));
    if let Some((a, b)) = found {
        match done.trade(&a, &b) {
            Ok(trade) => {
                if !args.json && !args.csv {
                    let advice: Vec<&str> = trade.curves.iter().map(|c| &*c.sentence).collect();
                    say(&format!("\n{}\n", advice.join("\n")));
                }
                return Ok(vec![trade.chart(done)]);
            }
            Err(text) if asked.is_some() => return Err(text),
            // Nobody asked for it: where there is no trade-off there is none.
            Err(_) => {}
        }
    }
    let mut names: Vec<String> = args.columns.clone();
    if names.is_empty() {
        names.extend(done.metrics().keys().map(|name| name.to_string()));
    }
    if names.is_empty() {
        names.push("wall".to_string());
    }
    let columns: Vec<_> = names.iter().map(|name| done.column(name)).collect::<Result<_, _>>()?;
    Ok(columns.iter().filter_map(|column| over_interval(done, column)).collect())
}

/// The failed run, and what it printed.
pub fn tell(failure: &Failure) {
    complain(&failure.text);
    for (name, bytes) in [("standard output", &failure.stdout), ("standard error", &failure.stderr)] {
        if !bytes.is_empty() {
            let end = if bytes.ends_with(b"\n") { "" } else { "\n" };
            out::error(format!("--- its {name} ---\n").as_bytes());
            out::error(bytes);
            out::error(end.as_bytes());
        }
    }
}

/// What all runs have in common, and the plan; or what is wrong with the flags.
fn prepare(args: &Args) -> Result<(Config, Plan), String> {
    if args.script == "-" {
        return Err("a sweep runs its script many times: it must be a file, not standard input".to_string());
    }
    let list = |name: &str, given: &[String]| match given {
        [] => config::setting(name, None).map_or(vec![], |v| v.split(',').map(str::to_string).collect()),
        given => given.to_vec(),
    };
    let world = if args.sim { World::Sim { seed: None } } else { World::Real };
    let mut policies = Vec::new();
    for name in list("gil", &args.gil) {
        policies.push(config::gil_config(Some(name.trim().to_string()), None, world)?.policy);
    }
    let gil = config::gil_config(None, None, world)?;
    if policies.is_empty() {
        policies.push(gil.policy.clone());
    }
    let mut intervals_us = Vec::new();
    for text in list("switch-interval", &args.switch_interval) {
        intervals_us.push(config::parse_interval(&text)?);
    }
    let params = params(&args.param)?;
    for (what, twice) in [("--gil", twice(&policies)), ("--switch-interval", twice(&intervals_us))] {
        if twice {
            return Err(format!("{what} names the same value twice"));
        }
    }
    let repeat = args.repeat.unwrap_or(if args.sim { 1 } else { 5 }) as usize;
    let first_seed = args.seed.or((args.sim && repeat > 1).then_some(1));
    let mut plan = Plan::new(&Axes { policies, intervals_us, params }, repeat, first_seed)?;
    plan.warmup = args.warmup.unwrap_or(if args.sim { 0 } else { 1 }) as usize;
    if !args.timeout.is_finite() || args.timeout <= 0.0 {
        return Err("--timeout is a number of seconds above 0".to_string());
    }
    plan.limit = (args.timeout * 1e9) as Nanos;
    let mut argv = vec![args.script.clone()];
    argv.extend(args.args.iter().cloned());
    let config = Config {
        script: Script::File(args.script.clone().into()),
        argv,
        params: vec![],
        gil,
        every_safe_point: false,
        stats: true,
        trace: None,
        colour: colour(out::error_is_terminal()),
    };
    Ok((config, plan))
}

fn params(given: &[String]) -> Result<Vec<(String, Vec<String>)>, String> {
    let mut params: Vec<(String, Vec<String>)> = Vec::new();
    for text in given {
        let (name, values) = config::parse_param(text)?;
        let values: Vec<String> = values.split(',').map(str::to_string).collect();
        if twice(&values) {
            return Err(format!("--param {name} names the same value twice"));
        }
        if params.iter().any(|(n, _)| *n == name) {
            return Err(format!("--param {name} is there twice; write its values as {name}=1,2"));
        }
        params.push((name, values));
    }
    Ok(params)
}

fn twice<T: PartialEq>(values: &[T]) -> bool {
    values.iter().enumerate().any(|(at, v)| values[..at].contains(v))
}
