//! Pools and executors from outside: what happens when a worker fails at any stage, who is left behind,
//! what Ctrl-C does. What scripts see is in `tests/lang/{multiprocessing,futures}`.

#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // tests reach outside themselves
#![cfg(target_os = "linux")]

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Longer than anything here takes, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(900);

fn begin(script: &str, args: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kit"));
    command.args(args).args(["-c", script]).env("NO_COLOR", "1").stdin(Stdio::null()).process_group(0);
    for variable in ["KIT_GIL", "KIT_SWITCH_INTERVAL"] {
        command.env_remove(variable);
    }
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("kit starts")
}

/// Exit code or minus the signal, output, errors. A script that hangs is killed with all its processes.
fn end(mut child: Child) -> (i32, String, String) {
    let pid = Pid::from_raw(child.id().try_into().expect("a number")).expect("a process");
    let (done, over) = std::sync::mpsc::channel::<()>();
    let watchdog = std::thread::spawn(move || {
        if over.recv_timeout(PATIENCE).is_err() {
            let _ = kill_process_group(pid, Signal::KILL);
        }
    });
    let mut out = child.stdout.take().expect("its output");
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        out.read_to_string(&mut text).expect("text");
        text
    });
    let mut err = String::new();
    child.stderr.take().expect("its errors").read_to_string(&mut err).expect("text");
    let status = child.wait().expect("kit ends");
    let out = reader.join().expect("the output");
    let _ = done.send(());
    watchdog.join().expect("the watchdog");
    (status.code().unwrap_or_else(|| -status.signal().unwrap_or(0)), out, err)
}

fn alive(pid: i32) -> bool {
    Pid::from_raw(pid).is_some_and(|p| test_kill_process(p).is_ok())
}

/// No process of `pids` is left; the kernel may need a moment after their parent's end.
fn nobody_is_left(pids: impl IntoIterator<Item = i32>) {
    let begin = Instant::now();
    for pid in pids {
        while alive(pid) {
            assert!(begin.elapsed() < Duration::from_secs(10), "process {pid} is left");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Raises, exits, panics or is killed at a stage of a task's way to the worker and back. One script does all rounds of
/// a kind: its pool goes on with new workers; a broken executor is replaced.
const STAGES: &str = r#"
import os, signal, sys, time
import _running
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import Pool, active_children

PARENT = os.getpid()
LARGE = b"x" * 300000

def act(how):
    if how == "raise":
        raise ZeroDivisionError("on purpose")
    if how == "sys.exit":
        sys.exit(3)
    if how == "exit":
        os._exit(3)
    if how == "panic":
        _running.panic("on purpose")
    os.kill(os.getpid(), signal.SIGKILL)

class Trap:
    def __init__(self, stage, how, data):
        self.row = stage, how, data
    def __reduce__(self):
        stage, how, data = self.row
        here = "encode argument" if os.getpid() == PARENT else "encode result"
        if stage == here:
            act(how)
        return rebuild, self.row

def rebuild(stage, how, data):
    here = "decode result" if os.getpid() == PARENT else "decode argument"
    if stage == here:
        act(how)
    return Trap(stage, how, data)

def work(trap):
    if trap.row[0] == "run":
        act(trap.row[1])
    return trap

def good():
    return Trap("none", "", b"")

def outcome(f):
    try:
        f()
    except Exception as e:
        return type(e).__name__
    return "nothing"

class Executor:
    dead, refused = "BrokenProcessPool", "RuntimeError"
    def __init__(self):
        self.ex = ProcessPoolExecutor(2)
        self.ex.submit(work, good()).result()
    def one(self, trap):
        other = self.ex.submit(work, good())
        task = self.ex.submit(work, trap)
        pids.update(p.pid for p in active_children())
        self.other = other
        return outcome(task.result)
    def heal(self, result):
        if result == "BrokenProcessPool":
            outcome(self.other.result)
            self.end()
            self.__init__()
        else:
            self.other.result()
    def after(self, how):
        f = self.ex.submit(time.sleep, 60)
        while not f.running():
            time.sleep(0.001)
        self.ex.shutdown(wait=False)
        assert outcome(lambda: self.ex.submit(work, good())) == self.refused
        pids.update(p.pid for p in active_children())
        for p in active_children():
            p.kill()
        self.other = f
        return outcome(f.result)
    def end(self):
        self.ex.shutdown()

class Workers:
    dead, refused = "WorkerLostError", "ValueError"
    def __init__(self):
        self.pool, self.closed = Pool(2), False
    def one(self, trap):
        pids.update(p.pid for p in active_children())
        return outcome(lambda: self.pool.map(work, [good(), trap, good()], chunksize=1))
    def heal(self, result):
        if self.closed:
            self.end()
            self.__init__()
        assert len(self.pool.map(work, [good() for _ in range(3)])) == 3
    def after(self, how):
        f = self.pool.map_async(time.sleep, [60, 60], chunksize=1)
        time.sleep(0.05)
        self.pool.close()
        assert outcome(lambda: self.pool.map(work, [good()])) == self.refused
        for p in active_children():
            pids.add(p.pid)
            p.kill()
        self.closed = True
        return outcome(f.get)
    def end(self):
        self.pool.terminate()
        self.pool.join()

pids = set()
rounds, longest = 0, 0
kind = KIND()
def count(stage, how, data, run, expected):
    global rounds, longest
    begin = time.monotonic()
    result = run()
    took = time.monotonic() - begin
    longest = max(longest, took)
    rounds += 1
    kind.heal(result)
    if result not in expected:
        print("wrong:", stage, how, len(data), result)
    if took > LIMIT:
        print("slow:", stage, how, len(data), took)
for turn in range(ROUNDS):
    for data in (b"", LARGE):
        for stage in ("encode argument", "decode argument", "run", "encode result", "decode result"):
            ours = stage in ("encode argument", "decode result")
            for how in ("raise",) if ours else ("raise", "sys.exit", "exit", "kill", "panic"):
                expected = {"raise": ("ZeroDivisionError", "MaybeEncodingError")}.get(how, (kind.dead,))
                count(stage, how, data, lambda: kind.one(Trap(stage, how, data)), expected)
    count("after shutdown", "kill", b"", lambda: kind.after("kill"), (kind.dead,))
kind.end()
print("rounds", rounds)
print("pids", *sorted(pids))
sys.stderr.write("longest %.3f\n" % longest)
"#;

/// Rounds in all: 35 a turn and kind.
const TURNS: u32 = 3;
/// How long a round may take: the second that is the goal where the machine is quiet and the build is not a debug one.
const ROUND_S: u32 = 20;

fn stages(kind: &str) {
    let script = STAGES.replace("KIND", kind).replace("ROUNDS", &TURNS.to_string());
    let (code, out, err) = end(begin(&script.replace("LIMIT", &ROUND_S.to_string()), &[]));
    let (rest, pids) = out.split_once("pids ").unwrap_or_else(|| panic!("{code}\n{out}{err}"));
    assert_eq!((code, rest), (0, &*format!("rounds {}\n", TURNS * 35)), "{err}");
    assert!(err.contains("longest "), "{err}");
    nobody_is_left(pids.split_whitespace().map(|p| p.parse().expect("a number")));
}

#[test]
fn an_executor_survives_no_worker_and_says_so_at_every_stage() {
    stages("Executor");
}

#[test]
fn a_pool_survives_a_worker_that_dies_at_any_stage() {
    stages("Workers");
}

#[test]
fn ctrl_c_during_a_map_interrupts_it_and_leaves_nobody() {
    let script = "
import time
from multiprocessing import Pool, active_children
def f(x):
    print('ready', flush=True)
    time.sleep(60)
with Pool(2) as pool:
    print(*[p.pid for p in active_children()], flush=True)
    pool.map(f, range(4), chunksize=1)
";
    let mut child = begin(script, &[]);
    let group = Pid::from_raw(child.id().try_into().expect("a number")).expect("a process");
    let mut out = BufReader::new(child.stdout.take().expect("its output"));
    let mut line = || {
        let mut text = String::new();
        out.read_line(&mut text).expect("a line");
        text
    };
    let pids: Vec<i32> = line().split_whitespace().map(|p| p.parse().expect("a number")).collect();
    assert_eq!((line(), line()), ("ready\n".into(), "ready\n".into()));
    let begin = Instant::now();
    kill_process_group(group, Signal::INT).expect("the group is there");
    let mut err = String::new();
    child.stderr.take().expect("its errors").read_to_string(&mut err).expect("text");
    let status = child.wait().expect("kit ends");
    assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
    assert_eq!(status.code(), Some(130), "{err}");
    assert_eq!(err.matches("KeyboardInterrupt").count(), 1, "{err}");
    nobody_is_left(pids);
}

#[test]
fn ctrl_c_while_children_are_joined_is_not_lost() {
    let script = "
import time
from multiprocessing import Process
def f():
    print('ready', flush=True)
    try:
        time.sleep(60)
    except KeyboardInterrupt:
        pass
ps = [Process(target=f) for _ in range(2)]
for p in ps: p.start()
for p in ps: p.join()
";
    for _ in 0..10 {
        let mut child = begin(script, &[]);
        let group = Pid::from_raw(child.id().try_into().expect("a number")).expect("a process");
        let mut out = BufReader::new(child.stdout.take().expect("its output"));
        for _ in 0..2 {
            let mut text = String::new();
            out.read_line(&mut text).expect("a line");
        }
        kill_process_group(group, Signal::INT).expect("the group is there");
        assert_eq!(child.wait().expect("kit ends").code(), Some(130));
    }
}

#[test]
fn lines_of_many_processes_stay_whole() {
    let script = "
from multiprocessing import Process
def f(n):
    for i in range(1000):
        print('process', n, 'line', i, 'x' * (i % 50), 'end')
ps = [Process(target=f, args=(n,)) for n in range(8)]
for p in ps: p.start()
for p in ps: p.join()
";
    let (code, out, err) = end(begin(script, &[]));
    assert_eq!((code, &*err), (0, ""));
    let mut lines: Vec<&str> = out.lines().collect();
    let mut expected: Vec<String> = Vec::new();
    for n in 0..8 {
        for i in 0..1000 {
            expected.push(format!("process {n} line {i} {} end", "x".repeat(i % 50)));
        }
    }
    lines.sort_unstable();
    expected.sort_unstable();
    assert!(lines == expected, "{} lines", lines.len());
}

#[test]
fn pools_work_under_every_policy_and_in_simulation() {
    let script = "
from multiprocessing import Pool, Queue, Process
def f(x):
    return x * x
def g(q):
    for i in range(10):
        q.put(i)
with Pool(2) as pool:
    print(pool.map(f, range(20)) == [x * x for x in range(20)])
q = Queue()
p = Process(target=g, args=(q,))
p.start()
print(sum(q.get() for _ in range(10)))
p.join()
";
    let policies: Vec<&str> = kit::gil::policy::POLICIES.iter().map(|row| row.name).collect();
    for policy in policies {
        for world in [&[][..], &["--sim"], &["--sim", "--seed", "7"]] {
            let args = [&["run", "--gil", policy], world].concat();
            let (code, out, err) = end(begin(script, &args));
            assert_eq!((code, &*out, &*err), (0, "True\n45\n", ""), "{policy} {world:?}");
        }
    }
}

/// What scripts say that use pools, executors and the libraries over them, also under every lock policy. Policies that
/// the other tests take are left out: `fifo`, and `off` of `tests/lang.rs`.
#[test]
fn scripts_with_pools_under_every_policy() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lang");
    let scripts = [
        "multiprocessing/pool.kit",
        "multiprocessing/queues.kit",
        "multiprocessing/locks.kit",
        "multiprocessing/shared_values.kit",
        "futures/processes.kit",
        "futures/threads.kit",
        "parallel/libraries.kit",
        "nogil/processes.kit",
    ];
    let policies = kit::gil::policy::POLICIES.iter().map(|row| row.name).filter(|n| !["fifo", "off"].contains(n));
    for (at, policy) in policies.enumerate() {
        // Each script under two of them, each policy with some: all pairs take minutes.
        for script in scripts.iter().enumerate().filter(|(i, _)| i % 3 == at % 3).map(|(_, s)| s) {
            let path = format!("{folder}/{script}");
            let text = std::fs::read_to_string(&path).expect("a script of tests/lang");
            let expected: String = text
                .lines()
                .filter_map(|l| l.strip_prefix("# expect: "))
                .fold(String::new(), |all, line| all + line + "\n");
            let mut command = Command::new(env!("CARGO_BIN_EXE_kit"));
            command.args(["run", "--gil", policy]).arg(&path).stdin(Stdio::null()).process_group(0);
            command.env("KIT_TEST_DIR", env!("CARGO_TARGET_TMPDIR")).env_remove("KIT_GIL");
            let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("kit starts");
            let (code, out, err) = end(child);
            assert_eq!((code, out), (0, expected), "{policy} {script}\n{err}");
        }
    }
}
