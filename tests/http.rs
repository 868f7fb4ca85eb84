//! HTTP from outside: a plain client against `kit.server`, Ctrl-C in a request, many tasks and threads, the
//! scripts of the articles. What scripts see is in `tests/lang/http`.

#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // tests reach outside themselves
#![cfg(target_os = "linux")]

use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Longer than anything here takes, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(240);

fn kit(args: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kit"));
    command.args(args).env("NO_COLOR", "1").current_dir(env!("CARGO_MANIFEST_DIR"));
    for variable in ["KIT_GIL", "KIT_SWITCH_INTERVAL"] {
        command.env_remove(variable);
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("kit starts")
}

/// Exit code, output, errors.
fn end(mut child: Child) -> (Option<i32>, String, String) {
    drop(child.stdin.take());
    let (mut out, mut err) = (child.stdout.take().expect("output"), child.stderr.take().expect("errors"));
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        out.read_to_string(&mut text).expect("text");
        text
    });
    let errors = std::thread::spawn(move || {
        let mut text = String::new();
        err.read_to_string(&mut text).expect("text");
        text
    });
    let begin = Instant::now();
    let code = loop {
        if let Some(status) = child.try_wait().expect("a status") {
            break status.code();
        }
        if begin.elapsed() > PATIENCE {
            child.kill().expect("killed");
            break None;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    child.wait().expect("ended");
    (code, reader.join().expect("output"), errors.join().expect("errors"))
}

fn output(args: &[&str]) -> String {
    let (code, out, err) = end(kit(args));
    assert_eq!(code, Some(0), "{args:?}\n{out}\n{err}");
    out
}

/// A server in a process of its own, its port, and what reads its later lines.
fn server(routes: &str, more: &str) -> (Child, u16, BufReader<std::process::ChildStdout>) {
    let script = format!(
        "import kit, sys\ns = kit.server({routes}{more})\nprint(s.port, flush=True)\nsys.stdin.read()\nprint(s.requests)\n"
    );
    let mut child = kit(&["-c", &script]);
    let mut lines = BufReader::new(child.stdout.take().expect("output"));
    let mut port = String::new();
    lines.read_line(&mut port).expect("a line");
    let port = port.trim().parse().expect("a port");
    (child, port, lines)
}

fn stop((mut child, _, mut lines): (Child, u16, BufReader<std::process::ChildStdout>)) -> String {
    drop(child.stdin.take());
    let mut rest = String::new();
    lines.read_to_string(&mut rest).expect("text");
    assert!(child.wait().expect("ended").success());
    rest.trim().to_string()
}

/// Sends bytes, reads until the server closes or has answered `n` bytes.
fn exchange(port: u16, request: &str, n: usize) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut got = vec![];
    let mut buffer = [0; 4096];
    while got.len() < n {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => got.extend(&buffer[..read]),
            Err(e) => return format!("{}{}", String::from_utf8_lossy(&got), e.kind()),
        }
    }
    String::from_utf8(got).expect("text")
}

#[test]
fn a_plain_client_is_answered_by_the_plan() {
    let up = server(
        "{'/': 'hello', '/cut': {'body': 'x' * 10, 'truncate': 3}, '/reset': {'reset': True}, '/close': {'close': True}, \
         '/chunks': {'chunks': ['ab', 'c']}}",
        ", latency=0",
    );
    let get =
        |path: &str| exchange(up.1, &format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), 9999);
    let hello = get("/");
    assert!(hello.starts_with("HTTP/1.1 200 OK\r\n") && hello.ends_with("\r\n\r\nhello"), "{hello}");
    let cut = get("/cut");
    assert!(cut.contains("Content-Length: 10\r\n") && cut.ends_with("\r\n\r\nxxx"), "{cut}");
    assert_eq!(get("/close"), "");
    assert_eq!(get("/reset"), "connection reset");
    assert!(get("/chunks").ends_with("\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"));
    assert!(get("/nowhere").starts_with("HTTP/1.1 404 Not Found\r\n"));
    // Several requests in one go over one connection, the second with a body that nobody reads.
    let one = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    let post = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody";
    let all = exchange(up.1, &format!("{one}{post}{one}"), 3 * (hello.len() - "Connection: close\r\n".len()));
    assert_eq!(all.matches("hello").count(), 3, "{all}");
    assert_eq!(stop(up), "9");
}

#[test]
fn a_server_that_sends_a_byte_at_a_time_takes_its_time() {
    let up = server("{'/': {'body': 'abcde', 'drip': 0.1}}", ", latency=0.1");
    let begin = Instant::now();
    let got = exchange(up.1, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 9999);
    assert!(got.ends_with("abcde") && begin.elapsed() >= Duration::from_millis(600), "{got}");
    stop(up);
}

/// Ctrl-C while the script waits for a server that never answers, in the way that the script says.
fn interrupted(fetch: &str) {
    let script = format!(
        "import kit, sys, threading, time\n\
         s = kit.server({{'/': {{'hang': True}}}}, latency=0)\n\
         def watch():\n    while not s.requests: time.sleep(0.01)\n    print('waiting', flush=True)\n\
         threading.Thread(target=watch).start()\n\
         try:\n    {fetch}\n\
         except KeyboardInterrupt:\n    print('interrupted', s.requests)\n"
    );
    let mut child = kit(&["-c", &script]);
    let mut lines = BufReader::new(child.stdout.take().expect("output"));
    let mut line = String::new();
    lines.read_line(&mut line).expect("a line");
    assert_eq!(line, "waiting\n");
    let pid = Pid::from_raw(child.id().try_into().expect("a number")).expect("a process");
    let begin = Instant::now();
    kill_process(pid, Signal::INT).expect("sent");
    let mut rest = String::new();
    lines.read_to_string(&mut rest).expect("text");
    assert_eq!(rest, "interrupted 1\n");
    assert!(begin.elapsed() < Duration::from_secs(20));
    assert!(child.wait().expect("ended").success());
}

#[test]
fn ctrl_c_ends_a_request() {
    interrupted("import requests; requests.get(s.url)");
}

#[test]
fn ctrl_c_ends_a_loop_that_waits_for_a_server() {
    interrupted("import asyncio, aiohttp; asyncio.run(aiohttp.ClientSession()._request('GET', s.url))");
}

#[test]
fn nothing_is_lost_among_many() {
    let out = output(&["run", "scripts/many_requests.kit", "500", "100"]);
    assert_eq!(out.matches(", 0 wrong\n").count(), 2, "{out}");
    assert!(out.ends_with("600 requests at the server\n"), "{out}");
}

/// In virtual time what is measured is what is expected: the third word from the left of both figures.
fn as_expected(script: &str) {
    let out = output(&["run", "--sim", script]);
    let rows: Vec<Vec<f64>> = out
        .lines()
        .map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            words.windows(2).filter(|w| w[1] == "s").filter_map(|w| w[0].parse().ok()).collect()
        })
        .filter(|figures: &Vec<f64>| figures.len() >= 2)
        .collect();
    assert!(rows.len() >= 2, "{out}");
    for figures in rows {
        assert!((figures[0] - figures[1]).abs() < 0.051, "{out}");
    }
}

#[test]
fn the_crawler_of_the_article() {
    as_expected("scripts/articles/crawler.kit");
}

#[test]
fn the_pages_of_the_article() {
    as_expected("scripts/articles/page_exists.kit");
}

#[test]
fn the_downloads_of_the_article() {
    as_expected("scripts/articles/downloads.kit");
}

#[test]
fn the_sites_of_the_article() {
    as_expected("scripts/articles/sites.kit");
}

#[test]
fn the_kitchen_of_the_article() {
    let out = output(&["run", "--sim", "scripts/articles/async_kitchen.kit", "1"]);
    assert_eq!(out, "Dinner was made in 7.0s! The article says 7.0s.\n");
}

#[test]
fn the_chart_of_the_article() {
    let svg = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("crawl.svg");
    let svg = svg.to_str().expect("a path");
    let out = output(&["compare", "--sim", "scripts/crawl_chart.kit", "--sizes", "1,4,16", "--svg", svg]);
    let last = out.lines().find(|l| l.trim_start().starts_with("16 ")).expect("a row for 16 pages");
    assert!(last.contains("1.600") && last.contains("0.400") && last.contains("0.100"), "{out}");
    assert!(std::fs::read_to_string(svg).expect("the chart").contains("<svg"));
}
