//! Traces and what is made of them: `kit run --trace`, `kit timeline`, `kit dis --where`, `kit compare`, and the
//! charts of `kit sweep`. What is simulated is compared to the letter.

#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // tests reach outside themselves

use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Stdio};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("trace")
}

/// Exit code, standard output, standard error.
fn kit(args: &[&str]) -> (i32, String, String) {
    std::fs::create_dir_all(folder()).expect("a place for files");
    let mut command = Command::new(env!("CARGO_BIN_EXE_kit"));
    command.args(args).current_dir(folder()).stdin(Stdio::null());
    for variable in ["KIT_GIL", "KIT_SWITCH_INTERVAL", "NO_COLOR"] {
        command.env_remove(variable);
    }
    let output = command.output().expect("kit starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("output is UTF-8");
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

/// A run that must succeed in silence on standard error.
fn good(args: &[&str]) -> String {
    let (code, out, err) = kit(args);
    assert!(code == 0 && err.is_empty(), "{args:?}: {code}\n{out}\n{err}");
    out
}

fn script(name: &str, text: &str) {
    std::fs::create_dir_all(folder()).expect("a place for files");
    std::fs::write(folder().join(name), text).expect("a place for the script");
}

fn file(name: &str) -> String {
    std::fs::read_to_string(folder().join(name)).expect(name)
}

/// One thread holds the lock in a native, one waits for other things, one computes.
const DINNER: &str = "\
from threading import Lock, Thread
from time import sleep
import kit

stove = Lock()

def cook():
    kit.mark('cook')
    kit.c_sleep(0.2)
    with stove:
        sleep(0.1)

def fetch():
    for _ in range(4):
        sleep(0.05)
    with stove:
        pass

def count():
    for _ in range(300):
        kit.spin(0.0005)
    kit.spin(0.02, nogil=True)
    kit.switch()

threads = [Thread(target=f) for f in (cook, fetch, count)]
for t in threads: t.start()
for t in threads: t.join()
";

#[test]
fn a_timeline_as_text() {
    script("text.kit", DINNER);
    let out = good(&["timeline", "--sim", "text.kit"]);
    insta::assert_snapshot!("timeline_text", out);
    assert!(out.lines().all(|line| line.chars().count() <= 80), "it fits 80 columns");
    assert!(!out.contains('\x1b'), "no colour without a terminal");
    for (seed, other) in [("1", "1"), ("2", "2")] {
        let run = |seed| good(&["timeline", "--sim", "--seed", seed, "--why", "text.kit"]);
        assert_eq!(run(seed), run(other), "one seed, one timeline");
    }
}

#[test]
fn why_threads_waited() {
    script("why.kit", DINNER);
    let out = good(&["timeline", "--sim", "--why=4", "why.kit"]);
    let (_, sentences) = out.split_once("\n\n").and_then(|_| out.split_once("lock\n──")).expect("a legend");
    insta::assert_snapshot!("timeline_why", sentences.split_once('\n').expect("lines").1);
    script("alone.kit", "print('x')\n");
    for world in [&["--sim"][..], &["--gil", "off"]] {
        let out = good(&[&["timeline", "--why", "alone.kit"], world].concat());
        assert!(out.ends_with("No thread waited for the lock.\n"), "{out}");
    }
}

/// How many events of each kind a trace has.
fn summary(text: &str) -> BTreeMap<String, usize> {
    let file: Json = serde_json::from_str(text).expect("a trace is JSON");
    let mut counts = BTreeMap::new();
    for event in file["traceEvents"].as_array().expect("events") {
        let key = format!("{} {}", event["ph"].as_str().unwrap(), event["cat"].as_str().unwrap_or("-"));
        *counts.entry(key).or_default() += 1;
    }
    counts
}

#[test]
fn a_trace_is_the_same_twice_and_read_back() {
    script("twice.kit", DINNER);
    good(&["run", "--sim", "--trace", "a.json", "twice.kit"]);
    good(&["run", "--sim", "--trace", "b.json", "twice.kit"]);
    let text = file("a.json");
    assert!(text == file("b.json"), "a simulated run has one trace, byte for byte");
    insta::assert_debug_snapshot!("trace_summary", summary(&text));
    let from_run = good(&["timeline", "--sim", "--why", "twice.kit"]);
    assert_eq!(good(&["timeline", "--why", "a.json"]), from_run, "a file shows what the run showed");
    let both = good(&["timeline", "a.json", "b.json"]);
    assert_eq!(both.matches("twice.kit: ").count(), 2);
    assert_eq!(both.matches("waits for the lock").count(), 1, "two pictures, one legend");
}

/// What the slices say and what the counters say is the same, exactly.
#[test]
fn slices_add_up_to_the_counters() {
    script("sums.kit", DINNER);
    for policy in ["fifo", "cpython", "priority", "bfs", "ruby"] {
        let args = ["run", "--sim", "--seed", "3", "--gil", policy, "--stats=json", "--trace", "sums.json", "sums.kit"];
        let (code, _, err) = kit(&args);
        assert_eq!(code, 0, "{err}");
        let stats: Json = serde_json::from_str(err.lines().last().expect("counters")).expect("counters are JSON");
        let trace: Json = serde_json::from_str(&file("sums.json")).expect("a trace");
        let events = trace["traceEvents"].as_array().expect("events");
        for (n, thread) in stats["threads"].as_array().expect("threads").iter().enumerate() {
            for (state, counter) in [("holding", "holding_ns"), ("ready", "waiting_ns"), ("outside", "native_ns")] {
                let mine = events.iter().filter(|e| e["cat"] == state && e["tid"] == n + 1);
                let micros: f64 = mine.map(|e| e["dur"].as_f64().expect("a length")).sum();
                let counted = thread[counter].as_u64().expect("a counter");
                assert_eq!((micros * 1000.0).round() as u64, counted, "{policy}: {} {state}", thread["name"]);
            }
        }
    }
}

/// In the real world, too, at most one thread has the lock, and every hold is that of a thread that has it.
#[test]
fn holds_of_real_threads_do_not_overlap() {
    let text = "\
from threading import Thread
from time import sleep
def work(n):
    for _ in range(20):
        sleep(0.0005)
        for i in range(2000): pass
threads = [Thread(target=work, args=(n,)) for n in range(6)]
for t in threads: t.start()
for t in threads: t.join()
";
    script("stress.kit", text);
    for policy in ["fifo", "cpython", "priority", "bfs"] {
        good(&["run", "--gil", policy, "--switch-interval", "200us", "--trace", "stress.json", "stress.kit"]);
        let trace: Json = serde_json::from_str(&file("stress.json")).expect("a trace");
        let nanos = |v: &Json| (v.as_f64().expect("a number") * 1000.0).round() as u64;
        let events = trace["traceEvents"].as_array().expect("events").iter();
        let mut holds: Vec<(u64, u64)> = events
            .filter(|e| e["cat"] == "lock")
            .map(|e| (nanos(&e["ts"]), nanos(&e["ts"]) + nanos(&e["dur"])))
            .collect();
        holds.sort_unstable();
        assert!(holds.len() > 50, "{policy}: {} holds", holds.len());
        for pair in holds.windows(2) {
            assert!(pair[0].1 <= pair[1].0, "{policy}: {pair:?}");
        }
    }
}

const FAMILY: &str = "\
from multiprocessing import Process
import kit
def work():
    kit.mark('child')
    kit.c_sleep(0.02)
if __name__ == '__main__':
    both = [Process(target=work) for _ in range(2)]
    for p in both: p.start()
    for p in both: p.join()
";

#[test]
fn processes_share_a_file_and_a_clock() {
    script("family.kit", FAMILY);
    for world in [&["run"][..], &["run", "--sim"]] {
        good(&[world, &["--trace", "family.json", "family.kit"]].concat());
        let trace: Json = serde_json::from_str(&file("family.json")).expect("a trace");
        let events = trace["traceEvents"].as_array().expect("events");
        let names = events.iter().filter(|e| e["name"] == "process_name");
        assert_eq!(names.count(), 3, "{world:?}");
        let blocked: Vec<(f64, f64)> = events
            .iter()
            .filter(|e| e["name"] == "blocked: child")
            .map(|e| (e["ts"].as_f64().unwrap(), e["ts"].as_f64().unwrap() + e["dur"].as_f64().unwrap()))
            .collect();
        let waited = (blocked.first().expect("the parent waits").0, blocked.last().expect("to the end").1);
        for held in events.iter().filter(|e| e["name"] == "holding: kit.c_sleep") {
            let end = held["ts"].as_f64().unwrap() + held["dur"].as_f64().unwrap();
            assert!(end <= waited.1 + 1.0, "{world:?}: a child's work lies before its parent sees its end");
        }
        assert_eq!(events.iter().filter(|e| e["cat"] == "mark").count(), 2);
    }
    let (code, _, err) = kit(&[
        "run",
        "--trace",
        "killed.json",
        "-c",
        "\
from multiprocessing import Process
from time import sleep
p = Process(target=sleep, args=(60,))
p.start()
sleep(0.2)
p.kill()
p.join()
",
    ]);
    assert!(code == 0 && err.contains("the trace lacks processes that were killed"), "{code} {err}");
}

const POOL: &str = "\
from multiprocessing import Pool
import kit, time

def work(n):
    kit.mark('task %d' % n)
    time.sleep(0.05)

kit.mark('begin')
pool = Pool(2)
pool.map(work, range(4), chunksize=1)
pool.close()
pool.join()
kit.mark('end')
";

/// The workers of a pool and their parent are in one trace, on one clock: what they do is between the parent's marks,
/// in both worlds.
#[test]
fn a_pool_and_its_parent_share_a_clock() {
    script("pool.kit", POOL);
    for world in [&["run", "--trace", "pool.json"][..], &["run", "--sim", "--trace", "pool.json"]] {
        good(&[world, &["pool.kit"]].concat());
        let trace: Json = serde_json::from_str(&file("pool.json")).expect("JSON");
        let events = trace["traceEvents"].as_array().expect("events");
        let marks: Vec<(String, u64, f64)> = events
            .iter()
            .filter(|e| e["cat"] == "mark")
            .map(|e| (e["name"].as_str().unwrap().into(), e["pid"].as_u64().unwrap(), e["ts"].as_f64().unwrap()))
            .collect();
        let at = |m: &str| marks.iter().find(|(n, ..)| n == m).unwrap_or_else(|| panic!("{m} in {marks:?}")).clone();
        let (begin, end) = (at("begin"), at("end"));
        assert_eq!(begin.1, end.1);
        let mut workers = std::collections::BTreeSet::new();
        for n in 0..4 {
            let task = at(&format!("task {n}"));
            assert!(task.1 != begin.1 && begin.2 <= task.2 && task.2 <= end.2, "{world:?} {marks:?}");
            workers.insert(task.1);
        }
        assert_eq!(workers.len(), 2, "{world:?} {marks:?}");
    }
}

/// Tags open and close in order, and no text stands outside the root.
fn well_formed(xml: &str) {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = xml;
    while let Some(at) = rest.find('<') {
        let text = &rest[..at];
        for (i, _) in text.match_indices('&') {
            assert!(text[i..].split_once(';').is_some_and(|(name, _)| name.len() < 8), "a bare & in {text:?}");
        }
        let end = rest[at..].find('>').expect("a tag ends") + at;
        let tag = &rest[at + 1..end];
        assert!(!tag.contains('<'), "{tag}");
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
        } else if !tag.ends_with('/') && !tag.starts_with('?') && !tag.starts_with('!') {
            open.push(tag.split_whitespace().next().expect("a name"));
        }
        rest = &rest[end + 1..];
    }
    assert!(open.is_empty() && rest.trim().is_empty(), "{open:?} {rest}");
}

#[test]
fn pictures_are_well_formed_and_offline() {
    script("a&b <c>.kit", DINNER);
    good(&["timeline", "--sim", "a&b <c>.kit", "--svg", "p.svg", "--html", "p.html"]);
    let svg = file("p.svg");
    well_formed(&svg);
    for expected in ["prefers-color-scheme: dark", "a&amp;b &lt;c&gt;.kit", "kit.c_sleep", "request to let go", "cook"]
    {
        assert!(svg.contains(expected), "{expected}");
    }
    let html = file("p.html");
    assert!(!html.contains("http:") && !html.contains("https:") && !html.contains("src=") && !html.contains("@DATA@"));
    let (_, data) = html.split_once("type=\"application/json\">").expect("the data");
    let data: Json = serde_json::from_str(data.split_once("</script>").expect("their end").0).expect("data are JSON");
    assert_eq!(data["runs"][0]["processes"][0]["tracks"].as_array().map(Vec::len), Some(4));
    good(&["timeline", "--sim", "a&b <c>.kit", "--svg", "q.svg"]);
    assert!(svg == file("q.svg"), "one run, one picture");
}

#[test]
fn what_goes_wrong_is_said() {
    script("ok.kit", "print('x')\n");
    let (code, out, err) = kit(&["run", "--trace", "no/such/folder/t.json", "ok.kit"]);
    assert!(code == 1 && out == "x\n" && err.contains("can't write the trace 'no/such/folder/t.json'"), "{code} {err}");
    let (code, _, err) = kit(&["timeline", "missing.json"]);
    assert!(code == 1 && err.contains("can't read 'missing.json'"), "{code} {err}");
    script("not.json", "{\"traceEvents\": []}");
    let (code, _, err) = kit(&["timeline", "not.json"]);
    assert!(code == 1 && err.contains("it is not a trace that kit wrote"), "{code} {err}");
    let (code, _, err) = kit(&["timeline", "not.json", "ok.kit"]);
    assert!(code == 2 && err.contains("nothing else"), "{code} {err}");
    script("exits.kit", "import sys\nsys.exit(3)\n");
    assert_eq!(kit(&["timeline", "exits.kit"]).0, 3);
    for command in ["timeline", "compare", "sweep", "dis", "run"] {
        let help = good(&[command, "--help"]);
        assert!(help.contains("Examples:") || command == "dis", "{command}");
    }
}

#[test]
fn where_the_lock_can_be_lost() {
    script(
        "where.kit",
        "\
from time import sleep
import kit

def add(n):
    total = 0
    for i in range(n):
        total += i
        if total > len('abc'):
            total -= 1
    return total

with open('x', 'w') as f:
    sleep(0.1)
    kit.spin(0.1, nogil=True)
c = add(3)
c += 1
",
    );
    insta::assert_snapshot!("dis_where", good(&["dis", "--where", "where.kit"]));
}

const WAYS: &str = "\
from threading import Thread
from time import sleep
import kit

@kit.variant('serial', sizes=[1, 2, 4])
def serial(n):
    sleep(0.01 * n)

@kit.variant('threads')
def threads(n):
    both = [Thread(target=sleep, args=(0.005 * n,)) for _ in range(2)]
    for t in both: t.start()
    for t in both: t.join()

@kit.variant('holding')
def holding(n):
    both = [Thread(target=kit.c_sleep, args=(0.01 * n,)) for _ in range(2)]
    for t in both: t.start()
    for t in both: t.join()
";

#[test]
fn variants_are_compared() {
    script("ways.kit", WAYS);
    insta::assert_snapshot!("compare", good(&["compare", "--sim", "ways.kit", "--svg", "ways.svg"]));
    let svg = file("ways.svg");
    well_formed(&svg);
    assert!(svg.contains("holding") && svg.contains("time over size"));
    let out =
        good(&["compare", "--sim", "ways.kit", "--sizes", "3", "--only", "serial,threads", "--json", "--repeat", "2"]);
    let data: Json = serde_json::from_str(&out).expect("JSON");
    assert_eq!(data["variants"][1]["results"][0]["seconds"], serde_json::json!([0.015, 0.015]));
}

#[test]
fn what_cannot_be_compared_is_refused() {
    script("none.kit", "print('x')\n");
    let (code, _, err) = kit(&["compare", "--sim", "none.kit"]);
    assert!(code == 2 && err.contains("marks no function with @kit.variant"), "{code} {err}");
    script("ways2.kit", WAYS);
    let (code, _, err) = kit(&["compare", "--sim", "ways2.kit", "--only", "parallel"]);
    assert!(code == 2 && err.contains("no variant 'parallel'; there are: serial, threads, holding"), "{code} {err}");
    script(
        "fails.kit",
        "import kit\n@kit.variant('bad')\ndef bad():\n    print('before')\n    raise ValueError('no')\n",
    );
    let (code, _, err) = kit(&["compare", "--sim", "fails.kit"]);
    assert!(code == 1 && err.contains("bad failed: exit code 1"), "{code} {err}");
    assert!(err.contains("before") && err.contains("ValueError: no"), "{err}");
    script("mixed.kit", "import kit\n@kit.variant('a')\ndef a(): pass\n@kit.variant('b')\ndef b(n): pass\n");
    let (code, _, err) = kit(&["compare", "--sim", "mixed.kit", "--sizes", "1"]);
    assert!(code == 2 && err.contains("some variants take a size and some do not"), "{code} {err}");
}

/// The longer the interval, the later the one and the better the other.
const TRADE: &str = "\
import kit
ms = kit.gil.interval_us() / 1000
kit.metric('late_ms', ms + 0.5)
kit.metric('work', ms / (ms + 1), better='higher')
";

#[test]
fn a_sweep_weighs_two_metrics() {
    script("trade.kit", TRADE);
    let intervals = ["--switch-interval", "0.1ms,0.5ms,1ms,5ms,50ms"];
    let out = good(&[&["sweep", "--sim", "trade.kit", "--chart", "--svg", "trade.svg"][..], &intervals].concat());
    insta::assert_snapshot!("sweep_trade", out);
    well_formed(&file("trade.svg"));
    let args = ["sweep", "--sim", "trade.kit", "--columns", "late_ms", "--chart"];
    let out = good(&[&args[..], &intervals].concat());
    assert!(out.contains("late_ms over the switch interval") && !out.contains("recommended"), "{out}");
    assert!(out.contains("interval  policy  late_ms\n"), "{out}");
    let (code, _, err) = kit(&["sweep", "--sim", "trade.kit", "--trade", "late_ms,nonsense"]);
    assert!(code == 2 && err.contains("there is no column 'nonsense'; there are: wall,"), "{code} {err}");
    let (code, _, err) = kit(&["sweep", "--sim", "trade.kit", "--trade", "late_ms,work"]);
    assert!(code == 2 && err.contains("two intervals or more"), "{code} {err}");
}

#[test]
fn a_hanging_run_does_not_hang_the_sweep() {
    script("hang.kit", "print('begun', flush=True)\nwhile True: pass\n");
    let (code, _, err) = kit(&["sweep", "hang.kit", "--timeout", "0.7", "--repeat", "1"]);
    assert!(
        code == 1 && err.contains("did not end within 0.7 s of real time and was killed (--timeout)"),
        "{code} {err}"
    );
    assert!(err.contains("begun"), "{err}");
}

#[test]
fn each_run_of_a_sweep_and_each_test_leaves_a_trace() {
    script("many.kit", DINNER);
    let args = ["sweep", "many.kit", "--sim", "--switch-interval", "1ms,5ms", "--param", "x=a b", "--trace", "runs"];
    let (code, _, err) = kit(&args);
    assert!(code == 0 && err.contains("never asked for the parameter 'x'"), "{err}");
    let lone = good(&["run", "--sim", "--switch-interval", "5ms", "--trace", "lone.json", "many.kit"]);
    assert_eq!(lone, "");
    for name in ["runs/001-fifo-1ms-x=a-b.json", "runs/002-fifo-5ms-x=a-b.json"] {
        serde_json::from_str::<Json>(&file(name)).expect("valid JSON");
        assert!(good(&["timeline", name]).contains("many.kit"), "{name}");
    }
    assert_eq!(file("runs/002-fifo-5ms-x=a-b.json"), file("lone.json"), "as `kit run` writes it");
    script(
        "test_traced.kit",
        "import kit\nfrom multiprocessing import Process\n\ndef work():\n    kit.mark('in the child')\n\n\
         def test_one():\n    p = Process(target=work)\n    p.start()\n    p.join()\n\n\
         class TestMore:\n    def test_two(self):\n        kit.mark('two')\n        assert False\n",
    );
    let (code, out, err) = kit(&["test", "--trace", "tests", "test_traced.kit"]);
    assert_eq!(code, 1, "{out}{err}");
    assert!(file("tests/test_traced-test_one.json").contains("in the child"));
    assert!(file("tests/test_traced-TestMore.test_two.json").contains("\"two\""));
    let (code, _, err) = kit(&["sweep", "many.kit", "--sim", "--trace", "no/such/folder"]);
    assert!(code == 2 && err.contains("can't make the folder 'no/such/folder' for traces"), "{err}");
}
