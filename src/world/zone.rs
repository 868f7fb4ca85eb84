//! Local time: the offset from UTC of a moment, by the system's zone files and POSIX rules.
//!
//! As the C library has it: `TZ` names a zone or is a rule itself, without it `/etc/localtime` counts, and what
//! cannot be read is UTC. The zone last asked for is kept.

use parking_lot::Mutex;
use tz::{TimeZone, timezone::TimeZoneSettings};

/// How far local time is from UTC at some moment.
#[derive(Clone, PartialEq, Debug)]
pub struct Offset {
    pub seconds: i32,
    pub is_dst: bool,
    pub name: String,
}

/// The zone of a value of `TZ`.
type Kept = Option<(Option<String>, TimeZone)>;
static LAST: Mutex<Kept> = Mutex::new(None);

fn read(name: &Option<String>) -> TimeZone {
    let settings =
        TimeZoneSettings::new(TimeZoneSettings::DEFAULT_DIRECTORIES, |path| Ok(super::host::read_file(path.as_ref())?));
    let found = match name.as_deref() {
        None => settings.parse_local(),
        Some("") => return TimeZone::utc(),
        Some(name) => settings.parse_posix_tz(name),
    };
    found.unwrap_or_else(|_| TimeZone::utc())
}

/// The offset at a moment, in seconds since 1970.
pub fn offset(name: Option<String>, moment: i64) -> Offset {
    let mut last = LAST.lock();
    if last.as_ref().is_none_or(|(of, _)| *of != name) {
        let zone = read(&name);
        *last = Some((name, zone));
    }
    let found = last.as_ref().and_then(|(_, zone)| zone.find_local_time_type(moment).ok());
    found.map_or_else(utc, |t| Offset {
        seconds: t.ut_offset(),
        is_dst: t.is_dst(),
        name: if t.time_zone_designation().is_empty() { "UTC".into() } else { t.time_zone_designation().into() },
    })
}

pub fn utc() -> Offset {
    Offset { seconds: 0, is_dst: false, name: "UTC".into() }
}

#[cfg(test)]
mod tests {
    use super::offset;

    #[test]
    fn posix_rules_have_their_offsets() {
        let rule = Some("CET-1CEST,M3.5.0,M10.5.0/3".to_string());
        let summer = offset(rule.clone(), 1_720_000_000);
        assert_eq!((summer.seconds, summer.is_dst, summer.name.as_str()), (7200, true, "CEST"));
        let winter = offset(rule, 1_705_000_000);
        assert_eq!((winter.seconds, winter.is_dst, winter.name.as_str()), (3600, false, "CET"));
        assert_eq!(offset(Some("no such zone".into()), 0), super::utc());
    }
}
