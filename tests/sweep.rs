//! `kit sweep`, `kit.metric` and `kit.param` from outside. Sweeps are simulated, so their figures are exact.

#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // tests reach outside themselves

use serde_json::{Value as Json, json};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Exit code, standard output, standard error.
fn run(env: &[(&str, &str)], args: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kit"));
    command.args(args).current_dir(env!("CARGO_TARGET_TMPDIR")).stdin(Stdio::null());
    for variable in ["KIT_GIL", "KIT_SWITCH_INTERVAL", "NO_COLOR"] {
        command.env_remove(variable);
    }
    let output = command.envs(env.iter().copied()).output().expect("kit starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("output is UTF-8");
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

/// A sweep in simulation that must be silent on standard error.
fn sweep(args: &[&str]) -> String {
    let (code, out, err) = run(&[], &[&["sweep", "--sim"], args].concat());
    assert!(code == 0 && err.is_empty(), "{args:?}: {code}\n{err}");
    out
}

fn script(name: &str, text: &str) {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(path, text).expect("a place for the script");
}

/// One thread computes for 20 ms a piece, `n` pieces; the main thread wakes after 1 ms and wants the lock.
const LATE: &str = "\
import kit
from threading import Thread
from time import perf_counter, sleep

def work():
    for _ in range(100 * kit.param('n', 1)):
        kit.spin(0.0002)

worker = Thread(target=work)
worker.start()
sleep(0.001)
kit.metric('late_ms', round(perf_counter() * 1000 % 1000, 3))
print('not to be seen')
worker.join()
kit.metric('early', 1 / kit.gil.interval_us(), better='higher')
";

#[test]
fn the_table() {
    script("table.kit", LATE);
    let out = sweep(&["table.kit", "--switch-interval", "0.5ms,5ms,50ms", "--gil", "fifo,cpython", "--param", "n=1,2"]);
    insta::assert_snapshot!("sweep_table", out);
    let again =
        sweep(&["table.kit", "--switch-interval", "0.5ms,5ms,50ms", "--gil", "fifo,cpython", "--param", "n=1,2"]);
    assert_eq!(out, again, "a simulated sweep repeats");
}

#[test]
fn repeats_have_a_spread_and_seeds_of_their_own() {
    script("repeats.kit", "import kit\nkit.metric('x', kit.param('n', 1) * 2)\n");
    let out = sweep(&["repeats.kit", "--repeat", "3", "--param", "n=1,2"]);
    assert!(
        out.starts_with("repeats.kit: 2 combinations, 3 runs each, virtual time, seeds 1 to 3\nmedian ± half"),
        "{out}"
    );
    assert!(out.contains("2* ±0") && out.contains("4  ±0"), "{out}");
    assert!(out.contains("\nbest x: 5ms (fifo, n=1) 2\n"), "{out}");
    let out = sweep(&["repeats.kit", "--csv", "--repeat", "2", "--seed", "7", "--param", "n=1,2"]);
    let rows: Vec<Vec<&str>> = out.lines().map(|l| l.split(',').collect()).collect();
    assert_eq!(rows[0][..6], ["run", "repeat", "seed", "gil", "interval_us", "param.n"]);
    assert_eq!(rows[0].last(), Some(&"metric.x"));
    let order: Vec<[&str; 4]> = rows[1..].iter().map(|r| [r[0], r[1], r[2], r[5]]).collect();
    assert_eq!(order, [["1", "1", "7", "1"], ["2", "1", "7", "2"], ["3", "2", "8", "2"], ["4", "2", "8", "1"]]);
    assert_eq!(rows[1].last(), Some(&"2"));
}

#[test]
fn one_json_document() {
    let alone = "import kit\nkit.spin(0.001)\nkit.metric('late_ms', 1)\nkit.metric('us', kit.gil.interval_us() or 0, 'higher')\n";
    script("json.kit", &format!("{alone}kit.param('n', 1)\n"));
    let out = sweep(&[
        "json.kit",
        "--json",
        "--switch-interval",
        "1ms,5ms",
        "--gil",
        "fifo,off",
        "--param",
        "n=0",
        "--",
        "-a",
    ]);
    let all: Json = serde_json::from_str(&out).expect("valid JSON");
    assert_eq!(all["script"], "json.kit");
    assert_eq!(all["args"], json!(["-a"]));
    assert_eq!((&all["simulated"], &all["repeat"]), (&json!(true), &json!(1)));
    // `off` has no interval: one row for both.
    let settings: Vec<(&Json, &Json)> =
        all["combinations"].as_array().unwrap().iter().map(|c| (&c["gil"], &c["interval_us"])).collect();
    assert_eq!(
        settings,
        [(&json!("fifo"), &json!(1000)), (&json!("fifo"), &json!(5000)), (&json!("off"), &Json::Null)]
    );
    let runs = all["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 3);
    for run in runs {
        assert_eq!(run["figures"]["wall_s"], json!(0.001), "{run}");
        assert_eq!(run["metrics"]["late_ms"], json!(1.0));
        assert_eq!(run["stats"]["simulated"], json!(true));
    }
    assert_eq!(all["combinations"][1]["summary"]["metric.us"]["median"], json!(5000.0));
    let best: Vec<&Json> = all["best"].as_array().unwrap().iter().collect();
    assert_eq!(best.len(), 1, "only in the last column does anything differ");
    assert_eq!((&best[0]["column"], &best[0]["combinations"]), (&json!("metric.us"), &json!([1])));
}

#[test]
fn in_the_real_world() {
    script("real.kit", "import kit\nfrom time import sleep\nsleep(0.02)\nkit.metric('x', 1.5)\n");
    let (code, out, err) =
        run(&[("KIT_GIL", "cpython,fifo"), ("KIT_SWITCH_INTERVAL", "2ms")], &["sweep", "real.kit", "--json"]);
    assert!(code == 0 && err.is_empty(), "{err}");
    let all: Json = serde_json::from_str(&out).expect("valid JSON");
    assert_eq!(all["repeat"], 5);
    assert_eq!(all["runs"].as_array().unwrap().len(), 10);
    assert_eq!(
        (&all["combinations"][0]["gil"], &all["combinations"][0]["interval_us"]),
        (&json!("cpython"), &json!(2000))
    );
    for run in all["runs"].as_array().unwrap() {
        let (wall, cpu) = (run["figures"]["wall_s"].as_f64().unwrap(), run["figures"]["cpu_s"].as_f64().unwrap());
        assert!(wall >= 0.02 && cpu > 0.0 && cpu < wall, "{run}");
        assert_eq!((&run["metrics"]["x"], &run["seed"]), (&json!(1.5), &Json::Null));
    }
}

#[test]
fn a_run_that_fails_ends_the_sweep() {
    script("fails.kit", "import kit\nprint('so far')\nassert kit.param('n', 1) < 2, 'too much'\n");
    let (code, out, err) = run(&[], &["sweep", "fails.kit", "--sim", "--param", "n=1,2,3", "--repeat", "2"]);
    assert_eq!((code, out.as_str()), (1, ""));
    let head = "kit: run 2 of 6 failed: 5ms (fifo, n=2), repeat 1, seed 1: exit code 1\n--- its standard output ---\nso far\n--- its standard error ---\nTraceback";
    assert!(err.starts_with(head), "{err}");
    assert!(err.ends_with("AssertionError: too much\n"), "{err}");
    for (text, says) in [
        ("import sys\nsys.exit(3)\n", "exit code 3"),
        ("import threading\nl = threading.Lock()\nl.acquire()\nl.acquire()\n", "exit code 71"),
    ] {
        script("fails2.kit", text);
        let (code, out, err) = run(&[], &["sweep", "fails2.kit", "--sim"]);
        assert_eq!((code, out.as_str()), (1, ""), "{text}");
        assert!(err.starts_with(&format!("kit: run 1 of 1 failed: 5ms (fifo), repeat 1: {says}\n")), "{err}");
    }
}

#[test]
fn much_output_is_no_obstacle() {
    script(
        "loud.kit",
        "import sys\nfor _ in range(3000):\n    print('x' * 100)\n    print('y' * 100, file=sys.stderr)\n",
    );
    let out = sweep(&["loud.kit"]);
    assert!(out.starts_with("loud.kit: 1 run, virtual time\n") && !out.contains("xxx"), "{out}");
}

#[test]
fn what_does_not_compile_is_said_once() {
    script("broken.kit", "print(\n");
    let (code, _, err) = run(&[], &["sweep", "broken.kit"]);
    assert!(code == 1 && err.contains("SyntaxError") && !err.contains("run 1"), "{code} {err}");
    let (code, _, err) = run(&[], &["sweep", "missing.kit"]);
    assert!(code == 2 && err.contains("missing.kit"), "{code} {err}");
}

#[test]
fn what_the_table_cannot_know_is_warned_of() {
    script("sets.kit", "import sys\nsys.setswitchinterval(0.001)\n");
    let (code, out, err) = run(&[], &["sweep", "sets.kit", "--sim", "--param", "hgos=1,2"]);
    assert!(code == 0 && out.contains("hgos"), "{out}");
    let warnings = "kit: warning: the script sets the switch interval itself (sys.setswitchinterval): the interval of a row holds only until then\n\
        kit: warning: the script never asked for the parameter 'hgos' (kit.param)\n";
    assert_eq!(err, warnings);
    let (_, out, _) = run(&[], &["sweep", "sets.kit", "--sim", "--json"]);
    let all: Json = serde_json::from_str(&out).expect("valid JSON");
    assert_eq!(all["warnings"].as_array().map(Vec::len), Some(1));
}

#[test]
fn wrong_flags() {
    script("fine.kit", "pass\n");
    for (args, says) in [
        (&["--switch-interval", "0"][..], "the switch interval must be strictly positive, not '0'"),
        (&["--switch-interval", "5ms,soon"], "'soon' is not a length of time; write 5ms, 50us, 1s or 0.005"),
        (&["--switch-interval", "5ms,0.005"], "--switch-interval names the same value twice"),
        (&["--gil", "fifo,nosuch"], "unknown lock policy 'nosuch'; there are: fifo"),
        (&["--gil", "fifo,fifo"], "--gil names the same value twice"),
        (&["--param", "n"], "'n' is not a parameter; write NAME=VALUE"),
        (&["--param", "n=1,1"], "--param n names the same value twice"),
        (&["--param", "n=1", "--param", "n=2"], "--param n is there twice; write its values as n=1,2"),
        (&["--repeat", "0"], "0 is not in 1.."),
        (&["--seed", "1"], "--sim"),
        (&["--json", "--csv"], "cannot be used with"),
        (&["extra"], "unexpected argument 'extra'"),
    ] {
        let (code, out, err) = run(&[], &[&["sweep", "fine.kit"], args].concat());
        assert!(code == 2 && out.is_empty() && err.contains(says), "{args:?}: {code}\n{err}");
    }
    let (code, _, err) = run(&[], &["sweep", "-"]);
    assert!(code == 2 && err.contains("it must be a file"), "{err}");
}

#[test]
fn figures_and_parameters_of_one_run() {
    script(
        "one.kit",
        "import kit\nprint(kit.param('n', 1), kit.param('s', 'a'))\nkit.metric('x', 2)\nkit.metric('longer', 0.5)\nkit.metric('x', 3)\n",
    );
    let (code, out, err) =
        run(&[], &["run", "--param", "n=1", "--param", "n=3", "--param", "s=b,c", "--stats", "--sim", "one.kit"]);
    assert_eq!((code, out.as_str()), (0, "3 b,c\n"));
    assert!(err.ends_with("\nreported by the script\n  x       3\n  longer  0.5\n"), "{err}");
    let (_, _, err) = run(&[], &["run", "--stats=json", "--sim", "one.kit"]);
    let stats: Json = serde_json::from_str(&err).expect("valid JSON");
    assert_eq!(stats["metrics"], json!({ "x": 3.0, "longer": 0.5 }));
    let (code, _, err) = run(&[], &["run", "--param", "m=3", "one.kit"]);
    assert_eq!((code, err.as_str()), (0, "kit: the script never asked for the parameter 'm' (kit.param)\n"));
    let (code, _, err) = run(&[], &["run", "--param", "m", "one.kit"]);
    assert!(code == 2 && err.contains("NAME=VALUE"), "{err}");
    for (given, default, printed) in [
        ("7", "1", "7"),
        ("7", "1.5", "7.0"),
        ("1e3", "0.0", "1000.0"),
        ("false", "True", "False"),
        ("7", "None", "'7'"),
        ("99999999999999999999", "1", "99999999999999999999"),
    ] {
        let text = format!("import kit; print(repr(kit.param('p', {default})))");
        let (_, out, err) = run(&[], &["run", "--param", &format!("p={given}"), "-c", &text]);
        assert_eq!(out.trim_end(), printed, "{err}");
    }
    let (code, _, err) = run(&[], &["run", "--param", "p=x", "-c", "import kit; kit.param('p', 1)"]);
    assert!(code == 1 && err.ends_with("ValueError: the parameter 'p' must be of type int, not 'x'\n"), "{err}");
}

/// Two processes with two threads each that want the lock at the same time.
const PROCESSES: &str = "\
import kit
from multiprocessing import Process
from threading import Thread

def spin():
    for _ in range(20):
        kit.spin(0.001)

def work():
    threads = [Thread(target=spin) for _ in range(2)]
    for t in threads: t.start()
    for t in threads: t.join()

processes = [Process(target=work) for _ in range(kit.param('n', 2))]
for p in processes: p.start()
for p in processes: p.join()
";

#[test]
fn child_processes_count_too() {
    script("processes.kit", PROCESSES);
    let one = |args: &[&str]| {
        let (code, out, err) = run(&[], &[&["sweep", "processes.kit", "--json", "--repeat", "1"], args].concat());
        assert_eq!(code, 0, "{err}");
        let all: Json = serde_json::from_str(&out).expect("valid JSON");
        all["runs"][0].clone()
    };
    let two = one(&["--sim"]);
    let none = one(&["--sim", "--param", "n=0"]);
    assert_eq!(two["children"]["processes"], 2);
    assert_eq!(none["children"]["processes"], 0);
    let figure = |run: &Json, key: &str| run["figures"][key].as_f64().expect("a figure");
    // Each process: 40 ms of two threads in turns of 5 ms, which wait for each other nearly all the time.
    assert!(figure(&two, "switches") >= 14.0 && figure(&none, "switches") == 0.0, "{two}");
    assert!((figure(&two, "cpu_s") - 0.08).abs() < 1e-6, "{two}");
    assert!((figure(&two, "wall_s") - 0.04).abs() < 1e-6, "{two}");
    assert!(figure(&two, "requests") >= 12.0 && figure(&two, "longest_wait_s") >= 0.005, "{two}");
    let real = one(&["--warmup", "0"]);
    assert_eq!(real["children"]["processes"], 2);
    assert!(figure(&real, "cpu_s") > 0.075, "{real}");
    assert!(real["children"]["switches"].as_u64().is_some_and(|n| n >= 4), "{real}");
}
