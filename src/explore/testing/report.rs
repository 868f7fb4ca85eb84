//! Results in pytest's manner, and as data.

use super::{Broken, Counts, Done, Plan, row};
use crate::engine::trial::Verdict;
use crate::gil::{World, policy};
use crate::world::{Nanos, host};
use serde_json::{Value as Json, json};
use std::fmt::Write;

const WIDTH: usize = 80;

/// How much is said: -1 for `-q`, 1 for `-v`.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    pub verbosity: i8,
    pub colour: bool,
}

/// What has been told so far, and what comes next.
pub struct Teller {
    style: Style,
    total: usize,
    told: usize,
    /// The file of the line that is open, and how long that line is.
    file: Option<String>,
    column: usize,
}

impl Style {
    fn paint(self, code: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_string() }
    }
}

/// `==== title ====`
fn rule(fill: &str, title: &str) -> String {
    let room = WIDTH.saturating_sub(title.chars().count() + 2).max(2);
    format!("{} {title} {}", fill.repeat(room / 2), fill.repeat(room - room / 2))
}

fn interval_us(plan: &Plan) -> Option<u64> {
    let gil = &plan.config.gil;
    let row = policy::find(&gil.policy)?;
    matches!(row.unit, policy::Unit::Microseconds).then(|| gil.interval_us.unwrap_or(row.slice))
}

fn interval(us: u64) -> String {
    if us.is_multiple_of(1000) { format!("{} ms", us / 1000) } else { format!("{us} us") }
}

/// The lines before the first test.
pub fn header(plan: &Plan, tests: usize, broken: usize, deselected: usize, style: Style) -> String {
    let mut out = String::new();
    if style.verbosity >= 0 {
        let world = match plan.config.gil.world {
            World::Real => "real world".to_string(),
            World::Sim { seed: None } => "simulated".to_string(),
            World::Sim { seed: Some(seed) } => format!("simulated, seed {seed}"),
        };
        let interval = interval_us(plan).map_or_else(String::new, |us| format!(", switch interval {}", interval(us)));
        let _ = writeln!(out, "{}", style.paint("1", &rule("=", "test session starts")));
        let cores = host::cores();
        let cores = if cores == 1 { "1 core".to_string() } else { format!("{cores} cores") };
        let _ = writeln!(
            out,
            "kit {}: {world}, lock policy {}{interval}, {cores}",
            env!("CARGO_PKG_VERSION"),
            plan.config.gil.policy
        );
        let items = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
        let mut line = format!("collected {}", items(tests + deselected, "test"));
        if broken > 0 {
            let _ = write!(line, ", {}", items(broken, "error"));
        }
        if deselected > 0 {
            let _ = write!(line, ", {deselected} deselected by -k");
        }
        let _ = writeln!(out, "{line}\n");
    }
    out
}

impl Teller {
    pub fn new(total: usize, style: Style) -> Teller {
        Teller { style, total, told: 0, file: None, column: 0 }
    }

    /// The mark of one test; lines are closed when their file is.
    pub fn tell(&mut self, done: &Done) -> String {
        let mut out = String::new();
        let row = row(done.verdict);
        let percent = |told: usize, total: usize| format!("[{:3}%]", 100 * told / total.max(1));
        if self.style.verbosity > 0 {
            self.told += 1;
            let label = row.word.to_uppercase();
            let again = if done.runs > 1 { format!(", {} attempts", done.runs) } else { String::new() };
            let left = format!("{} {label} ({}{again})", done.test.id(), seconds(done.elapsed_ns));
            let right = percent(self.told, self.total);
            let gap = " ".repeat(WIDTH.saturating_sub(left.chars().count() + right.len()).max(1));
            let left = left.replace(&label, &self.style.paint(row.colour, &label));
            let _ = writeln!(out, "{left}{gap}{right}");
            return out;
        }
        if self.file.as_ref() != Some(&done.test.file) {
            out += &self.close();
            if self.style.verbosity == 0 {
                out += &format!("{} ", done.test.file);
                self.column = done.test.file.chars().count() + 1;
            }
            self.file = Some(done.test.file.clone());
        }
        if self.column >= WIDTH - 7 {
            out += &format!(" {}\n", percent(self.told, self.total));
            self.column = 0;
        }
        self.told += 1;
        self.column += 1;
        out += &self.style.paint(row.colour, &row.letter.to_string());
        out
    }

    /// Ends the line that is open.
    pub fn close(&mut self) -> String {
        if self.file.take().is_none() || self.style.verbosity > 0 {
            return String::new();
        }
        let right = format!("[{:3}%]", 100 * self.told / self.total.max(1));
        let gap = " ".repeat(WIDTH.saturating_sub(self.column + right.len()).max(1));
        self.column = 0;
        format!("{gap}{right}\n")
    }
}

fn seconds(ns: Nanos) -> String {
    let s = ns as f64 / 1e9;
    if s >= 0.1 { format!("{s:.2}s") } else { format!("{s:.3}s") }
}

/// Everything after the last mark.
pub fn ending(done: &[Done], broken: &[Broken], took: Nanos, interrupted: bool, style: Style) -> String {
    let mut out = String::new();
    sections(&mut out, done, broken, style);
    short_summary(&mut out, done, broken, style);
    let counts = Counts::of(done, broken);
    let mut parts = Vec::new();
    for (n, verdict, word) in [
        (counts.failed, Verdict::Failed, "failed"),
        (counts.passed, Verdict::Passed, "passed"),
        (counts.skipped, Verdict::Skipped, "skipped"),
        (counts.inconclusive, Verdict::Inconclusive, "inconclusive"),
        (counts.errors, Verdict::Error, if counts.errors == 1 { "error" } else { "errors" }),
    ] {
        if n > 0 {
            parts.push((format!("{n} {word}"), row(verdict).colour));
        }
    }
    if parts.is_empty() {
        parts.push(("no tests ran".to_string(), "33"));
    }
    if interrupted {
        parts.push(("interrupted".to_string(), "33"));
    }
    let bare: Vec<&str> = parts.iter().map(|(text, _)| text.as_str()).collect();
    let bare = format!("{} in {}", bare.join(", "), seconds(took));
    let colour = match counts.exit_code() {
        1 => "31",
        0 if !interrupted && counts.passed > 0 => "32",
        _ => "33",
    };
    let last = if style.verbosity < 0 { bare } else { rule("=", &bare) };
    let _ = writeln!(out, "{}", style.paint(colour, &last));
    out
}

/// Why each test that did not pass did not.
fn sections(out: &mut String, done: &[Done], broken: &[Broken], style: Style) {
    if !broken.is_empty() || done.iter().any(|d| d.verdict == Verdict::Error) {
        let _ = writeln!(out, "{}", rule("=", "ERRORS"));
        for b in broken {
            let _ = writeln!(out, "{}", style.paint("31;1", &rule("_", &format!("ERROR collecting {}", b.file))));
            out.push_str(&b.text);
        }
        for d in done.iter().filter(|d| d.verdict == Verdict::Error) {
            section(out, d, &format!("ERROR at the start of {}", d.test.name), style);
        }
    }
    for (verdict, title) in [(Verdict::Failed, "FAILURES"), (Verdict::Inconclusive, "INCONCLUSIVE")] {
        let mut first = true;
        for d in done.iter().filter(|d| d.verdict == verdict) {
            if std::mem::take(&mut first) {
                let _ = writeln!(out, "{}", rule("=", title));
            }
            section(out, d, &d.test.name, style);
        }
    }
}

fn section(out: &mut String, d: &Done, title: &str, style: Style) {
    let _ = writeln!(out, "{}", style.paint(&format!("{};1", row(d.verdict).colour), &rule("_", title)));
    let _ = writeln!(out, "{}:{}", d.test.file, d.test.line);
    out.push_str(&d.text);
    if d.runs > 1 {
        let _ = writeln!(out, "({} attempts; this is the last)", d.runs);
    }
    for (name, text) in [("stdout", &d.stdout), ("stderr", &d.stderr)] {
        if !text.is_empty() {
            let _ = writeln!(out, "{}", rule("-", &format!("Captured {name}")));
            out.push_str(text);
            if !text.ends_with('\n') {
                out.push('\n');
            }
        }
    }
}

fn short_summary(out: &mut String, done: &[Done], broken: &[Broken], style: Style) {
    let shown = |d: &&Done| !matches!(d.verdict, Verdict::Passed | Verdict::Interrupted);
    let mut lines: Vec<String> = Vec::new();
    for b in broken {
        lines.push(format!("{} {}", style.paint("31", "ERROR"), b.file));
    }
    for d in done.iter().filter(shown) {
        if d.verdict == Verdict::Skipped && style.verbosity < 1 {
            continue;
        }
        let label = style.paint(row(d.verdict).colour, &row(d.verdict).word.to_uppercase());
        let why = if d.summary.is_empty() { String::new() } else { format!(" - {}", d.summary) };
        lines.push(format!("{label} {}{why}", d.test.id()));
    }
    if !lines.is_empty() {
        let _ = writeln!(out, "{}", rule("=", "short test summary info"));
        for line in &lines {
            let _ = writeln!(out, "{line}");
        }
    }
}

/// All of it as one JSON value.
pub fn data(plan: &Plan, done: &[Done], broken: &[Broken], took: Nanos, exit: i32) -> Json {
    let (simulated, seed) = match plan.config.gil.world {
        World::Real => (false, None),
        World::Sim { seed } => (true, seed),
    };
    let tests: Vec<Json> = done
        .iter()
        .map(|d| {
            json!({
                "id": d.test.id(), "file": d.test.file, "name": d.test.name, "line": d.test.line,
                "verdict": row(d.verdict).word, "elapsed_ns": d.elapsed_ns, "attempts": d.runs,
                "summary": d.summary, "text": d.text, "stdout": d.stdout, "stderr": d.stderr,
            })
        })
        .collect();
    let errors: Vec<Json> = broken.iter().map(|b| json!({ "file": b.file, "text": b.text })).collect();
    let c = Counts::of(done, broken);
    json!({
        "kit": env!("CARGO_PKG_VERSION"),
        "policy": plan.config.gil.policy,
        "interval_us": interval_us(plan),
        "simulated": simulated,
        "seed": seed,
        "cores": host::cores(),
        "tests": tests,
        "collection_errors": errors,
        "counts": {
            "passed": c.passed, "failed": c.failed, "errors": c.errors,
            "inconclusive": c.inconclusive, "skipped": c.skipped,
        },
        "elapsed_ns": took,
        "exit_code": exit,
    })
}
