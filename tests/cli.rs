//! The command line from outside: command, exit code, output.

#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // tests reach outside themselves

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

fn kit(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kit"));
    command.args(args).current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::null());
    for variable in ["KIT_GIL", "KIT_SWITCH_INTERVAL", "NO_COLOR"] {
        command.env_remove(variable);
    }
    command
}

/// Exit code, standard output, standard error.
fn result(output: Output) -> (i32, String, String) {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("output is UTF-8");
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

fn run(args: &[&str]) -> (i32, String, String) {
    result(kit(args).output().expect("kit starts"))
}

fn ok(args: &[&str]) -> String {
    let (code, out, err) = run(args);
    assert!(code == 0 && err.is_empty(), "{args:?}: {code}\n{err}");
    out
}

fn with_input(args: &[&str], input: &[u8]) -> (i32, String, String) {
    let mut child =
        kit(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("kit starts");
    child.stdin.take().expect("its input").write_all(input).expect("kit reads");
    result(child.wait_with_output().expect("kit ends"))
}

/// A script file of this test.
fn script(name: &str, text: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, text).expect("a place for the script");
    path
}

const SHOW_ARGS: &str = "import sys; print(sys.argv)";

#[test]
fn code_from_the_command_line() {
    assert_eq!(ok(&["run", "-c", "print(1 + 1)"]), "2\n");
    assert_eq!(ok(&["-c", "print(1 + 1)"]), "2\n");
    assert_eq!(ok(&["run", "-c", SHOW_ARGS]), "['-c']\n");
    assert_eq!(ok(&["run", "-c", SHOW_ARGS, "-x", "--sim", "--", "y"]), "['-c', '-x', '--sim', '--', 'y']\n");
    assert_eq!(ok(&["run", "--sim", "-c", SHOW_ARGS, "a"]), "['-c', 'a']\n");
}

#[test]
fn a_script_from_a_file() {
    let path = script("args.kit", SHOW_ARGS);
    let path = path.to_str().expect("a path in Unicode");
    let shown = |rest: &str| format!("['{path}'{rest}]\n");
    assert_eq!(ok(&["run", path]), shown(""));
    assert_eq!(ok(&[path, "one"]), shown(", 'one'"));
    assert_eq!(ok(&["--sim", path]), shown(""));
    assert_eq!(ok(&["run", "--gil", "fifo", path, "--gil", "x"]), shown(", '--gil', 'x'"));
    assert_eq!(ok(&["run", "-A", path]), shown(""));
    assert_eq!(ok(&["run", "--", path, "-c"]), shown(", '-c'"));
}

#[test]
fn a_script_from_standard_input() {
    assert_eq!(with_input(&["run", "-"], b"print(6 * 7)\n"), (0, "42\n".into(), String::new()));
    assert_eq!(with_input(&["-", "a"], SHOW_ARGS.as_bytes()).1, "['-', 'a']\n");
    let (code, out, err) = with_input(&["run", "-"], b"print('\xff')\n");
    assert!(code == 1 && out.is_empty() && err.contains("UTF-8"), "{err}");
}

#[test]
fn exit_codes() {
    let codes = [
        ("import sys; sys.exit(3)", 3),
        ("import sys; sys.exit()", 0),
        ("raise SystemExit('why')", 1),
        ("1 / 0", 1),
        ("if", 1),
        ("raise KeyboardInterrupt", 130),
        ("import threading; k = threading.Lock(); k.acquire(); k.acquire()", 71),
    ];
    for (code, expected) in codes {
        assert_eq!(run(&["-c", code]).0, expected, "{code}");
        assert_eq!(run(&["run", "--sim", "-c", code]).0, expected, "simulated: {code}");
    }
}

#[test]
fn wrong_usage_is_2_and_says_what() {
    let wrong: &[(&[&str], &str)] = &[
        (&["run"], "FILE"),
        (&["run", "--bogus", "x.kit"], "--bogus"),
        (&["nonsense"], "nonsense"),
        (
            &["run", "--gil", "nope", "-c", "1"],
            "unknown lock policy 'nope'; there are: fifo, cpython, priority, bfs, ruby, ticks, pypy, off",
        ),
        (&["run", "--switch-interval", "soon", "-c", "1"], "'soon' is not a length of time"),
        (&["run", "--switch-interval", "0", "-c", "1"], "strictly positive"),
        (&["run", "--switch-interval", "-1ms", "-c", "1"], "strictly positive"),
        (&["run", "--gil", "off", "--switch-interval", "5ms", "-c", "1"], "has no switch interval"),
        (
            &["run", "--gil", "ticks", "--switch-interval", "5ms", "-c", "1"],
            "has a check interval: write --switch-interval 100",
        ),
        (&["run", "--seed", "1", "-c", "1"], "--sim"),
        (&["run", "--sim", "--seed", "x", "-c", "1"], "'x'"),
        (&["run", "--stats=xml", "-c", "1"], "xml"),
        (&["run", "no-such-file.kit"], "kit: can't open file 'no-such-file.kit': [Errno 2] No such file or directory"),
        (&["no-such-file.kit"], "can't open file"),
        (&["dis", "no-such-file.kit"], "can't open file"),
        (&["run", "tests"], "can't open file 'tests': [Errno 21] Is a directory"),
    ];
    for (args, says) in wrong {
        let (code, out, err) = run(args);
        assert_eq!(code, 2, "{args:?}\n{out}{err}");
        assert!(err.contains(says), "{args:?}: {err}");
        assert!(out.is_empty());
    }
}

#[test]
fn the_environment_sets_and_the_flag_wins() {
    let code = "import sys, kit; print(kit.gil.policy(), sys.getswitchinterval())";
    let set = |args: &[&str]| {
        let mut command = kit(args);
        command.env("KIT_GIL", "cpython").env("KIT_SWITCH_INTERVAL", "50us");
        result(command.output().expect("kit starts")).1
    };
    assert_eq!(ok(&["-c", code]), "fifo 0.005\n");
    assert_eq!(set(&["run", "-c", code]), "cpython 4.9999999999999996e-05\n");
    assert_eq!(set(&["run", "--gil", "fifo", "--switch-interval", "2ms", "-c", code]), "fifo 0.002\n");
    assert_eq!(ok(&["run", "--switch-interval", "0.25", "-c", code]), "fifo 0.25\n");
}

#[test]
fn stats_go_to_standard_error() {
    let code = "import threading, time\nt = threading.Thread(target=time.sleep, args=(0.01,), name='sleeper')\nt.start(); t.join()\nprint('done')";
    let (status, out, err) = run(&["run", "--stats", "-c", code]);
    assert!(status == 0 && out == "done\n", "{out}{err}");
    for word in [
        "MainThread",
        "sleeper",
        "running",
        "waiting",
        "blocked",
        "longest wait",
        "lock held",
        "contention",
        "switches",
        "slices",
    ] {
        assert!(err.contains(word), "{word} in {err}");
    }
    let (_, _, err) = run(&["run", "--sim", "--stats=json", "-c", code]);
    let data: serde_json::Value = serde_json::from_str(&err).expect("one JSON value");
    assert_eq!(data["simulated"], true);
    assert_eq!(data["elapsed_ns"], 10_000_000);
    assert_eq!(data["threads"][0]["name"], "MainThread");
}

#[test]
fn simulation_repeats_to_the_byte() {
    let once = |args: &[&str]| result(kit(args).output().expect("kit starts"));
    for args in [
        &["run", "--sim", "--stats", "scripts/kitchen.kit", "1"][..],
        &["run", "--sim", "--seed", "5", "--gil", "cpython", "--stats", "scripts/kitchen.kit", "1"],
    ] {
        assert_eq!(once(args), once(args));
    }
}

#[test]
fn the_kitchen() {
    insta::assert_snapshot!(ok(&["run", "--sim", "scripts/kitchen.kit", "1"]));
    // With CPython's freedom each order has two outcomes, and the seed decides.
    for seed in 0..20 {
        let out = ok(&["run", "--sim", "--gil", "cpython", "--seed", &seed.to_string(), "scripts/kitchen.kit", "1"]);
        let measured: Vec<&str> = out.lines().skip(1).filter_map(|l| l.split_whitespace().last()).collect();
        let [serial, free, pasta, salad, apart, tasks] = measured[..] else { panic!("{out}") };
        assert!((serial, free, tasks, apart) == ("13.0", "5.0", "7.0", "5.0"), "{out}");
        assert!(["6.0", "7.0"].contains(&pasta) && ["8.0", "9.0"].contains(&salad), "seed {seed}: {out}");
    }
}

#[test]
fn scripts_run_in_both_worlds() {
    let out = ok(&["scripts/cpu_vs_io.kit", "0.02"]);
    assert_eq!(out.lines().count(), 7, "{out}");
    assert_eq!(ok(&["--sim", "scripts/cpu_vs_io.kit"]).lines().count(), 7);
    let out = ok(&["scripts/switch_period.kit", "0.1"]);
    assert_eq!(out.lines().count(), 4, "{out}");
    let (code, _, err) = run(&["--sim", "scripts/switch_period.kit"]);
    assert!(code == 1 && err.contains("in simulation computing takes no time"), "{err}");
}

#[test]
fn without_the_lock_simulated_threads_compute_at_once() {
    let code = "import kit, threading, time\nts = [threading.Thread(target=kit.spin, args=(1,)) for _ in range(2)]\n\
                [t.start() for t in ts]\n[t.join() for t in ts]\nprint(time.perf_counter())";
    let seconds = |gil| ok(&["run", "--sim", "--gil", gil, "-c", code]).trim().parse::<f64>().expect("seconds");
    assert_eq!((seconds("fifo").round(), seconds("off").round()), (2.0, 1.0));
}

#[test]
fn listing() {
    insta::assert_snapshot!(ok(&["dis", "-c", "total = 0\nfor i in range(3):\n    total += i\nprint(total)"]));
    let every = ok(&["dis", "--safe-points", "every", "-c", "x = 1"]);
    assert!(every.contains("Check"), "{every}");
    let (code, out, err) = run(&["dis", "-c", "x ="]);
    assert!(code == 1 && out.is_empty() && err.contains("SyntaxError"), "{err}");
}

#[test]
fn natives_and_their_docs() {
    let all = ok(&["natives"]);
    for row in ["waits     time.sleep(", "quick     len(", "holds     print(", "quick     list.append("] {
        assert!(all.contains(row), "{row} in {all}");
    }
    let time = ok(&["natives", "time"]);
    assert!(time.contains("time.sleep") && !time.contains("print("), "{time}");
    assert!(ok(&["doc", "time.sleep"]).contains("Lock: Releases the lock while it waits"));
    assert!(ok(&["doc", "kit.c_sleep"]).contains("Lock: Holds the lock"));
    assert!(ok(&["doc", "len"]).contains("does not look for waiting threads"));
    assert!(ok(&["doc", "kit"]).contains("kit.spin("));
    let (code, _, err) = run(&["doc", "sleep"]);
    assert!(code == 1 && err.contains("did you mean time.sleep?"), "{err}");
    assert_eq!(run(&["natives", "nothing"]).0, 1);
    assert!(run(&["doc", "threading.Thread"]).2.contains("written in Kit"));
}

#[test]
fn policies_help_and_version() {
    let policies = ok(&["policies"]);
    for row in kit::gil::policy::POLICIES {
        assert!(policies.contains(row.name), "{}", row.name);
    }
    assert_eq!(ok(&["--version"]), format!("kit {}\n", env!("CARGO_PKG_VERSION")));
    for args in [&["--help"][..], &["help"], &["help", "run"], &["run", "--help"]] {
        assert!(ok(args).contains("Examples:"), "{args:?}");
    }
    assert_eq!(
        with_input(&[], b"print(6 * 7)"),
        (0, "42\n".to_string(), String::new()),
        "standard input is the script"
    );
}

#[test]
fn no_colour_without_a_terminal() {
    for args in [&["-c", "if"][..], &["run", "--bogus"], &["--help"]] {
        let (_, out, err) = run(args);
        assert!(!out.contains('\x1b') && !err.contains('\x1b'), "{args:?}");
    }
}

/// A reader that goes away ends the output quietly.
#[test]
#[cfg(unix)]
fn a_closed_pipe_is_no_error() {
    let mut child = kit(&["-c", "for i in range(100000): print(i)"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("kit starts");
    drop(child.stdout.take());
    let (code, _, err) = result(child.wait_with_output().expect("kit ends"));
    assert_eq!((code, err.as_str()), (0, ""));
}

/// Runs the code, sends Ctrl-C when it has printed a line, and gives the exit code, what else it printed, its errors.
#[cfg(unix)]
fn interrupted(code: &str) -> (i32, String, String) {
    use rustix::process::{Pid, Signal, kill_process};
    use std::io::{BufRead, BufReader, Read};
    let mut child = kit(&["-c", code]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("kit starts");
    let mut out = BufReader::new(child.stdout.take().expect("its output"));
    let mut said = String::new();
    out.read_line(&mut said).expect("a line");
    kill_process(Pid::from_child(&child), Signal::INT).expect("kit is there");
    said.clear();
    out.read_to_string(&mut said).expect("text");
    let (code, _, err) = result(child.wait_with_output().expect("kit ends"));
    (code, said, err)
}

/// Ctrl-C out of a sleep: KeyboardInterrupt, its traceback, 130.
#[test]
#[cfg(unix)]
fn ctrl_c() {
    let code = "import time\ntry:\n    print('ready', flush=True)\n    time.sleep(30)\nfinally:\n    print('cleaned')";
    let (code, said, err) = interrupted(code);
    assert_eq!((code, said.as_str()), (130, "cleaned\n"), "{err}");
    assert!(err.trim_end().ends_with("KeyboardInterrupt"), "{err}");
}

/// Ctrl-C wherever a loop with many tasks is: no task is left that nobody wakes.
#[test]
#[cfg(unix)]
fn ctrl_c_ends_all_tasks() {
    for n in 0..12 {
        let code = format!(
            "import asyncio\n\
             switches = left = 0\n\
             async def one():\n    \
                 global switches, left\n    \
                 left += 1\n    \
                 try:\n        \
                     while True:\n            \
                         await asyncio.sleep(0)\n            \
                         await asyncio.create_task(asyncio.sleep(0.0001))\n            \
                         switches += 1\n            \
                         if switches == {}: print('ready', flush=True)\n    \
                 finally: left -= 1\n\
             async def main():\n    await asyncio.gather(*[one() for _ in range(50)])\n\
             try:\n    asyncio.run(main())\n\
             except KeyboardInterrupt:\n    print('interrupted', left)\n",
            1 + n * 37
        );
        let (code, said, err) = interrupted(&code);
        assert_eq!((code, said.as_str(), err.as_str()), (0, "interrupted 0\n", ""));
    }
}

#[test]
fn the_hidden_command_is_not_for_people() {
    let (code, _, said) = run(&["__worker"]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("not a command to type"), "{said}");
}

#[test]
fn the_convoy_the_race_and_the_rotation() {
    let convoy = |policy| ok(&["run", "--sim", "--gil", policy, "--param", "seconds=0.2", "scripts/convoy.kit"]);
    // Two waits of one interval for each round trip.
    let out = convoy("cpython");
    assert!(out.contains("beside      100.0 /s") && out.contains("2.00 waits a round trip"), "{out}");
    for interval in ["0.05ms", "0.1ms", "1ms", "10ms"] {
        let args = ["run", "--sim", "--gil", "cpython", "--switch-interval", interval];
        let out = ok(&[&args[..], &["--param", "seconds=0.2", "scripts/convoy.kit"]].concat());
        assert!(out.contains("measured is 1.00 of it"), "{out}");
    }
    // The order in which the policies serve who waits for I/O.
    let rate = |policy| -> f64 {
        let out = convoy(policy);
        let line = out.lines().find(|line| line.starts_with("beside")).expect("a line");
        line.split_whitespace().nth(1).and_then(|word| word.parse().ok()).expect("a rate")
    };
    let rates: Vec<f64> = ["ruby", "cpython", "pypy", "ticks", "priority"].map(rate).to_vec();
    assert!(rates.windows(2).all(|pair| pair[0] * 1.04 < pair[1]), "{rates:?}");
    assert!(rates[0] < 54.0 && (1_000.0..3_500.0).contains(&rates[2]), "{rates:?}");
    assert_eq!((rates[4], rate("bfs"), rate("off")), (5000.0, 5000.0, 5000.0));
    let out = ok(&["run", "--sim", "--param", "seconds=0.2", "scripts/fairness.kit"]);
    assert!(out.contains("p50 5.000 ms"), "{out}");
    let out = ok(&["scripts/race.kit", "300"]);
    assert!(out.lines().next().is_some_and(|l| l.contains("c += 1") && l.contains(" 0 of ")), "{out}");
    assert!(out.contains("500 of    1000 lost   50.0 %"), "{out}");
}
