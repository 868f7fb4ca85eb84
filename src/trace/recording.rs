//! A recording: what a run's logs held, as plain data, and its form between processes.

use super::event::Event;
use std::sync::Arc;

/// A line of a script.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Spot {
    pub file: Arc<str>,
    pub line: u32,
    pub function: Arc<str>,
}

/// A process of a run.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Process {
    /// The OS's number, in simulation one counted from 1.
    pub pid: u32,
    /// The process that started it; 0 for the first.
    pub parent: u32,
    pub name: String,
    pub policy: String,
    /// The slice, in the policy's unit.
    pub interval_us: u64,
    pub born: u64,
}

/// What one thread did.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Thread {
    /// Index into `Recording::processes`.
    pub process: u32,
    pub thread: u32,
    pub name: String,
    pub events: Vec<(u64, Event)>,
    pub dropped: u64,
}

/// All of it. Numbers of places and texts in events count from 1.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Recording {
    pub processes: Vec<Process>,
    pub threads: Vec<Thread>,
    pub requests: Vec<(u64, Event)>,
    pub requests_dropped: u64,
    pub places: Vec<Spot>,
    pub texts: Vec<Arc<str>>,
    pub end: u64,
}

/// The first bytes of an encoded recording; the last one is the version.
const MAGIC: &[u8] = b"kittrace1";

impl Recording {
    /// Adds what another process has recorded.
    pub fn merge(&mut self, other: Recording) {
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let (processes, places, texts) =
            (count(self.processes.len()), count(self.places.len()), count(self.texts.len()));
        self.processes.extend(other.processes);
        self.places.extend(other.places);
        self.texts.extend(other.texts);
        for mut thread in other.threads {
            thread.process += processes;
            thread.events.iter_mut().for_each(|(_, event)| *event = event.shift(places, texts));
            self.threads.push(thread);
        }
        // Requests name threads of the first process only: those of others become marks in their threads' logs.
        for (at, event) in other.requests {
            if let Event::Requested { holder, .. } = event
                && let Some(thread) = self.threads.iter_mut().find(|t| t.process == processes && t.thread == holder)
            {
                let place = thread.events.partition_point(|(then, _)| *then <= at);
                thread.events.insert(place, (at, event));
            }
        }
        self.requests_dropped += other.requests_dropped;
        self.end = self.end.max(other.end);
    }

    /// How many events did not fit.
    pub fn dropped(&self) -> u64 {
        self.requests_dropped + self.threads.iter().map(|t| t.dropped).sum::<u64>()
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer(MAGIC.to_vec());
        w.number(self.end);
        w.number(self.requests_dropped);
        w.row(&self.processes, |w, p| {
            [u64::from(p.pid), u64::from(p.parent), p.interval_us, p.born].into_iter().for_each(|n| w.number(n));
            w.text(&p.name);
            w.text(&p.policy);
        });
        w.row(&self.places, |w, p| {
            w.text(&p.file);
            w.number(u64::from(p.line));
            w.text(&p.function);
        });
        w.row(&self.texts, |w, t| w.text(t));
        w.row(&self.threads, |w, t| {
            [u64::from(t.process), u64::from(t.thread), t.dropped].into_iter().for_each(|n| w.number(n));
            w.text(&t.name);
            w.row(&t.events, Writer::event);
        });
        w.row(&self.requests, Writer::event);
        w.0
    }

    /// Reads what `encode` wrote; `None` for anything else.
    pub fn decode(bytes: &[u8]) -> Option<Recording> {
        let mut r = Reader(bytes.strip_prefix(MAGIC)?);
        let recording = Recording {
            end: r.number()?,
            requests_dropped: r.number()?,
            processes: r.row(|r| {
                Some(Process {
                    pid: r.small()?,
                    parent: r.small()?,
                    interval_us: r.number()?,
                    born: r.number()?,
                    name: r.text()?.to_string(),
                    policy: r.text()?.to_string(),
                })
            })?,
            places: r.row(|r| Some(Spot { file: r.text()?.into(), line: r.small()?, function: r.text()?.into() }))?,
            texts: r.row(|r| Some(Arc::from(r.text()?)))?,
            threads: r.row(|r| {
                Some(Thread {
                    process: r.small()?,
                    thread: r.small()?,
                    dropped: r.number()?,
                    name: r.text()?.to_string(),
                    events: r.row(Reader::event)?,
                })
            })?,
            requests: r.row(Reader::event)?,
        };
        r.0.is_empty().then_some(recording)
    }
}

struct Writer(Vec<u8>);

impl Writer {
    fn number(&mut self, n: u64) {
        self.0.extend(n.to_le_bytes());
    }
    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.0.extend(text.as_bytes());
    }
    fn event(&mut self, (at, event): &(u64, Event)) {
        self.number(*at);
        event.words().into_iter().for_each(|word| self.0.extend(word.to_le_bytes()));
    }
    fn row<T>(&mut self, row: &[T], one: impl Fn(&mut Writer, &T)) {
        self.number(row.len() as u64);
        row.iter().for_each(|item| one(self, item));
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn number(&mut self) -> Option<u64> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u64::from_le_bytes(*bytes))
    }
    fn small(&mut self) -> Option<u32> {
        self.number()?.try_into().ok()
    }
    fn text(&mut self) -> Option<&'a str> {
        let length = self.number()?.try_into().ok()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        std::str::from_utf8(text).ok()
    }
    fn event(&mut self) -> Option<(u64, Event)> {
        let at = self.number()?;
        let (bytes, rest) = self.0.split_first_chunk::<16>()?;
        self.0 = rest;
        let word = |i: usize| u32::from_le_bytes([bytes[i * 4], bytes[i * 4 + 1], bytes[i * 4 + 2], bytes[i * 4 + 3]]);
        Some((at, Event::of([word(0), word(1), word(2), word(3)])?))
    }
    fn row<T>(&mut self, one: impl Fn(&mut Reader<'a>) -> Option<T>) -> Option<Vec<T>> {
        let length = self.number()?;
        let mut row = Vec::new();
        for _ in 0..length {
            row.push(one(self)?);
        }
        Some(row)
    }
}

#[cfg(test)]
mod tests {
    use super::{Process, Recording, Spot, Thread};
    use crate::trace::{Event, PlaceIx, TextIx};

    fn recording(pid: u32) -> Recording {
        let process = Process { pid, parent: 1, name: "P".into(), policy: "fifo".into(), interval_us: 5, born: 2 };
        let held = Event::Holding { what: TextIx(1), place: PlaceIx(1) };
        let events = vec![(3, Event::Resumed {}), (9, held)];
        Recording {
            processes: vec![process],
            threads: vec![Thread { process: 0, thread: 4, name: "t".into(), events, dropped: 1 }],
            requests: vec![(5, Event::Requested { holder: 4, by: 0 })],
            requests_dropped: 2,
            places: vec![Spot { file: "ä.kit".into(), line: 3, function: "f".into() }],
            texts: vec!["c_sleep".into()],
            end: 10 + u64::from(pid),
        }
    }

    #[test]
    fn encoded_and_back() {
        let r = recording(7);
        let bytes = r.encode();
        assert_eq!(Recording::decode(&bytes), Some(r));
        for end in 0..bytes.len() {
            assert_eq!(Recording::decode(&bytes[..end]), None, "{end} bytes");
        }
    }

    #[test]
    fn two_processes_become_one_recording() {
        let mut r = recording(7);
        r.merge(recording(8));
        assert_eq!((r.processes.len(), r.threads.len(), r.end, r.dropped()), (2, 2, 18, 6));
        let held = Event::Holding { what: TextIx(2), place: PlaceIx(2) };
        let asked = Event::Requested { holder: 4, by: 0 };
        assert_eq!(r.threads[1].events, [(3, Event::Resumed {}), (5, asked), (9, held)]);
        assert_eq!(r.threads[1].process, 1);
    }
}
