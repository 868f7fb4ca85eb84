//! What a server answers: routes, answers, delays, faults. Pure data with a seed (H6).

use super::super::Nanos;
use super::super::random::Random;
use super::decode;
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use hyper::body::Bytes;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What goes wrong with an answer on purpose.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub enum Fault {
    #[default]
    None,
    /// The whole length is announced, so many bytes are sent, then the connection is closed.
    Truncate(usize),
    /// The connection is reset in place of an answer.
    Reset,
    /// The connection is closed in place of an answer.
    Close,
    /// There is never an answer.
    Hang,
}

/// Where a body comes from.
#[derive(Clone, Debug)]
pub enum Content {
    Fixed(Bytes),
    /// `{name}` stands for what the path has there.
    Template(String),
    /// Sent piece by piece, without a length.
    Chunks(Vec<Bytes>),
    /// The request, as JSON.
    Echo,
}

/// One answer. What is `None` is as the server has it.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub reason: Option<String>,
    pub headers: Vec<(String, String)>,
    pub content: Content,
    pub latency: Option<Nanos>,
    pub jitter: Option<Nanos>,
    pub fail_rate: Option<f64>,
    pub fault: Fault,
    /// Between chunks, or with `drip` between bytes.
    pub pause: Nanos,
    /// One byte at a time.
    pub drip: bool,
    pub gzip: bool,
}

impl Default for Answer {
    fn default() -> Answer {
        let content = Content::Fixed(Bytes::new());
        let (reason, latency, jitter, fail_rate) = (None, None, None, None);
        let (status, headers, fault, pause, drip, gzip) = (200, vec![], Fault::None, 0, false, false);
        Answer { status, reason, headers, content, latency, jitter, fail_rate, fault, pause, drip, gzip }
    }
}

/// A path, for one method or for all, and its answers: one request after the other gets the next one, the
/// last one stays.
pub struct Route {
    pub method: Option<String>,
    pub path: String,
    pub answers: Vec<Answer>,
    asked: AtomicU64,
}

/// A server's plan.
pub struct Plan {
    routes: Vec<Route>,
    /// Routes without a hole, by path.
    exact: HashMap<String, Vec<usize>, FixedState>,
    pub latency: Nanos,
    pub jitter: Nanos,
    pub fail_rate: f64,
    seed: u64,
    asked: AtomicU64,
}

/// A request as a plan sees it.
pub struct Asked<'a> {
    pub method: &'a str,
    /// Path and query.
    pub target: &'a str,
    pub headers: &'a [(String, String)],
    pub body: &'a [u8],
}

/// What becomes of a request after the latency.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    Answer,
    Reset,
    Close,
    Hang,
}

/// A part of a body, and how long after the one before it is sent.
#[derive(Clone, PartialEq, Debug)]
pub struct Part {
    pub delay: Nanos,
    pub bytes: Bytes,
}

/// An answer with nothing left to decide.
#[derive(Clone, PartialEq, Debug)]
pub struct Reply {
    pub latency: Nanos,
    pub fate: Fate,
    pub status: u16,
    pub reason: Option<String>,
    pub headers: Vec<(String, String)>,
    /// Content-Length; without it the parts are sent as chunks.
    pub length: Option<u64>,
    pub parts: Vec<Part>,
    /// The connection is closed after the parts, although more was announced.
    pub cut: bool,
}

impl Route {
    pub fn new(method: Option<String>, path: String, answers: Vec<Answer>) -> Route {
        Route { method, path, answers, asked: AtomicU64::new(0) }
    }

    fn takes(&self, method: &str) -> bool {
        match self.method.as_deref() {
            None => true,
            Some(own) => own == method || (own == "GET" && method == "HEAD"),
        }
    }
}

/// Is it a pattern rather than a path?
fn has_hole(path: &str) -> bool {
    path == "*" || path.contains('{')
}

/// What a path has in the holes of a pattern, each of which takes at least one character and no slash.
fn matches(pattern: &str, path: &str, found: &mut BTreeMap<String, String>) -> bool {
    let Some(hole) = pattern.find('{') else { return pattern == path };
    let Some(rest) = path.strip_prefix(&pattern[..hole]) else { return false };
    let Some((name, after)) = pattern[hole + 1..].split_once('}') else { return pattern == path };
    let end = rest.find('/').unwrap_or(rest.len());
    let ends: Vec<usize> = rest[..end].char_indices().map(|(i, c)| i + c.len_utf8()).collect();
    for at in ends.into_iter().rev() {
        if matches(after, &rest[at..], found) {
            found.insert(name.to_string(), rest[..at].to_string());
            return true;
        }
    }
    false
}

/// The body of a failure that was asked for.
const FAILURE: &str = "a failure that fail_rate planned\n";

impl Plan {
    pub fn new(routes: Vec<Route>, latency: Nanos, jitter: Nanos, fail_rate: f64, seed: u64) -> Plan {
        let mut exact: HashMap<String, Vec<usize>, FixedState> = HashMap::default();
        for (i, route) in routes.iter().enumerate().filter(|(_, r)| !has_hole(&r.path)) {
            exact.entry(route.path.clone()).or_default().push(i);
        }
        Plan { routes, exact, latency, jitter, fail_rate, seed, asked: AtomicU64::new(0) }
    }

    /// How many requests there were.
    pub fn count(&self) -> u64 {
        self.asked.load(Relaxed)
    }

    /// Decides one request.
    pub fn reply(&self, asked: &Asked) -> Reply {
        let number = self.asked.fetch_add(1, Relaxed);
        let path = asked.target.split(['?', '#']).next().unwrap_or_default();
        let mut holes = BTreeMap::new();
        let Some((route, known)) = self.find(asked.method, path, &mut holes) else {
            return Reply { latency: self.delayed(number, None), ..self.plain(404, "Not Found\n", asked.method) };
        };
        let Some(route) = route else {
            let mut reply = self.plain(405, "Method Not Allowed\n", asked.method);
            reply.latency = self.delayed(number, None);
            reply.headers.push(("Allow".into(), known.join(", ")));
            return reply;
        };
        let turn = usize::try_from(route.asked.fetch_add(1, Relaxed)).unwrap_or(usize::MAX);
        let answer = &route.answers[turn.min(route.answers.len() - 1)];
        let latency = self.delayed(number, Some(answer));
        if self.fails(number, answer) {
            return Reply { latency, ..self.plain(500, FAILURE, asked.method) };
        }
        Reply { latency, ..carried_out(answer, asked, &holes) }
    }

    /// The route of a path; `Some(None)` with the methods that it has, if it has others.
    fn find(
        &self,
        method: &str,
        path: &str,
        holes: &mut BTreeMap<String, String>,
    ) -> Option<(Option<&Route>, Vec<String>)> {
        let mut others = vec![];
        for route in self.exact.get(path).into_iter().flatten().map(|i| &self.routes[*i]) {
            if route.takes(method) {
                return Some((Some(route), vec![]));
            }
            others.extend(route.method.clone());
        }
        for route in self.routes.iter().filter(|r| has_hole(&r.path) && r.path != "*") {
            holes.clear();
            if matches(&route.path, path, holes) {
                if route.takes(method) {
                    return Some((Some(route), vec![]));
                }
                others.extend(route.method.clone());
            }
        }
        holes.clear();
        match self.routes.iter().find(|r| r.path == "*" && r.takes(method)) {
            Some(route) => Some((Some(route), vec![])),
            None if !others.is_empty() => Some((None, others)),
            None => None,
        }
    }

    /// The draws of one request.
    fn random(&self, number: u64) -> Random {
        let mut mixed = Random::new(self.seed ^ number.wrapping_mul(0xd134_2543_de82_ef95));
        Random::new(mixed.draw())
    }

    /// The latency, give or take the jitter.
    fn delayed(&self, number: u64, answer: Option<&Answer>) -> Nanos {
        let latency = answer.and_then(|a| a.latency).unwrap_or(self.latency);
        let jitter = answer.and_then(|a| a.jitter).unwrap_or(self.jitter);
        if jitter == 0 {
            return latency;
        }
        let drawn = self.random(number).below(jitter.saturating_mul(2).saturating_add(1));
        latency.saturating_add(drawn).saturating_sub(jitter)
    }

    fn fails(&self, number: u64, answer: &Answer) -> bool {
        let rate = answer.fail_rate.unwrap_or(self.fail_rate);
        if rate <= 0.0 {
            return false;
        }
        let mut random = self.random(number);
        random.draw();
        // 53 bits are what a float holds exactly.
        ((random.draw() >> 11) as f64 / (1u64 << 53) as f64) < rate
    }

    fn plain(&self, status: u16, text: &'static str, method: &str) -> Reply {
        let content = Content::Fixed(Bytes::from_static(text.as_bytes()));
        let headers = vec![("Content-Type".to_string(), TEXT.to_string())];
        let answer = Answer { status, content, headers, ..Answer::default() };
        let asked = Asked { method, target: "", headers: &[], body: &[] };
        carried_out(&answer, &asked, &BTreeMap::new())
    }
}

/// What a text is sent as.
pub const TEXT: &str = "text/plain; charset=utf-8";

/// An answer to this request, without its latency.
fn carried_out(answer: &Answer, asked: &Asked, holes: &BTreeMap<String, String>) -> Reply {
    let fate = match answer.fault {
        Fault::None | Fault::Truncate(_) => Fate::Answer,
        Fault::Reset => Fate::Reset,
        Fault::Close => Fate::Close,
        Fault::Hang => Fate::Hang,
    };
    let mut headers = answer.headers.clone();
    let mut whole = match &answer.content {
        Content::Fixed(bytes) => Some(bytes.clone()),
        Content::Template(text) => Some(Bytes::from(filled(text, holes))),
        Content::Echo => Some(Bytes::from(echo(asked))),
        Content::Chunks(_) => None,
    };
    if answer.gzip {
        let plain = match (&whole, &answer.content) {
            (None, Content::Chunks(chunks)) => Bytes::from(chunks.concat()),
            (whole, _) => whole.clone().unwrap_or_default(),
        };
        whole = Some(Bytes::from(decode::gzip(&plain)));
        headers.push(("Content-Encoding".into(), "gzip".into()));
    }
    let bodiless = matches!(answer.status, 100..200 | 204 | 304);
    let length = if bodiless { None } else { whole.as_ref().map(|b| b.len() as u64) };
    let mut cut = false;
    if let (Fault::Truncate(n), Some(bytes)) = (answer.fault, &mut whole) {
        cut = n < bytes.len();
        bytes.truncate(n);
    }
    let parts = if bodiless || asked.method == "HEAD" {
        cut = false;
        vec![]
    } else {
        parts(answer, whole, &mut cut)
    };
    Reply { latency: 0, fate, status: answer.status, reason: answer.reason.clone(), headers, length, parts, cut }
}

fn parts(answer: &Answer, whole: Option<Bytes>, cut: &mut bool) -> Vec<Part> {
    match (whole, &answer.content) {
        (Some(bytes), _) if answer.drip => {
            (0..bytes.len()).map(|i| Part { delay: answer.pause, bytes: bytes.slice(i..=i) }).collect()
        }
        (Some(bytes), _) if bytes.is_empty() => vec![],
        (Some(bytes), _) => vec![Part { delay: 0, bytes }],
        (None, Content::Chunks(chunks)) => {
            let mut all: Vec<Part> = chunks.iter().map(|c| Part { delay: answer.pause, bytes: c.clone() }).collect();
            if let Some(first) = all.first_mut() {
                first.delay = 0;
            }
            // Of chunks their number is cut.
            if let Fault::Truncate(n) = answer.fault {
                *cut = n < all.len();
                all.truncate(n);
            }
            all
        }
        (None, _) => vec![],
    }
}

fn filled(text: &str, holes: &BTreeMap<String, String>) -> String {
    holes.iter().fold(text.to_string(), |text, (name, found)| text.replace(&format!("{{{name}}}"), found))
}

fn echo(asked: &Asked) -> Vec<u8> {
    let (path, query) = asked.target.split_once('?').unwrap_or((asked.target, ""));
    let headers: serde_json::Map<_, _> =
        asked.headers.iter().map(|(n, v)| (n.clone(), serde_json::Value::from(v.as_str()))).collect();
    let body = String::from_utf8_lossy(asked.body);
    let all = serde_json::json!({
        "method": asked.method, "path": path, "query": query, "headers": headers, "body": body,
    });
    all.to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::{Answer, Asked, Content, Fate, Fault, Plan, Route, matches};
    use hyper::body::Bytes;
    use std::collections::BTreeMap;

    fn asked<'a>(method: &'a str, target: &'a str) -> Asked<'a> {
        Asked { method, target, headers: &[], body: &[] }
    }

    fn text(body: &'static str) -> Answer {
        Answer { content: Content::Template(body.into()), ..Answer::default() }
    }

    #[test]
    fn paths_and_patterns() {
        let fits = |pattern: &str, path: &str| {
            let mut found = BTreeMap::new();
            matches(pattern, path, &mut found).then(|| found.into_values().collect::<Vec<_>>().join(","))
        };
        assert_eq!(fits("/page/{n}", "/page/12").as_deref(), Some("12"));
        assert_eq!(fits("/{a}-{b}.html", "/x-1-y.html").as_deref(), Some("x-1,y"));
        assert_eq!(fits("/page/{n}", "/page/"), None);
        assert_eq!(fits("/page/{n}", "/page/1/2"), None);
        assert_eq!(fits("/ü{n}/x", "/üäö/x").as_deref(), Some("äö"));
    }

    #[test]
    fn answers_take_turns_and_the_last_one_stays() {
        let answers = vec![Answer { status: 503, ..text("no") }, text("yes")];
        let plan = Plan::new(vec![Route::new(None, "/a".into(), answers)], 5, 0, 0.0, 1);
        let got: Vec<u16> = (0..3).map(|_| plan.reply(&asked("GET", "/a?x=1")).status).collect();
        assert_eq!((got, plan.count()), (vec![503, 200, 200], 3));
        assert_eq!(plan.reply(&asked("GET", "/b")).status, 404);
        assert_eq!(plan.reply(&asked("GET", "/b")).latency, 5);
    }

    #[test]
    fn methods_of_one_path() {
        let routes = vec![
            Route::new(Some("POST".into()), "/a".into(), vec![text("made")]),
            Route::new(Some("GET".into()), "/a".into(), vec![text("read")]),
        ];
        let plan = Plan::new(routes, 0, 0, 0.0, 1);
        assert_eq!(plan.reply(&asked("HEAD", "/a")).parts, vec![]);
        assert_eq!(plan.reply(&asked("HEAD", "/a")).length, Some(4));
        assert_eq!(plan.reply(&asked("PUT", "/a")).status, 405);
    }

    #[test]
    fn jitter_and_failures_repeat_with_the_seed() {
        let run = |seed| {
            let plan = Plan::new(vec![Route::new(None, "*".into(), vec![text("x")])], 100, 50, 0.25, seed);
            (0..400).map(|_| plan.reply(&asked("GET", "/"))).map(|r| (r.latency, r.status)).collect::<Vec<_>>()
        };
        let one = run(7);
        assert_eq!(one, run(7));
        assert_ne!(one, run(8));
        assert!(one.iter().all(|(l, _)| (50..=150).contains(l)));
        let failed = one.iter().filter(|(_, s)| *s == 500).count();
        assert!((60..140).contains(&failed), "{failed} of 400");
    }

    #[test]
    fn faults() {
        let one = |answer: Answer| {
            Plan::new(vec![Route::new(None, "/".into(), vec![answer])], 0, 0, 0.0, 1).reply(&asked("GET", "/"))
        };
        let body = Content::Fixed(Bytes::from_static(b"0123456789"));
        let cut = one(Answer { fault: Fault::Truncate(4), content: body.clone(), ..Answer::default() });
        assert_eq!((cut.length, cut.parts[0].bytes.len(), cut.cut), (Some(10), 4, true));
        let drip = one(Answer { drip: true, pause: 9, content: body, ..Answer::default() });
        assert_eq!((drip.parts.len(), drip.parts[3].delay, drip.cut), (10, 9, false));
        assert_eq!(one(Answer { fault: Fault::Reset, ..Answer::default() }).fate, Fate::Reset);
    }
}
