//! The table of trace events: the life of a thread as the lock sees it.

/// Turns the table of events into `Event` and its names.
macro_rules! events {
    ($($(#[doc = $doc:literal])+ $kind:ident { $($field:ident : $type:ty),* } name $name:literal;)+) => {
        /// Something that happened to a thread. Threads are given by number.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Event { $($(#[doc = $doc])+ $kind { $($field: $type),* },)+ }

        /// The name and the documentation of each row.
        pub const ROWS: &[(&str, &str)] = &[$(($name, concat!($($doc, "\n"),+).trim_ascii())),+];

        impl Event {
            pub fn name(&self) -> &'static str { match self { $(Event::$kind { .. } => $name),+ } }
        }
    };
}

events! {
    /// The thread was created by another one.
    Started { thread: u32, by: u32 } name "started";
    /// The thread wants the lock.
    Ready { thread: u32 } name "ready";
    /// The thread got the lock; `from` had it before.
    Resumed { thread: u32, from: Option<u32> } name "resumed";
    /// The holder was asked to let go.
    Requested { holder: u32 } name "requested";
    /// The thread gave the lock up; `cause` is a word of `gil::stats::Cause`.
    Suspended { thread: u32, cause: &'static str } name "suspended";
    /// The thread has ended.
    Exited { thread: u32 } name "exited";
}
