//! What the kernel's scheduler says: how long each thread of this process was ready to run while something
//! else had its core (`schedstat`, Linux). `None` where the kernel does not tell.

use super::{Clock, Nanos, clock};
use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What the first threads of ended child processes waited for a core.
static LOST_BY_CHILDREN: AtomicU64 = AtomicU64::new(0);

/// The waiting of one thread since it began.
pub fn delay(native_id: u64) -> Option<Nanos> {
    second(&fs::read_to_string(format!("/proc/self/task/{native_id}/schedstat")).ok()?)
}

/// That of all threads of this process, by their OS number.
pub fn delays() -> Option<BTreeMap<u64, Nanos>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir("/proc/self/task").ok()? {
        let name = entry.ok()?.file_name();
        let Some(id) = name.to_str().and_then(|n| n.parse().ok()) else { continue };
        // A thread may end between the listing and here.
        if let Some(ns) = delay(id) {
            all.insert(id, ns);
        }
    }
    (!all.is_empty()).then_some(all)
}

/// Notes what a child process that has ended and is not reaped yet lost; nothing where the kernel does not tell.
pub(super) fn note_child(pid: u32) {
    let text = fs::read_to_string(format!("/proc/{pid}/schedstat"));
    LOST_BY_CHILDREN.fetch_add(text.ok().and_then(|t| second(&t)).unwrap_or(0), Relaxed);
}

/// What the child processes that have ended waited for a core, each its first thread.
pub fn lost_by_children() -> Nanos {
    LOST_BY_CHILDREN.load(Relaxed)
}

/// The second number: nanoseconds ready but not running.
fn second(text: &str) -> Option<Nanos> {
    text.split_whitespace().nth(1)?.parse().ok()
}

/// How long something outside this machine had its cores while they had work, over all cores; kept in
/// steps of 10 ms. A virtual machine's threads lose this time and no schedstat shows it.
pub fn stolen() -> Nanos {
    const TICK_NS: Nanos = 10_000_000;
    let ticks =
        fs::read_to_string("/proc/stat").ok().and_then(|t| t.lines().next()?.split_whitespace().nth(8)?.parse().ok());
    ticks.map_or(0, |n: Nanos| n.saturating_mul(TICK_NS))
}

/// Load average and CPU pressure, in words for a report; empty where the system does not tell.
pub fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").ok().and_then(|t| Some(t.split_whitespace().next()?.to_string()));
    let pressure = fs::read_to_string("/proc/pressure/cpu").ok();
    let pressure = pressure.and_then(|t| Some(t.split("avg10=").nth(1)?.split_whitespace().next()?.to_string()));
    let mut words = Vec::new();
    words.extend(load.map(|l| format!("load {l} on {} cores", super::host::cores())));
    words.extend(pressure.map(|p| format!("CPU pressure {p} %")));
    words.join(", ")
}

/// Whether a short piece of work takes more than a fifth longer than the CPU time it uses.
pub fn busy() -> bool {
    const WORK_NS: Nanos = 5_000_000;
    let (wall, cpu) = (clock::read(Clock::Monotonic), clock::read(Clock::Thread));
    while clock::read(Clock::Thread).saturating_sub(cpu) < WORK_NS {
        std::hint::spin_loop();
    }
    clock::read(Clock::Monotonic).saturating_sub(wall) > WORK_NS + WORK_NS / 5
}

#[cfg(test)]
mod tests {
    use super::second;

    #[test]
    fn the_second_number() {
        assert_eq!(second("544780 7965 2\n"), Some(7965));
        assert_eq!(second(""), None);
        assert_eq!(second("1 x 2"), None);
    }
}
