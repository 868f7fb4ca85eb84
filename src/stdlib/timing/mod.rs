//! Timed regions: how long a block of a script took, whether that is what was demanded, and where the time
//! went. `kit.expect_duration` (kit/testing.kit) is written over these natives.
//!
//! M1 The clock is read last at the beginning and first at the end: what is done here is not in the time.
//! M2 In simulation there is no noise. In the real world noise is the time for which threads were ready
//!    while the OS ran something else, as its scheduler counts it for each thread or as the thread sees it
//!    when it wakes up after its deadline; and what other machines took from this one's cores (steal).
//! M3 Approximation of the critical path: the region's thread loses its own waiting for a core, and the
//!    other threads' (the lock's timer among them) and that of child processes which ended meanwhile at most
//!    as long as it waited for them: for the lock, or in a join, lock, queue, condition; and one turn of the
//!    lock if a switch interval was lost (`judge::noise`). What others lose while it sleeps or computes
//!    delays nobody here.
//!
//! Not here: trying again and exit codes (`explore/testing`); what a child's other threads lost; page faults.

mod judge;
mod report;

use super::seconds;
use crate::gil::policy;
use crate::gil::stats::{Stats, ThreadStats};
use crate::natives;
use crate::object::opaque::Opaque;
use crate::object::types::Attrs;
use crate::object::{Ref, TypeId, Value};
use crate::vm::{Call, Res};
use crate::world::{Clock, Nanos, Place, WaitKind, sched};
use judge::{Bounds, Judgement, Noise};
use std::collections::BTreeMap;

natives! { pub TIMING, "_timing";
    /// Begins a timed region.
    holds begin("") = begin;
    /// Ends it; the seconds it took.
    holds end("region, /") = end;
    /// ("met", "failed" or "inconclusive", report) for bounds in seconds or None.
    holds judge("region, at_least, at_most, exact, wanted, /") = judged;
    /// Whether time is virtual.
    holds simulated("") = simulated;
}

/// Counters at one moment.
struct Moment {
    at: Nanos,
    stats: Stats,
    /// Waiting for a core by OS thread; none where the kernel does not tell.
    delays: Option<BTreeMap<u64, Nanos>>,
    /// Time of cores that went to other machines.
    stolen: Nanos,
    /// What child processes that have ended lost.
    children: Nanos,
}

/// The counters now; the clock is read last unless it was before.
fn moment(c: &mut Call, delays: Option<BTreeMap<u64, Nanos>>, at: Option<Nanos>) -> Moment {
    let simulated = c.held.simulated();
    let stats = c.held.stats();
    let (stolen, children) = if simulated { (0, 0) } else { (sched::stolen(), sched::lost_by_children()) };
    let at = at.unwrap_or_else(|| c.held.now(Clock::Monotonic));
    Moment { at, stats, delays, stolen, children }
}

struct Region {
    place: Place,
    tid: u32,
    simulated: bool,
    begin: Moment,
    end: Option<Moment>,
    /// The kernel does not tell, and a piece of work took too long.
    busy: bool,
}

/// What one thread did in the region.
pub struct Part {
    pub stats: ThreadStats,
    /// It waited so long for a core.
    pub delay_ns: Nanos,
}

/// A region that has ended, as differences.
pub struct Spent {
    pub place: Place,
    pub took: Nanos,
    pub simulated: bool,
    /// The region's own thread first.
    pub threads: Vec<Part>,
    pub noise: Noise,
}

fn delays(simulated: bool) -> Option<BTreeMap<u64, Nanos>> {
    if simulated { Some(BTreeMap::new()) } else { sched::delays() }
}

fn begin(c: &mut Call) -> Res<Value> {
    let simulated = c.held.simulated();
    c.held.watch();
    let delays = delays(simulated);
    let busy = delays.is_none() && sched::busy();
    let begin = moment(c, delays, None);
    let region = Region { place: c.place(), tid: c.held.tid().0, simulated, begin, end: None, busy };
    let state = Opaque { state: Box::new(region), attrs: Attrs::default() };
    Ok(Ref::new(&c.held, TypeId::TimedRegion.shape(), state).into())
}

/// Opens argument 0.
fn open<R>(c: &mut Call, f: impl FnOnce(&mut Region) -> R) -> Res<R> {
    let v = c.arg(0);
    let region = v
        .as_ref()
        .and_then(|r| r.try_with::<Opaque, _>(&c.held, |o| o.state.downcast_mut::<Region>().map(f)).flatten());
    match region {
        Some(r) => Ok(r),
        None => Err(c.type_error("a timed region is needed")),
    }
}

fn end(c: &mut Call) -> Res<Value> {
    let at = c.held.now(Clock::Monotonic);
    let delays = delays(c.held.simulated());
    let moment = moment(c, delays, Some(at));
    let busy = moment.delays.is_none() && sched::busy();
    let took = open(c, |r| {
        r.busy |= busy;
        r.end = Some(moment);
        at.saturating_sub(r.begin.at)
    })?;
    Ok(Value::float(took as f64 / 1e9))
}

fn simulated(c: &mut Call) -> Res<Value> {
    Ok(Value::bool(c.held.simulated()))
}

fn bound(c: &mut Call, at: usize) -> Res<Option<Nanos>> {
    match c.some(at) {
        Some(v) => Ok(u64::try_from(seconds::nanos(c, &v)?).ok()),
        None => Ok(None),
    }
}

fn judged(c: &mut Call) -> Res<Value> {
    let (least, most) = (bound(c, 1)?, bound(c, 2)?);
    let exact = c.arg(3);
    let exact = c.truth(&exact)?;
    let wanted = c.arg(4);
    let wanted = c.expect_str(&wanted, "the wanted duration")?.to_string();
    let Some(spent) = open(c, |r| r.spent())? else {
        return Err(c.value_error("the region has not ended"));
    };
    let judgement = judge::judge(Bounds { least, most, exact }, spent.took, spent.noise);
    let (word, text) = match judgement {
        Judgement::Met => ("met", String::new()),
        Judgement::TooShort | Judgement::TooLong => ("failed", report::failed(&spent, &wanted)),
        Judgement::Inconclusive => ("inconclusive", report::inconclusive(&spent, &wanted)),
    };
    let (word, text) = (c.str(word), c.string(text));
    Ok(c.tuple(vec![word, text]))
}

impl Region {
    fn spent(&mut self) -> Option<Spent> {
        let end = self.end.as_ref()?;
        let none = BTreeMap::new();
        let before = self.begin.delays.as_ref().unwrap_or(&none);
        let after = end.delays.as_ref().unwrap_or(&none);
        let since = |id: u64, now: Nanos| now.saturating_sub(before.get(&id).copied().unwrap_or(0));
        let mut threads = Vec::new();
        let mut ended = 0;
        for now in &end.stats.threads {
            let then = self.begin.stats.threads.iter().find(|t| t.tid == now.tid);
            let id = then.map_or(0, |t| t.native_id);
            let delay_ns = match now.native_id {
                0 if then.is_some_and(|t| t.native_id == 0) => 0,
                0 => {
                    let delay = since(id, now.delay_ns);
                    ended += delay;
                    delay
                }
                id => since(id, after.get(&id).copied().unwrap_or(0)),
            };
            let mut part = Part { stats: then.map_or_else(|| now.clone(), |then| now.since(then)), delay_ns };
            if part.stats.starting_ns
                + part.stats.waiting_ns
                + part.stats.held_ns()
                + part.stats.native_ns
                + part.stats.blocked_all_ns()
                == 0
            {
                continue;
            }
            part.stats.tid = now.tid;
            // A thread that wakes up late was waiting for a core, whether or not the kernel counted it so.
            part.delay_ns = part.delay_ns.max(part.stats.late_ns);
            threads.push(part);
        }
        threads.sort_by_key(|p| (p.stats.tid != self.tid, p.stats.tid));
        let took = end.at.saturating_sub(self.begin.at);
        let own = threads.first().filter(|p| p.stats.tid == self.tid);
        let (own_delay, waited) = own.map_or((0, 0), |p| (p.delay_ns, waited_for_others(&p.stats)));
        let counted: Nanos = after.iter().map(|(id, now)| since(*id, *now)).sum::<Nanos>() + ended;
        let all = counted.max(threads.iter().map(|p| p.delay_ns).sum());
        let own_delay = own_delay.saturating_add(end.stolen.saturating_sub(self.begin.stolen));
        let children = end.children.saturating_sub(self.begin.children);
        let noise = match (&self.begin.delays, &end.delays) {
            _ if self.simulated => Noise::Known(0),
            (Some(_), Some(_)) => Noise::Known({
                let interval = policy::inner_slice(end.stats.unit, end.stats.interval_us);
                let turn = end.stats.threads.iter().map(|t| t.wait_ns_max).max().unwrap_or(0);
                let others = all.saturating_sub(own.map_or(0, |p| p.delay_ns)).saturating_add(children);
                judge::noise(own_delay, others, waited, interval, turn)
            }),
            _ => Noise::Unknown { busy: self.busy },
        };
        Some(Spent { place: self.place.clone(), took, simulated: self.simulated, threads, noise })
    }
}

/// For the lock, or for what only another thread or a child process could do.
fn waited_for_others(t: &ThreadStats) -> Nanos {
    let other = |k: &WaitKind| !matches!(k, WaitKind::Sleep);
    let blocked = WaitKind::ALL.iter().zip(t.blocked_ns).filter(|(k, _)| other(k)).map(|(_, ns)| ns);
    t.waiting_ns + blocked.sum::<Nanos>()
}
