//! `kit test`: tests are found as pytest finds them (`collect.rs`), chosen by name (`select.rs`), run each
//! in a fresh process (`run.rs`, whose other half in the child is `engine/trial.rs`), and told (`report.rs`).
//!
//! Y1 A test's process answers with one frame (JSON). No frame means that the process died: a failure that
//!    says how.
//! Y2 An inconclusive duration is tried again in a fresh process, as often as its `attempts` say. A test
//!    that stays inconclusive is never counted as passed.
//! Y3 Results are told in the order of collection, however many run at once.
//!
//! Exit codes: 0 all passed; 1 a test failed, or a file could not be collected; 75 nothing failed but some
//! durations were inconclusive; 2 wrong usage, or no test was found; 130 Ctrl-C.
//!
//! Not here: whether a duration was met, and where the time went (`stdlib/timing`).

pub mod collect;
pub mod report;
pub mod run;
pub mod select;

use crate::engine::Config;
use crate::engine::trial::Verdict;
use crate::explore::trace;
use crate::world::Nanos;
use std::path::PathBuf;

/// How a verdict is told.
pub struct Row {
    pub verdict: Verdict,
    /// In data, and in the last line.
    pub word: &'static str,
    pub letter: char,
    /// Of a terminal (SGR).
    pub colour: &'static str,
}

/// THE table of verdicts, in the order in which the last line counts them.
pub const ROWS: &[Row] = &[
    Row { verdict: Verdict::Failed, word: "failed", letter: 'F', colour: "31" },
    Row { verdict: Verdict::Passed, word: "passed", letter: '.', colour: "32" },
    Row { verdict: Verdict::Skipped, word: "skipped", letter: 's', colour: "33" },
    Row { verdict: Verdict::Inconclusive, word: "inconclusive", letter: '?', colour: "33" },
    Row { verdict: Verdict::Error, word: "error", letter: 'E', colour: "31" },
    Row { verdict: Verdict::Interrupted, word: "interrupted", letter: '!', colour: "33" },
];

/// The row of a verdict.
pub fn row(verdict: Verdict) -> &'static Row {
    ROWS.iter().find(|r| r.verdict == verdict).unwrap_or(&ROWS[0])
}

/// A test: a file and a function in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Test {
    pub file: String,
    /// `test_a` or `TestB::test_c`.
    pub name: String,
    pub line: u32,
}

impl Test {
    pub fn id(&self) -> String {
        format!("{}::{}", self.file, self.name)
    }
}

/// A file that could not be collected.
#[derive(Clone, Debug)]
pub struct Broken {
    pub file: String,
    pub text: String,
}

/// A test that has been run, its last attempt if there were several.
#[derive(Clone, Debug)]
pub struct Done {
    pub test: Test,
    pub verdict: Verdict,
    /// Traceback, or how the process died.
    pub text: String,
    /// One line.
    pub summary: String,
    /// The test function's own time, virtual in simulation.
    pub elapsed_ns: Nanos,
    pub stdout: String,
    pub stderr: String,
    /// How often it was run.
    pub runs: u64,
}

/// How tests are run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Everything but the script.
    pub config: Config,
    pub timeout_ns: Nanos,
    pub jobs: usize,
    /// Stop after the first failure.
    pub first_only: bool,
    /// Inconclusive is failed.
    pub strict_timing: bool,
    /// The folder in which each test leaves a trace.
    pub trace: Option<PathBuf>,
}

impl Plan {
    /// The file for the trace of a test, which a later attempt writes again.
    pub fn trace_file(&self, test: &Test) -> Option<PathBuf> {
        let file = test.file.trim_end_matches(".kit").to_string();
        Some(self.trace.as_ref()?.join(trace::file_name(&[file, test.name.replace("::", ".")])))
    }

    /// The configuration for the tests of one file.
    pub fn config_for(&self, file: &str) -> Config {
        Config { script: crate::engine::Script::File(file.into()), argv: vec![file.to_string()], ..self.config.clone() }
    }
}

/// How many of each verdict.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Counts {
    pub passed: usize,
    pub failed: usize,
    /// Tests that could not begin, and files that could not be collected.
    pub errors: usize,
    pub inconclusive: usize,
    pub skipped: usize,
}

impl Counts {
    pub fn of(done: &[Done], broken: &[Broken]) -> Counts {
        let mut counts = Counts { errors: broken.len(), ..Counts::default() };
        for d in done {
            match d.verdict {
                Verdict::Passed => counts.passed += 1,
                Verdict::Failed => counts.failed += 1,
                Verdict::Error => counts.errors += 1,
                Verdict::Inconclusive => counts.inconclusive += 1,
                Verdict::Skipped => counts.skipped += 1,
                Verdict::Interrupted => {}
            }
        }
        counts
    }

    /// The exit code, when nobody interrupted.
    pub fn exit_code(self) -> i32 {
        match self {
            Counts { failed: 1.., .. } | Counts { errors: 1.., .. } => 1,
            Counts { inconclusive: 1.., .. } => INCONCLUSIVE,
            _ => 0,
        }
    }
}

/// The exit code when nothing failed but a duration stayed inconclusive.
pub const INCONCLUSIVE: i32 = 75;

#[cfg(test)]
mod tests {
    use super::Counts;

    #[test]
    fn exit_codes() {
        let code =
            |failed, errors, inconclusive| Counts { passed: 3, failed, errors, inconclusive, skipped: 1 }.exit_code();
        assert_eq!(code(0, 0, 0), 0);
        assert_eq!(code(1, 0, 2), 1);
        assert_eq!(code(0, 1, 2), 1);
        assert_eq!(code(0, 0, 2), 75);
    }
}
