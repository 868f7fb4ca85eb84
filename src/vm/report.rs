//! What a script tells whoever started the run, and what it was told: figures (`kit.metric`), parameters
//! (`kit.param`), and whether it changed the switch interval behind a sweep's back.

use crate::gil::Held;
use crate::object::Guarded;
use indexmap::{IndexMap, IndexSet};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Which of two figures is the better one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Better {
    Lower,
    Higher,
}

impl Better {
    pub const ALL: [Better; 2] = [Better::Lower, Better::Higher];

    pub fn word(self) -> &'static str {
        match self {
            Better::Lower => "lower",
            Better::Higher => "higher",
        }
    }

    pub fn find(word: &str) -> Option<Better> {
        Better::ALL.into_iter().find(|b| b.word() == word)
    }
}

/// A figure that a script reported: always finite.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Metric {
    pub value: f64,
    pub better: Better,
}

/// What a run has said of itself when it ends.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// In the order in which they were first reported; of a name reported again the last value counts.
    pub metrics: IndexMap<String, Metric>,
    /// Parameters that were given and never asked for: most likely misspelt.
    pub params_unused: Vec<String>,
    /// The script called `sys.setswitchinterval`.
    pub interval_changed: bool,
}

/// The same while the run goes on; part of the interpreter.
#[derive(Default)]
pub struct Reporting {
    /// `--param NAME=VALUE`, set once at start.
    params: OnceLock<Vec<(String, String)>>,
    asked: Guarded<IndexSet<String>>,
    metrics: Guarded<IndexMap<String, Metric>>,
    interval_changed: AtomicBool,
}

impl Reporting {
    /// Called once, before scripts run.
    pub fn set_params(&self, params: Vec<(String, String)>) {
        assert!(self.params.set(params).is_ok(), "set once");
    }

    /// The text given for a parameter, if any; of a name given twice the last.
    pub fn param(&self, held: &Held, name: &str) -> Option<String> {
        let given = self.params.get()?.iter().rev().find(|(n, _)| n == name)?;
        self.asked.with(held, |asked| asked.insert(name.to_string()));
        Some(given.1.clone())
    }

    pub fn metric(&self, held: &Held, name: &str, metric: Metric) {
        self.metrics.with(held, |all| all.insert(name.to_string(), metric));
    }

    pub fn interval_changed(&self) {
        self.interval_changed.store(true, Relaxed);
    }

    /// All of it, as it is now.
    pub fn read(&self, held: &Held) -> Report {
        let given = self.params.get().map_or(&[][..], |p| p);
        let params_unused = self.asked.with(held, |asked| {
            let unused = given.iter().filter(|(n, _)| !asked.contains(n)).map(|(n, _)| n.clone());
            unused.collect::<IndexSet<_>>().into_iter().collect()
        });
        Report {
            metrics: self.metrics.with(held, |all| all.clone()),
            params_unused,
            interval_changed: self.interval_changed.load(Relaxed),
        }
    }
}
