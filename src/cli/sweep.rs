//! `kit sweep`: a script under many settings, as a table of what each did.

use super::{USAGE, complain, many, say};
use crate::engine::{Config, config};
use crate::explore::chart::Chart;
use crate::explore::sweep::{Axes, Plan, Sweep, over_interval, sweep};
use crate::explore::trace;

const EXAMPLES: &str = "\
Each combination of policies, intervals and parameters is run --repeat times, one run after another, every
run in a fresh process; round by round each combination has its turn, and every second round goes backwards,
so that noise meets all alike. A run that fails ends the sweep: what it printed is shown, the exit code is 1.

The table shows the median of the runs ± half the distance between the quartiles (--json has the quartiles,
the extremes and every run). Wall time is from the script's first instruction to the end of its last thread,
virtual in simulation; CPU time is that of all its threads; child processes count in all but wall time; switches are hand-overs of the lock, requests how
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

Environment: KIT_GIL, KIT_SWITCH_INTERVAL (a flag wins; lists as in the flags), KIT_SIM_FS (where a simulation's
writes to files go: overlay, commit, deny). Standard input is empty.
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
    /// Leave a trace of each run in this folder, one file of Chrome trace events each, for `kit timeline` and Perfetto
    #[arg(long, value_name = "FOLDER")]
    trace: Option<String>,
    /// Print all runs and their summary as one JSON document
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Print one line for each run as CSV
    #[arg(long)]
    csv: bool,
}

/// Does the sweep and prints what came out; gives the exit code.
pub fn run(args: Args) -> i32 {
    let (config, plan) = match many::begin(prepare(&args)) {
        Ok(both) => both,
        Err(code) => return code,
    };
    match sweep(config, plan, many::shows_progress()) {
        Ok(done) => show(&args, &done),
        Err(failure) => many::tell(&failure),
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
        charts.iter().for_each(|c| say(&many::drawn(c)));
    }
    many::write_svg(args.svg.as_deref(), charts.first(), "switch intervals")
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

/// What all runs have in common, and the plan; or what is wrong with the flags.
fn prepare(args: &Args) -> Result<(Config, Plan), String> {
    let list = |name: &str, given: &[String]| match given {
        [] => config::setting(name, None).map_or(vec![], |v| v.split(',').map(str::to_string).collect()),
        given => given.to_vec(),
    };
    let world = many::world(args.sim);
    let mut policies = Vec::new();
    for name in list("gil", &args.gil) {
        policies.push(config::gil_config(Some(name.trim().to_string()), None, world)?.policy);
    }
    let gil = config::gil_config(None, None, world)?;
    if policies.is_empty() {
        policies.push(gil.policy.clone());
    }
    let config = Config { stats: true, ..many::config("a sweep", &args.script, &args.args, gil)? };
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
    let (repeat, first_seed) = many::repeats(args.sim, args.repeat, args.seed);
    let mut plan = Plan::new(&Axes { policies, intervals_us, params }, repeat, first_seed)?;
    plan.warmup = args.warmup.unwrap_or(if args.sim { 0 } else { 1 }) as usize;
    plan.limit = many::limit(args.timeout)?;
    plan.trace = args.trace.as_ref().map(Into::into);
    if let Some(folder) = &plan.trace {
        trace::make_folder(folder)?;
    }
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
