//! Child processes from outside: numbers, signals, who outlives whom. What scripts see of them is in
//! `tests/lang/multiprocessing`. Nothing here waits by sleeping: a process says when it is ready, and its
//! end is seen through a descriptor of the process.

#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // tests reach outside themselves
#![cfg(target_os = "linux")]

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, kill_process_group, pidfd_open};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

/// Longer than anything here takes, also on a busy machine.
const PATIENCE: Timespec = Timespec { tv_sec: 30, tv_nsec: 0 };

fn kit(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kit"));
    command.args(args).current_dir(env!("CARGO_MANIFEST_DIR")).env("NO_COLOR", "1").stdin(Stdio::null());
    for variable in ["KIT_GIL", "KIT_SWITCH_INTERVAL"] {
        command.env_remove(variable);
    }
    // A process group of its own, as a shell gives it: what Ctrl-C reaches.
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    command
}

/// Exit code (or minus the signal), standard output, standard error.
fn result(output: Output) -> (i32, String, String) {
    use std::os::unix::process::ExitStatusExt;
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("output is UTF-8");
    let code = output.status.code().unwrap_or_else(|| -output.status.signal().unwrap_or(0));
    (code, text(output.stdout), text(output.stderr))
}

fn run(args: &[&str]) -> (i32, String, String) {
    result(kit(args).output().expect("kit starts"))
}

fn ok(code: &str) -> String {
    let (status, out, err) = run(&["-c", code]);
    assert!(status == 0 && err.is_empty(), "{status}\n{out}{err}");
    out
}

/// A running script, read line by line.
struct Running {
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Running {
    fn begin(args: &[&str]) -> Running {
        let mut child = kit(args).spawn().expect("kit starts");
        let out = BufReader::new(child.stdout.take().expect("its output"));
        Running { child, out }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).expect("a line");
        line.trim_end().to_string()
    }

    /// The process whose number the next line says.
    fn process(&mut self) -> Process {
        let line = self.line();
        Process::of(line.parse().unwrap_or_else(|_| panic!("a process number, not {line:?}")))
    }

    fn me(&self) -> Process {
        Process::of(self.child.id().try_into().expect("a number"))
    }

    fn end(mut self) -> (i32, String, String) {
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).expect("the rest");
        let (code, _, err) = result(self.child.wait_with_output().expect("kit ends"));
        (code, rest, err)
    }
}

/// A process, by a descriptor that no other process can take over.
struct Process {
    pid: Pid,
    fd: OwnedFd,
}

impl Process {
    fn of(number: i32) -> Process {
        let pid = Pid::from_raw(number).expect("a number that is not 0");
        Process { pid, fd: pidfd_open(pid, PidfdFlags::empty()).expect("the process is there") }
    }

    /// Waits until it has ended.
    fn ends(&self, what: &str) {
        let mut watched = [PollFd::new(&self.fd, PollFlags::IN)];
        assert_eq!(poll(&mut watched, Some(&PATIENCE)).expect("the descriptor is good"), 1, "{what} lives on");
    }

    fn lives(&self) -> bool {
        let mut watched = [PollFd::new(&self.fd, PollFlags::IN)];
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        poll(&mut watched, Some(&now)).expect("the descriptor is good") == 0
    }
}

#[test]
fn every_process_has_a_number_of_its_own() {
    let out = ok("import os
from multiprocessing import Process
def work():
    print(os.getpid(), os.getppid(), flush=True)
print(os.getpid(), os.getppid())
for _ in range(2):
    p = Process(target=work); p.start(); p.join()");
    let rows: Vec<Vec<u32>> =
        out.lines().map(|l| l.split(' ').map(|n| n.parse().expect("a number")).collect()).collect();
    let [main, one, two] = &rows[..] else { panic!("{out}") };
    assert!(main[0] != one[0] && main[0] != two[0] && one[0] != two[0], "{out}");
    assert!(one[1] == main[0] && two[1] == main[0], "{out}");
    assert_eq!(main[1], std::process::id());
}

const SLEEPER: &str = "import os, sys, time
from multiprocessing import Process
def sleep():
    print(os.getpid(), flush=True)
    time.sleep(600)
";

#[test]
fn a_child_killed_from_outside_gives_minus_nine() {
    let code = format!("{SLEEPER}p = Process(target=sleep)\np.start()\np.join()\nprint(p.exitcode, p.is_alive())");
    let mut script = Running::begin(&["-c", &code]);
    let child = script.process();
    kill_process(child.pid, Signal::KILL).expect("the child is there");
    assert_eq!(script.end(), (0, "-9 False\n".into(), String::new()));
}

/// Also children of children.
#[test]
fn no_process_outlives_a_parent_that_was_killed() {
    let code = format!(
        "{SLEEPER}
def middle():
    p = Process(target=sleep)
    p.start()
    sleep()
Process(target=middle).start()
Process(target=sleep, daemon=True).start()
sleep()"
    );
    let mut script = Running::begin(&["-c", &code]);
    // In any order: two children, a grandchild, the script itself.
    let all: Vec<Process> = (0..4).map(|_| script.process()).collect();
    let main = script.me();
    assert!(all.iter().all(Process::lives));
    kill_process(main.pid, Signal::KILL).expect("the parent is there");
    for process in &all {
        process.ends("a process of the script");
    }
    assert_eq!(script.end().0, -9);
}

/// Killed right after the start, when the child may not have come to its first step yet.
#[test]
fn no_process_outlives_a_parent_that_is_killed_at_once() {
    for _ in 0..5 {
        let code = format!(
            "{SLEEPER}p = Process(target=time.sleep, args=(600,))\np.start()\nprint(p.pid, flush=True)\np.join()"
        );
        let mut script = Running::begin(&["-c", &code]);
        let child = script.process();
        script.child.kill().expect("the parent is there");
        child.ends("the child");
        assert_eq!(script.end().0, -9);
    }
}

#[test]
fn a_daemon_ends_with_the_program_and_is_not_waited_for() {
    let code = format!("{SLEEPER}Process(target=sleep, daemon=True).start()\nsys.stdin.read()\nprint('end')");
    let mut child = kit(&["-c", &code]).stdin(Stdio::piped()).spawn().expect("kit starts");
    let input = child.stdin.take().expect("its input");
    let out = BufReader::new(child.stdout.take().expect("its output"));
    let mut script = Running { child, out };
    let daemon = script.process();
    drop(input);
    assert_eq!(script.end(), (0, "end\n".into(), String::new()));
    daemon.ends("the daemon");
}

/// Ctrl-C on a terminal reaches the whole process group. On a busy machine the children may have ended
/// before the parent's signal thread tells its main thread; so the parent has more to do after them.
#[test]
fn ctrl_c_ends_all_with_their_tracebacks() {
    let code = format!(
        "{SLEEPER}
ps = [Process(target=sleep) for _ in range(2)]
for p in ps: p.start()
try:
    for p in ps: p.join()
    time.sleep(600)
finally:
    for p in ps: p.join()
    print([p.exitcode for p in ps])"
    );
    let mut script = Running::begin(&["-c", &code]);
    let all = [script.process(), script.process()];
    let group = script.me();
    kill_process_group(group.pid, Signal::INT).expect("the group is there");
    let (status, out, err) = script.end();
    assert_eq!((status, out.as_str()), (130, "[1, 1]\n"), "{err}");
    assert_eq!(err.matches("\nKeyboardInterrupt").count(), 3, "{err}");
    for name in ["Process-1", "Process-2"] {
        assert!(err.contains(&format!("Process {name}:\nTraceback (most recent call last):\n")), "{err}");
    }
    for process in &all {
        process.ends("a child");
    }
}

/// Ctrl-C that only the parent gets: it does not wait for the children's sake, but at the end it does.
#[test]
fn ctrl_c_interrupts_a_join() {
    let code = format!(
        "{SLEEPER}
p = Process(target=sleep)
p.start()
try:
    p.join()
except KeyboardInterrupt:
    print('interrupted', p.is_alive())
    p.terminate()
    p.join()
    print(p.exitcode)"
    );
    let mut script = Running::begin(&["-c", &code]);
    let child = script.process();
    let main = script.me();
    kill_process(main.pid, Signal::INT).expect("the parent is there");
    assert_eq!(script.end(), (0, "interrupted True\n-15\n".into(), String::new()));
    child.ends("the child");
}

#[test]
fn what_a_child_does_not_catch_is_printed_as_cpython_does() {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("uncaught.kit");
    let text = "from multiprocessing import Process
def inner(x):
    return 1 / x
def work(x):
    inner(x)
p = Process(target=work, args=(0,))
p.start()
p.join()
print(p.exitcode)
";
    std::fs::write(&path, text).expect("a place for the script");
    let shown = path.to_str().expect("a path in Unicode");
    let (status, out, err) = run(&[shown]);
    assert_eq!((status, out.as_str()), (0, "1\n"));
    let expected = format!(
        "Process Process-1:
Traceback (most recent call last):
  File \"{shown}\", line 5, in work
    inner(x)
  File \"{shown}\", line 3, in inner
    return 1 / x
           ~~^~~
ZeroDivisionError: division by zero
"
    );
    // Which part of a line is marked is the business of other tests.
    let lines = |text: &str| {
        let unmarked = |l: &&str| !l.trim().is_empty() && !l.trim_matches([' ', '~', '^']).is_empty();
        text.lines().filter(unmarked).map(str::to_string).collect::<Vec<_>>()
    };
    assert_eq!(lines(&err), lines(&expected));
}

/// Killed before, while and after it reads what it shall do: the parent always learns of it.
#[test]
fn a_child_that_dies_at_its_start_does_not_hang_the_parent() {
    let out = ok("import time
from multiprocessing import Process
ended = []
big = list(range(200000))
for i in range(12):
    p = Process(target=time.sleep, args=(600,) if i % 2 else (600, big))
    p.start()
    if i % 3:
        time.sleep(i * 0.0005)
    p.kill()
    p.join()
    ended.append(p.exitcode)
print(ended.count(-9) + ended.count(1))");
    assert_eq!(out, "12\n");
}

/// A worker that is told nonsense says so and ends.
#[test]
fn a_frame_that_is_none_is_refused() {
    let config = serde_json::json!({
        "script": {"name": "<string>", "text": ""}, "argv": ["-c"], "params": [], "gil": "fifo", "interval_us": 5000,
        "sim": false, "seed": null, "unit_cost": 0, "signals": true, "every_safe_point": false,
        "stats": false, "sim_fs": "overlay", "colour": false,
    });
    let job = serde_json::json!({
        "parent": std::process::id(), "role": "process", "config": config, "extra": null,
    });
    for (second, says) in [
        (Some(&b"nonsense"[..]), "different versions of kit"),
        (Some(b""), "different versions of kit"),
        (None, "the parent ended"),
    ] {
        let (mut ours, theirs) = UnixStream::pair().expect("a socket");
        let mut command = kit(&["__worker"]);
        command.stdin(Stdio::from(OwnedFd::from(theirs)));
        let child = command.spawn().expect("kit starts");
        drop(command);
        let mut send = |bytes: &[u8]| {
            let length = u32::try_from(bytes.len()).expect("a short frame");
            ours.write_all(&length.to_le_bytes()).and_then(|()| ours.write_all(bytes)).expect("kit reads");
        };
        send(job.to_string().as_bytes());
        if let Some(bytes) = second {
            send(bytes);
        }
        drop(ours);
        let (code, out, err) = result(child.wait_with_output().expect("kit ends"));
        assert!(code == 1 && out.is_empty() && err.contains(says), "{second:?}: {code} {out}{err}");
    }
}

/// Children are forked from one process, so the system has put their first stack at one place; programs that are
/// started have it at a drawn one.
#[test]
fn children_come_from_one_template_and_know_where_their_parent_is() {
    let code = "import os
from multiprocessing import Process, Queue
def child(q):
    stack = [l.split()[0] for l in open('/proc/self/maps') if l.endswith('[stack]\\n')]
    q.put((stack, os.getpid(), os.getppid(), os.getcwd()))
q = Queue()
seen = []
for folder in '/', '/proc':
    os.chdir(folder)
    p = Process(target=child, args=(q,)); p.start(); p.join()
    seen.append(q.get())
    print(seen[-1][1] == p.pid, seen[-1][2] == os.getpid(), seen[-1][3] == folder)
print(len(seen[0][0]), seen[0][0] == seen[1][0])";
    let (code, out, err) = result(kit(&["run", "-c", code]).output().expect("kit runs"));
    assert_eq!((code, out.as_str(), err.as_str()), (0, "True True True\nTrue True True\n1 True\n", ""));
}

#[test]
fn a_child_has_the_parents_lock_policy_and_interval() {
    let code = "import kit, sys
from multiprocessing import Process
def show():
    print(kit.gil.policy(), sys.getswitchinterval(), flush=True)
show()
p = Process(target=show); p.start(); p.join()
if kit.gil.policy() != 'off':
    sys.setswitchinterval(0.25)
    p = Process(target=show); p.start(); p.join()";
    let shown = |flags: &[&str]| {
        let (status, out, err) = run(&[&["run"], flags, &["-c", code]].concat());
        assert!(status == 0 && err.is_empty(), "{flags:?}: {err}");
        out
    };
    assert_eq!(shown(&[]), "fifo 0.005\nfifo 0.005\nfifo 0.25\n");
    assert_eq!(
        shown(&["--gil", "cpython", "--switch-interval", "2ms", "--safe-points", "every"]),
        "cpython 0.002\ncpython 0.002\ncpython 0.25\n"
    );
    let off = shown(&["--gil", "off"]);
    let lines: Vec<&str> = off.lines().collect();
    assert!(lines.len() == 2 && lines[0] == lines[1] && lines[0].starts_with("off "), "{off}");
}

#[test]
fn a_script_from_standard_input_has_processes_too() {
    let mut child = kit(&["run", "-", "a"]).stdin(Stdio::piped()).spawn().expect("kit starts");
    let text = b"import sys\nfrom multiprocessing import Process\n\
        def work(): print(sys.argv, sys.stdin.read() == '', flush=True)\n\
        p = Process(target=work); p.start(); p.join(); print('end')\n";
    child.stdin.take().expect("its input").write_all(text).expect("kit reads");
    let (code, out, err) = result(child.wait_with_output().expect("kit ends"));
    assert_eq!((code, out.as_str(), err.as_str()), (0, "['-', 'a'] True\nend\n", ""));
}

#[test]
fn large_arguments_travel_and_too_large_ones_are_an_error() {
    let out = ok("from multiprocessing import Process
def work(text, numbers):
    print(len(text), sum(numbers), flush=True)
p = Process(target=work, args=('x' * (8 << 20), list(range(100000))))
p.start(); p.join()
p = Process(target=len, args=('x' * (65 << 20),))
try:
    p.start()
except Exception as e:
    print(type(e).__name__, 'longer than' in str(e), p.pid)");
    let mut lines = out.lines();
    assert_eq!(lines.next(), Some("8388608 4999950000"));
    assert!(lines.next().is_some_and(|l| l.ends_with("True None")), "{out}");
}

/// Two children at once print whole lines.
#[test]
fn lines_of_processes_do_not_mix() {
    let out = ok("from multiprocessing import Process
def work(mark):
    for i in range(2000):
        print(mark * 50)
ps = [Process(target=work, args=(m,)) for m in 'ab']
print('begin')
for p in ps: p.start()
for p in ps: p.join()
print('end')");
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!((lines[0], lines[lines.len() - 1], lines.len()), ("begin", "end", 4002));
    let whole = |l: &&str| **l == "a".repeat(50) || **l == "b".repeat(50);
    assert!(lines[1..4001].iter().all(whole), "lines are whole");
}
