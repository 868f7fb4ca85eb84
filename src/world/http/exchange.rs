//! A request under way, as those who wait for it see it.

use super::body::Flow;
use super::client::{self, Pool};
use super::sim::{Line, Net};
use super::{Failure, FailureKind, Head, Limits, Request};
use crate::world::Nanos;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

/// Called on the I/O thread when an operation has ended; it must not wait for anything.
pub type Bell = Box<dyn Fn() + Send + Sync>;

/// When an operation is over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Due {
    /// It is.
    Now,
    /// At this moment of virtual time.
    At(Nanos),
    /// When the bell rings; in a simulation: never.
    Later,
}

/// How much of the body an operation brings.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Amount {
    /// The head only.
    Head,
    /// At least so many bytes, unless the body ends before.
    Bytes(usize),
    Whole,
}

impl Amount {
    /// Whether `have` bytes are enough.
    pub fn reached(self, have: usize) -> bool {
        match self {
            Amount::Head => true,
            Amount::Bytes(n) => have >= n,
            Amount::Whole => false,
        }
    }
}

/// What has come so far.
#[derive(Default)]
pub struct Progress {
    pub head: Option<Head>,
    /// The body, decoded, as far as it has come and nobody has taken it.
    pub body: Vec<u8>,
    /// How it ended.
    pub over: Option<Result<(), Failure>>,
}

/// Where the rest comes from.
enum Source {
    /// An operation has it (H1), or there is no rest.
    None,
    Network(Box<Flow>),
    Simulated(Line),
}

struct State {
    progress: Progress,
    source: Source,
    due: Due,
    task: Option<AbortHandle>,
}

pub struct Exchange {
    state: Mutex<State>,
    io: Option<Handle>,
    limits: Limits,
    bell: Bell,
}

impl Exchange {
    /// Sends a request over the network. The operation ends with the amount asked for.
    pub fn start(
        pool: &Arc<Pool>,
        request: Request,
        limits: Limits,
        amount: Amount,
        bell: Bell,
    ) -> io::Result<Arc<Exchange>> {
        let io = super::runtime::handle()?;
        let exchange = Exchange::new(Source::None, Some(io.clone()), limits, bell);
        let (mine, pool) = (exchange.clone(), pool.clone());
        exchange.state().due = Due::Later;
        let task = io.spawn(async move {
            let began = tokio::time::Instant::now();
            let mut progress = Progress::default();
            let mut flow = None;
            match client::send(&pool, request, &limits, began).await {
                Ok((head, rest)) => {
                    progress.head = Some(head);
                    flow = rest;
                    glance(&mut flow, &mut progress).await;
                    read(&mut flow, &mut progress, amount, &limits).await;
                }
                Err(failure) => progress.over = Some(Err(failure)),
            }
            mine.finish(progress, flow);
        });
        exchange.state().task = Some(task.abort_handle());
        Ok(exchange)
    }

    /// Asks a simulated server; the answer is laid out in virtual time.
    pub fn simulated(net: &Net, request: &Request, limits: Limits, amount: Amount, now: Nanos) -> Arc<Exchange> {
        let line = net.ask(request, &limits, now);
        let exchange = Exchange::new(Source::Simulated(line), None, limits, Box::new(|| ()));
        let _ = exchange.clone().more(amount, now);
        exchange
    }

    fn new(source: Source, io: Option<Handle>, limits: Limits, bell: Bell) -> Arc<Exchange> {
        let state = State { progress: Progress::default(), source, due: Due::Now, task: None };
        Arc::new(Exchange { state: Mutex::new(state), io, limits, bell })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to bring more of the body, unless there is enough of it already. Returns whether the bell will
    /// ring for it, which may have happened by now; in a simulation, whether it is due after `now`.
    pub fn more(self: Arc<Exchange>, amount: Amount, now: Nanos) -> bool {
        let mut state = self.state();
        if state.due != Due::Now && !matches!(state.due, Due::At(at) if at <= now) {
            return true;
        }
        state.due = Due::Now;
        let enough = state.progress.head.is_some() && amount.reached(state.progress.body.len());
        if state.progress.over.is_some() || enough {
            return false;
        }
        match std::mem::replace(&mut state.source, Source::None) {
            Source::None => false,
            Source::Simulated(mut line) => {
                state.due = line.advance(&mut state.progress, amount, now, &self.limits);
                state.source = Source::Simulated(line);
                state.due != Due::Now
            }
            Source::Network(flow) => {
                let Some(io) = &self.io else { return false };
                let (mine, limits) = (self.clone(), self.limits);
                let mut progress = Progress { head: None, body: std::mem::take(&mut state.progress.body), over: None };
                state.due = Due::Later;
                let task = io.spawn(async move {
                    let mut flow = Some(*flow);
                    read(&mut flow, &mut progress, amount, &limits).await;
                    mine.finish(progress, flow);
                });
                state.task = Some(task.abort_handle());
                true
            }
        }
    }

    /// On the I/O thread: an operation has ended.
    fn finish(&self, progress: Progress, flow: Option<Flow>) {
        let mut state = self.state();
        let head = progress.head.or_else(|| state.progress.head.take());
        state.progress = Progress { head, ..progress };
        state.source = flow.map_or(Source::None, |f| Source::Network(Box::new(f)));
        state.due = Due::Now;
        state.task = None;
        drop(state);
        (self.bell)();
    }

    pub fn due(&self) -> Due {
        self.state().due
    }

    /// The head, once the first operation is over.
    pub fn head(&self) -> Result<Head, Failure> {
        let state = self.state();
        match (&state.progress.head, &state.progress.over) {
            (Some(head), _) => Ok(head.clone()),
            (None, Some(Err(failure))) => Err(failure.clone()),
            (None, _) => Err(Failure::new(FailureKind::Disconnected, "the request was given up")),
        }
    }

    /// Up to `n` bytes of what has come; nothing at the end of the body.
    pub fn take(&self, n: usize) -> Result<Vec<u8>, Failure> {
        let mut state = self.state();
        if state.progress.body.is_empty() {
            return match &state.progress.over {
                Some(Err(failure)) => Err(failure.clone()),
                _ => Ok(vec![]),
            };
        }
        if n >= state.progress.body.len() {
            return Ok(std::mem::take(&mut state.progress.body));
        }
        let rest = state.progress.body.split_off(n);
        Ok(std::mem::replace(&mut state.progress.body, rest))
    }

    /// How the body ended; `None` while there is more.
    pub fn over(&self) -> Option<Result<(), Failure>> {
        let state = self.state();
        if state.progress.body.is_empty() { state.progress.over.clone() } else { None }
    }

    /// Gives the exchange up; its connection is closed unless the body was over. The bell does not ring.
    pub fn cancel(&self) {
        let mut state = self.state();
        if let Some(task) = state.task.take() {
            task.abort();
        }
        let source = std::mem::replace(&mut state.source, Source::None);
        state.due = Due::Now;
        state.progress.over.get_or_insert(Ok(()));
        drop(state);
        if let Source::Network(flow) = source {
            drop(flow);
        }
    }
}

/// So much of a body is taken in with the head, if it is there.
const GLANCE: usize = 64 << 10;
/// How often the connection gets a turn to hand over what it has read.
const TURNS: usize = 2;

/// Takes in what has come with the head, without waiting: most answers are whole then.
async fn glance(flow: &mut Option<Flow>, progress: &mut Progress) {
    let mut turns = 0;
    while let Some(from) = flow {
        if progress.body.len() >= GLANCE {
            return;
        }
        let mut next = Box::pin(from.next(&mut progress.body, None));
        let polled = std::future::poll_fn(|cx| std::task::Poll::Ready(next.as_mut().poll(cx))).await;
        drop(next);
        match polled {
            std::task::Poll::Ready(Ok(true)) => {}
            std::task::Poll::Ready(end) => {
                progress.over = Some(end.map(drop));
                *flow = None;
            }
            std::task::Poll::Pending if turns == TURNS => return,
            std::task::Poll::Pending => {
                turns += 1;
                tokio::task::yield_now().await;
            }
        }
    }
}

/// Brings so much of the body.
async fn read(flow: &mut Option<Flow>, progress: &mut Progress, amount: Amount, limits: &Limits) {
    let Some(from) = flow else {
        progress.over.get_or_insert(Ok(()));
        return;
    };
    while !amount.reached(progress.body.len()) {
        match from.next(&mut progress.body, limits.read).await {
            Ok(true) => {}
            Ok(false) => {
                progress.over = Some(Ok(()));
                *flow = None;
                return;
            }
            Err(failure) => {
                progress.over = Some(Err(failure));
                *flow = None;
                return;
            }
        }
    }
}
