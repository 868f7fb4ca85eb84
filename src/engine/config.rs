//! What a run is told, and THE table of settings: name, flag, environment variable, unit, doc.

use crate::gil::{GilConfig, World, policy};
use crate::world::disk::Writes;
use crate::world::host;
use std::path::PathBuf;

/// Where the script's text comes from.
#[derive(Clone, Debug)]
pub enum Script {
    File(PathBuf),
    /// Text, not yet known to be valid, with the name that messages show (`<string>`, `<stdin>`).
    Text {
        name: String,
        bytes: Vec<u8>,
    },
}

/// A run, complete.
#[derive(Clone, Debug)]
pub struct Config {
    pub script: Script,
    /// `sys.argv`.
    pub argv: Vec<String>,
    /// What `kit.param` finds, as given; of a name given twice the last counts.
    pub params: Vec<(String, String)>,
    pub gil: GilConfig,
    pub every_safe_point: bool,
    /// Read the counters at the end.
    pub stats: bool,
    /// Record events: the folder in which child processes leave theirs.
    pub trace: Option<PathBuf>,
    /// Count in child processes, too: the folder in which they leave their counters.
    pub counts: Option<PathBuf>,
    /// What becomes of what a simulation writes to files.
    pub sim_fs: Writes,
    /// Colour in error messages.
    pub colour: bool,
}

/// A setting that can be given by flag or environment; the flag wins.
pub struct Setting {
    pub name: &'static str,
    pub flag: &'static str,
    pub env: &'static str,
    pub doc: &'static str,
}

/// The settings.
pub const SETTINGS: &[Setting] = &[
    Setting { name: "gil", flag: "--gil", env: "KIT_GIL", doc: "Lock policy (kit policies lists them)." },
    Setting {
        name: "switch-interval",
        flag: "--switch-interval",
        env: "KIT_SWITCH_INTERVAL",
        doc: "How long a waiter waits before it asks for the lock: 5ms, 50us, 0.005 (seconds).",
    },
    Setting {
        name: "sim-fs",
        flag: "--sim-fs",
        env: "KIT_SIM_FS",
        doc: "Where a simulation's writes to files go: overlay (memory, gone at the end), commit (the real files), deny.",
    },
];

/// The value of a setting: the flag's if given, else the environment's.
pub fn setting(name: &str, flag: Option<String>) -> Option<String> {
    flag.or_else(|| SETTINGS.iter().find(|s| s.name == name).and_then(|s| host::env_var(s.env)))
}

/// Reads a length of time: `5ms`, `50us`, `1s`, or a plain number of seconds. In whole microseconds.
pub fn parse_interval(text: &str) -> Result<u64, String> {
    let wrong = || format!("'{text}' is not a length of time; write 5ms, 50us, 1s or 0.005");
    let text_ = text.trim();
    let (digits, scale) = [("us", 1.0), ("µs", 1.0), ("ms", 1e3), ("s", 1e6)]
        .iter()
        .find_map(|(unit, scale)| text_.strip_suffix(unit).map(|d| (d, *scale)))
        .unwrap_or((text_, 1e6));
    let n: f64 = digits.trim().parse().map_err(|_| wrong())?;
    if !n.is_finite() || n <= 0.0 {
        return Err(format!("the switch interval must be strictly positive, not '{text}'"));
    }
    let us = n * scale;
    if us > 1e15 {
        return Err(format!("'{text}' is too long for a switch interval"));
    }
    Ok((us + 1e-6).floor() as u64)
}

/// Reads a number of safe points, for the policies that count those.
fn parse_checks(policy: &str, text: &str) -> Result<u64, String> {
    match text.trim().parse() {
        Ok(n) if n > 0 => Ok(n),
        _ => Err(format!("the lock policy '{policy}' has a check interval: write --switch-interval 100, not '{text}'")),
    }
}

/// Policy and interval of a run, checked.
pub fn gil_config(policy_name: Option<String>, interval: Option<String>, world: World) -> Result<GilConfig, String> {
    let mut c = GilConfig { world, signals: true, ..GilConfig::default() };
    if let Some(p) = policy_name {
        let Some(row) = policy::find(&p) else {
            let known: Vec<&str> = policy::POLICIES.iter().map(|r| r.name).collect();
            return Err(format!("unknown lock policy '{p}'; there are: {}", known.join(", ")));
        };
        c.policy = row.name.to_string();
    }
    if let Some(i) = interval {
        c.interval_us = Some(match policy::find(&c.policy).map(|r| r.unit) {
            Some(policy::Unit::Microseconds) => parse_interval(&i)?,
            Some(policy::Unit::Checks(_)) => parse_checks(&c.policy, &i)?,
            _ => return Err(format!("the lock policy '{}' has no switch interval", c.policy)),
        });
    }
    Ok(c)
}

/// What becomes of a simulation's writes: the flag's word, the environment's, or the default.
pub fn sim_fs(flag: Option<String>) -> Result<Writes, String> {
    let Some(word) = setting("sim-fs", flag) else { return Ok(Writes::Overlay) };
    Writes::named(&word).ok_or_else(|| {
        let known: Vec<&str> = Writes::ALL.iter().map(|w| w.word()).collect();
        format!("unknown place for a simulation's writes '{word}'; there are: {}", known.join(", "))
    })
}

/// The text of an interval, as `parse_interval` reads it: `5ms`, `0.5ms`, `50us`, `2s`.
pub fn interval_text(us: u64) -> String {
    match us {
        0..100 => format!("{us}us"),
        100..1_000_000 => format!("{}ms", us as f64 / 1e3),
        _ => format!("{}s", us as f64 / 1e6),
    }
}

/// Reads `NAME=VALUE` of `--param`.
pub fn parse_param(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_string(), value.to_string())),
        _ => Err(format!("'{text}' is not a parameter; write NAME=VALUE")),
    }
}

#[cfg(test)]
mod tests {
    use super::{interval_text, parse_interval, parse_param};

    #[test]
    fn lengths_of_time() {
        for (text, us) in
            [("5ms", 5000), ("50us", 50), ("0.005", 5000), ("1s", 1_000_000), ("0.5ms", 500), (" 2 ms", 2000)]
        {
            assert_eq!(parse_interval(text), Ok(us), "{text}");
        }
        for text in ["", "ms", "0", "-1ms", "nan", "inf", "5 hours"] {
            assert!(parse_interval(text).is_err(), "{text}");
        }
        for us in [1, 50, 100, 500, 1500, 5000, 999_999, 1_000_000, 2_500_000] {
            assert_eq!(parse_interval(&interval_text(us)), Ok(us), "{}", interval_text(us));
        }
        assert_eq!(interval_text(500), "0.5ms");
    }

    #[test]
    fn parameters() {
        assert_eq!(parse_param("n=3"), Ok(("n".into(), "3".into())));
        assert_eq!(parse_param("n=a=b"), Ok(("n".into(), "a=b".into())));
        assert!(parse_param("n").is_err() && parse_param("=3").is_err());
    }
}
