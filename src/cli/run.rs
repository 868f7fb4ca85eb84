//! `kit run`: a script, from a file, the command line or standard input.

use super::{USAGE, colour, complain};
use crate::engine::{self, Config, Report, Script, config};
use crate::explore::trace;
use crate::gil::{Stats, World};
use crate::world::{host, out};

const EXAMPLES: &str = "\
Examples:
  kit run dinner.kit 0.1                arguments after the script are sys.argv[1:]
  echo 'print(6 * 7)' | kit run -       a script from standard input
  kit run --stats dinner.kit            a table of where the time went, on standard error
  kit run --switch-interval 1ms dinner.kit
  kit run --trace t.json dinner.kit     what the threads did, for kit timeline and Perfetto
  kit run --param n=3 work.kit          the script finds it by kit.param
  kit run --sim --seed 7 dinner.kit     virtual time, chances drawn from seed 7
  kit run --sim --sim-fs commit a.kit   the same, and what it writes to files stays there

Environment: KIT_GIL, KIT_SWITCH_INTERVAL, KIT_SIM_FS (a flag wins), NO_COLOR.
Exit codes: 0 fine, 1 uncaught exception or no valid script, 2 usage, 70 a fault of Kit,
71 deadlock, 130 Ctrl-C, n from sys.exit(n).";

/// The flags of `kit run`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The script; `-` reads it from standard input
    #[arg(value_name = "FILE", required_unless_present = "code")]
    script: Option<String>,
    /// What the script finds in sys.argv[1:], untouched
    #[arg(value_name = "ARGS")]
    args: Vec<String>,
    /// Run this code instead of a file; what follows it is sys.argv[1:]
    #[arg(short = 'c', value_name = "CODE", allow_hyphen_values = true)]
    code: Option<String>,
    /// Allow everything. Accepted for later: nothing is restricted yet, with or without it
    #[arg(short = 'A', long)]
    allow_all: bool,
    /// Lock policy; `kit policies` lists them [default: fifo]
    #[arg(long, value_name = "POLICY")]
    pub gil: Option<String>,
    /// How long a waiter waits before it asks for the lock: 5ms, 50us, 0.005 [default: 5ms]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub switch_interval: Option<String>,
    /// Print the counters of threads and lock on standard error at the end
    #[arg(long, value_name = "FORMAT", num_args = 0..=1, require_equals = true, default_missing_value = "table")]
    stats: Option<StatsFormat>,
    /// Write what the threads did to a file of Chrome trace events: for `kit timeline`, Perfetto, chrome://tracing
    #[arg(long, value_name = "FILE.json")]
    trace: Option<String>,
    /// Run in virtual time: sleeping takes none, and the same run gives the same output
    #[arg(long)]
    pub sim: bool,
    /// Draw in simulation what the system would leave to chance; one seed, one outcome
    #[arg(long, value_name = "N", requires = "sim")]
    pub seed: Option<u64>,
    /// Where a simulation's writes to files go: overlay (memory, gone at the end), commit (the real files), deny
    /// [default: overlay]
    #[arg(long, value_name = "WHERE", requires = "sim")]
    pub sim_fs: Option<String>,
    /// A value for `kit.param(NAME, default)`; may be given several times
    #[arg(long, value_name = "NAME=VALUE")]
    pub param: Vec<String>,
    /// Where a thread may lose the lock: at CPython's places, or after every instruction
    #[arg(long, value_name = "WHERE", default_value = "default")]
    safe_points: SafePoints,
}

#[derive(Clone, Copy, PartialEq, clap::ValueEnum)]
enum StatsFormat {
    Table,
    Json,
}

#[derive(Clone, Copy, PartialEq, clap::ValueEnum)]
pub enum SafePoints {
    Default,
    Every,
}

/// Puts `--` before the script's name (or after the code of `-c`), so that clap leaves the script's own
/// arguments alone. Which flags take a value is asked of the tree.
pub fn split(tree: &clap::Command, mut args: Vec<String>) -> Vec<String> {
    let run = tree.find_subcommand("run");
    let takes_value = |flag: &str| {
        let long = flag.strip_prefix("--");
        let found = run.and_then(|r| {
            r.get_arguments().find(|a| match long {
                Some(name) => a.get_long() == Some(name),
                None => a.get_short().is_some_and(|c| flag[1..] == *c.encode_utf8(&mut [0; 4])),
            })
        });
        found.is_some_and(|a| a.get_action().takes_values() && !a.is_require_equals_set())
    };
    let mut at = 2;
    while let Some(arg) = args.get(at) {
        if arg == "--" {
            break;
        } else if arg == "-c" {
            at = (at + 2).min(args.len());
            args.insert(at, "--".into());
            break;
        } else if !arg.starts_with('-') || arg == "-" {
            args.insert(at, "--".into());
            break;
        }
        at += if takes_value(arg) { 2 } else { 1 };
    }
    args
}

/// `kit run FILE [ARGS]` and `kit run -c CODE [ARGS]`, which need no tree of flags; `None` for all else.
pub fn plain(args: &[String]) -> Option<Args> {
    let (code, script, rest) = match args.get(1..)? {
        [run, c, code, rest @ ..] if run == "run" && c == "-c" => (Some(code.clone()), None, rest),
        [run, file, rest @ ..] if run == "run" && !file.starts_with('-') => (None, Some(file.clone()), rest),
        _ => return None,
    };
    Some(Args { script, code, ..Args::of(String::new(), rest.to_vec()) })
}

impl Args {
    /// A script without flags.
    pub fn of(script: String, args: Vec<String>) -> Args {
        Args {
            script: Some(script),
            args,
            code: None,
            allow_all: false,
            gil: None,
            switch_interval: None,
            param: vec![],
            stats: None,
            trace: None,
            sim: false,
            seed: None,
            sim_fs: None,
            safe_points: SafePoints::Default,
        }
    }
}

/// Runs the script; gives the exit code.
pub fn run(args: Args) -> i32 {
    let (stats, trace, script) = (args.stats, args.trace.clone(), args.script.clone());
    let config = match configure(args) {
        Ok(config) => config,
        Err(text) => {
            complain(&text);
            return USAGE;
        }
    };
    let outcome = match engine::run(config) {
        Ok(outcome) => outcome,
        Err(e) => {
            complain(&e.to_string());
            return 1;
        }
    };
    if outcome.code == 0 {
        for name in &outcome.report.params_unused {
            complain(&format!("the script never asked for the parameter '{name}' (kit.param)"));
        }
    }
    if let Some(counters) = outcome.stats {
        out::error(counted(stats, &counters, &outcome.report).as_bytes());
    }
    if let (Some(file), Some(traced)) = (trace, outcome.trace) {
        traced.warnings.iter().for_each(|w| complain(&format!("warning: {w}")));
        if let Err(e) = trace::save(file.as_ref(), &script.unwrap_or_else(|| "-c".to_string()), &traced) {
            complain(&format!("can't write the trace '{file}': {e}"));
            return if outcome.code == 0 { 1 } else { outcome.code };
        }
    }
    outcome.code
}

/// The counters and the script's own figures, as `--stats` shows them.
fn counted(format: Option<StatsFormat>, counters: &Stats, report: &Report) -> String {
    if format == Some(StatsFormat::Json) {
        let mut data = counters.json();
        let metrics = report.metrics.iter().map(|(name, m)| (name.clone(), m.value.into()));
        data["metrics"] = serde_json::Value::Object(metrics.collect());
        return format!("{data}\n");
    }
    let mut text = format!("\n{}", counters.render());
    if !report.metrics.is_empty() {
        text.push_str("\nreported by the script\n");
    }
    let width = report.metrics.keys().map(|name| name.chars().count()).max().unwrap_or(0);
    for (name, metric) in &report.metrics {
        text.push_str(&format!("  {name:<width$}  {}\n", metric.value));
    }
    text
}

/// The run that the flags and the environment ask for, or what is wrong with them.
pub fn configure(args: Args) -> Result<Config, String> {
    let world = if args.sim { World::Sim { seed: args.seed } } else { World::Real };
    let gil = config::gil_config(
        config::setting("gil", args.gil),
        config::setting("switch-interval", args.switch_interval),
        world,
    )?;
    let (script, name, mut rest) = match (args.code, args.script) {
        // After `-c CODE` there is no script: what clap took for one is the first argument.
        (Some(code), first) => (text("<string>", code.into_bytes()), "-c".to_string(), Vec::from_iter(first)),
        (None, Some(dash)) if dash == "-" => {
            let bytes = host::read_stdin().map_err(|e| format!("can't read standard input: {e}"))?;
            (text("<stdin>", bytes), dash, vec![])
        }
        (None, file) => {
            let name = file.unwrap_or_default();
            (Script::File(name.clone().into()), name, vec![])
        }
    };
    rest.extend(args.args);
    let mut argv = vec![name];
    argv.extend(rest);
    Ok(Config {
        script,
        argv,
        params: args.param.iter().map(|p| config::parse_param(p)).collect::<Result<_, _>>()?,
        gil,
        every_safe_point: args.safe_points == SafePoints::Every,
        stats: args.stats.is_some(),
        trace: args.trace.is_some().then(engine::tracing::folder),
        counts: None,
        sim_fs: config::sim_fs(args.sim_fs)?,
        colour: colour(out::error_is_terminal()),
    })
}

fn text(name: &str, bytes: Vec<u8>) -> Script {
    Script::Text { name: name.to_string(), bytes }
}
