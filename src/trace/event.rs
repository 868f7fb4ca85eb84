//! The table of trace events: the life of a thread as the lock sees it.

/// A place of the script in the recording's table; 0 is none.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PlaceIx(pub u32);

/// A text in the recording's table; 0 is none.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TextIx(pub u32);

/// What an event may carry: 32 bits.
pub trait Field: Copy {
    fn word(self) -> u32;
    fn of(word: u32) -> Self;
    /// The same where the tables begin at other numbers.
    fn shift(self, places: u32, texts: u32) -> Self;
}

impl Field for u32 {
    fn word(self) -> u32 {
        self
    }
    fn of(word: u32) -> u32 {
        word
    }
    fn shift(self, _: u32, _: u32) -> u32 {
        self
    }
}

impl Field for PlaceIx {
    fn word(self) -> u32 {
        self.0
    }
    fn of(word: u32) -> PlaceIx {
        PlaceIx(word)
    }
    fn shift(self, places: u32, _: u32) -> PlaceIx {
        PlaceIx(if self.0 == 0 { 0 } else { self.0 + places })
    }
}

impl Field for TextIx {
    fn word(self) -> u32 {
        self.0
    }
    fn of(word: u32) -> TextIx {
        TextIx(word)
    }
    fn shift(self, _: u32, texts: u32) -> TextIx {
        TextIx(if self.0 == 0 { 0 } else { self.0 + texts })
    }
}

/// Turns the table of events into `Event`, its names and its words. An event has at most three fields.
macro_rules! events {
    ($($(#[doc = $doc:literal])+ $kind:ident { $($field:ident : $type:ty),* } name $name:literal = $number:literal;)+) => {
        /// Something that happened to the thread whose log it stands in.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Event { $($(#[doc = $doc])+ $kind { $($field: $type),* },)+ }

        /// The name and the documentation of each row.
        pub const ROWS: &[(&str, &str)] = &[$(($name, concat!($($doc, "\n"),+).trim_ascii())),+];

        impl Event {
            pub fn name(&self) -> &'static str { match self { $(Event::$kind { .. } => $name),+ } }

            /// The row's number, then the fields.
            pub fn words(&self) -> [u32; 4] {
                match *self { $(Event::$kind { $($field),* } => {
                    let fields: &[u32] = &[$($field.word()),*];
                    std::array::from_fn(|i| if i == 0 { $number } else { fields.get(i - 1).copied().unwrap_or(0) })
                })+ }
            }

            /// The event of these words; `None` if there is no such row.
            #[allow(unused_mut, unused_variables)]
            pub fn of([number, fields @ ..]: [u32; 4]) -> Option<Event> {
                let mut fields = fields.into_iter();
                match number { $($number => Some(Event::$kind { $($field: Field::of(fields.next()?)),* }),)+ _ => None }
            }

            /// The same where the tables of places and texts begin at other numbers.
            pub fn shift(self, places: u32, texts: u32) -> Event {
                match self { $(Event::$kind { $($field),* } => Event::$kind { $($field: $field.shift(places, texts)),* },)+ }
            }
        }
    };
}

events! {
    /// The thread was created.
    Started {} name "started" = 1;
    /// The thread wants the lock. `place` is where it stands in the script.
    Ready { place: PlaceIx } name "ready" = 2;
    /// The thread got the lock and runs script code, or goes on with it after `Holding`.
    Resumed {} name "resumed" = 3;
    /// The thread has the lock and is in a native that keeps it for long.
    Holding { what: TextIx, place: PlaceIx } name "holding" = 4;
    /// The thread gave up the lock for native work.
    Outside { what: TextIx, place: PlaceIx } name "outside" = 5;
    /// The thread gave up the lock and waits; `wait` is a row of the table of waits, `what` a name for it.
    Blocked { wait: u32, what: TextIx, place: PlaceIx } name "blocked" = 6;
    /// The thread lets go at a safe point; `cause` is a row of `gil::stats::Cause`, `what` the call after which.
    Suspended { cause: u32, what: TextIx, place: PlaceIx } name "suspended" = 7;
    /// In the log of the lock: its holder was asked to let go, because of `by`, who waits.
    Requested { holder: u32, by: u32 } name "requested" = 8;
    /// The thread was woken for the lock and found it taken.
    Failed {} name "failed" = 9;
    /// The thread must wait until another one has had the lock.
    HeldBack {} name "held back" = 10;
    /// The script's own mark.
    Marked { text: TextIx, place: PlaceIx } name "marked" = 11;
    /// The thread has ended.
    Exited {} name "exited" = 12;
    /// The thread has started another one.
    Spawned { thread: u32 } name "spawned" = 13;
    /// The thread has started a process of the real world.
    Child { pid: u32 } name "child" = 14;
}

#[cfg(test)]
mod tests {
    use super::{Event, PlaceIx, ROWS, TextIx};

    #[test]
    fn words_and_back() {
        for number in 1..=ROWS.len() as u32 {
            let event = Event::of([number, 7, 8, 9]).expect("rows are numbered from 1");
            assert_eq!(event.words()[0], number);
            assert_eq!(Event::of(event.words()), Some(event));
            assert_eq!(event.name(), ROWS[number as usize - 1].0);
        }
        assert_eq!(Event::of([0; 4]), None);
        let event = Event::Holding { what: TextIx(2), place: PlaceIx(0) };
        assert_eq!(event.shift(10, 20), Event::Holding { what: TextIx(22), place: PlaceIx(0) });
    }
}
