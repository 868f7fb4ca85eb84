//! `kit test`: finds tests, runs each in a fresh interpreter, tells what came of them.

use super::{USAGE, colour, complain, say};
use crate::engine::{Config, Script, config};
use crate::explore::testing::report::{self, Style, Teller};
use crate::explore::testing::{Broken, Counts, Done, Plan, Test, collect, run as tests, select::Select};
use crate::explore::trace;
use crate::gil::World;
use crate::world::capture::Stop;
use crate::world::{Clock, clock, host, out};

const EXAMPLES: &str = "\
Examples:
  kit test                              all tests below this folder
  kit test scripts/tests -v             a line for each test
  kit test test_a.kit::test_b           one test
  kit test -k 'kitchen and not salad'   by name
  kit test --sim                        in virtual time: durations are exact
  kit test --json                       for programs

Tests are functions test_* (and methods test_* of classes Test*) in files test_*.kit and *_test.kit.
A plain assert shows the values of its parts. Durations: kit.expect_duration; numbers: kit.approx;
exceptions: kit.raises.

Exit codes: 0 all passed, 1 a test failed or a file could not be collected, 2 usage or no tests,
75 no test failed but some durations were inconclusive, 130 Ctrl-C.";

/// The flags of `kit test`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Folders, files, or file.kit::test_name
    #[arg(value_name = "PATHS")]
    paths: Vec<String>,
    /// Only tests whose id has these words: and, or, not, parentheses
    #[arg(short = 'k', value_name = "EXPR")]
    select: Option<String>,
    /// Stop after the first failure
    #[arg(short = 'x')]
    first_only: bool,
    /// Run the tests in virtual time
    #[arg(long)]
    sim: bool,
    /// Draw in simulation what the system would leave to chance
    #[arg(long, value_name = "N", requires = "sim")]
    seed: Option<u64>,
    /// Lock policy; `kit policies` lists them [default: fifo]
    #[arg(long, value_name = "POLICY")]
    gil: Option<String>,
    /// How long a waiter waits before it asks for the lock: 5ms, 50us [default: 5ms]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    switch_interval: Option<String>,
    /// Print one JSON value and nothing else
    #[arg(long)]
    json: bool,
    /// A line for each test
    #[arg(short, long, conflicts_with = "quiet")]
    verbose: bool,
    /// Only marks and the last line
    #[arg(short, long)]
    quiet: bool,
    /// A duration that stays inconclusive is a failure
    #[arg(long)]
    strict_timing: bool,
    /// Kill a test that takes longer, in seconds of real time
    #[arg(long, value_name = "SECONDS", default_value_t = 60.0)]
    timeout: f64,
    /// Leave a trace of each test in this folder, one file of Chrome trace events each, for `kit timeline` and Perfetto
    #[arg(long, value_name = "FOLDER")]
    trace: Option<String>,
    /// Run N tests at once: timings then disturb each other
    #[arg(short = 'j', value_name = "N", default_value_t = 1)]
    jobs: usize,
}

/// Finds, runs, tells; gives the exit code.
pub fn run(args: Args) -> i32 {
    match session(&args) {
        Ok(code) => code,
        Err(text) => {
            complain(&text);
            USAGE
        }
    }
}

/// What was found and chosen.
struct Found {
    tests: Vec<Test>,
    broken: Vec<Broken>,
    deselected: usize,
}

fn session(args: &Args) -> Result<i32, String> {
    let plan = plan(args)?;
    let select = args.select.as_deref().map(Select::parse).transpose()?;
    let here = [".".to_string()];
    let paths = if args.paths.is_empty() { &here[..] } else { &args.paths };
    let all = collect::collect(paths, &plan)?;
    let before = all.tests.len();
    let chosen = |t: &Test| select.as_ref().is_none_or(|s| s.matches(&t.id()));
    let tests: Vec<Test> = all.tests.into_iter().filter(chosen).collect();
    let found = Found { deselected: before - tests.len(), tests, broken: all.broken };
    let stop = Stop::on_interrupt().map_err(|e| format!("Ctrl-C cannot be watched for: {e}"))?;
    let verbosity = i8::from(args.verbose) - i8::from(args.quiet);
    let style = Style { verbosity, colour: colour(out::is_terminal()) };
    let begun = clock::read(Clock::Monotonic);
    let done = told(&found, &plan, &stop, style, args.json)?;
    let took = clock::read(Clock::Monotonic).saturating_sub(begun);
    let code = match Counts::of(&done, &found.broken).exit_code() {
        _ if stop.asked() => INTERRUPTED,
        0 if found.tests.is_empty() => USAGE,
        code => code,
    };
    if args.json {
        say(&format!("{}\n", report::data(&plan, &done, &found.broken, took, code)));
    } else {
        say(&report::ending(&done, &found.broken, took, stop.asked(), style));
    }
    Ok(code)
}

/// The exit code after Ctrl-C.
const INTERRUPTED: i32 = 130;

/// Runs the tests, telling each as it comes.
fn told(found: &Found, plan: &Plan, stop: &Stop, style: Style, silent: bool) -> Result<Vec<Done>, String> {
    let mut teller = Teller::new(found.tests.len(), style);
    let mut results = Vec::new();
    let tell = |text: &str| {
        if !silent && !text.is_empty() {
            say(text);
        }
    };
    tell(&report::header(plan, found.tests.len(), found.broken.len(), found.deselected, style));
    let each = |done: Done| {
        tell(&teller.tell(&done));
        results.push(done);
    };
    let ran = if stops_at_once(plan, found) { Ok(()) } else { tests::run_all(&found.tests, plan, stop, each) };
    tell(&teller.close());
    ran.map_err(|e| format!("tests could not be run: {e}"))?;
    Ok(results)
}

/// With -x a file that cannot be collected is the first failure already.
fn stops_at_once(plan: &Plan, found: &Found) -> bool {
    plan.first_only && !found.broken.is_empty()
}

fn plan(args: &Args) -> Result<Plan, String> {
    let world = if args.sim { World::Sim { seed: args.seed } } else { World::Real };
    let gil = config::gil_config(
        config::setting("gil", args.gil.clone()),
        config::setting("switch-interval", args.switch_interval.clone()),
        world,
    )?;
    if !args.timeout.is_finite() || args.timeout <= 0.0 || args.timeout > 1e9 {
        return Err(format!("--timeout must be a positive number of seconds, not {}", args.timeout));
    }
    if args.jobs == 0 || args.jobs > 4 * host::cores().max(16) {
        return Err(format!("-j {} is no sensible number of tests at once", args.jobs));
    }
    let config = Config {
        script: Script::Text { name: "<none>".to_string(), bytes: vec![] },
        argv: vec![],
        gil,
        params: vec![],
        every_safe_point: false,
        stats: false,
        trace: None,
        counts: None,
        sim_fs: config::sim_fs(None)?,
        colour: !args.json && colour(out::is_terminal()),
    };
    let trace = args.trace.as_ref().map(std::path::PathBuf::from);
    if let Some(folder) = &trace {
        trace::make_folder(folder)?;
    }
    Ok(Plan {
        trace,
        config,
        timeout_ns: (args.timeout * 1e9) as u64,
        jobs: args.jobs,
        first_only: args.first_only,
        strict_timing: args.strict_timing,
    })
}
