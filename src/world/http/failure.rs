//! How an exchange can fail: one row each.

use std::io;

macro_rules! failures {
    ($($(#[doc = $doc:literal])+ $name:ident $word:literal;)+) => {
        /// Why there is no answer, or no whole one.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum FailureKind { $($(#[doc = $doc])+ $name,)+ }

        impl FailureKind {
            pub const ALL: &'static [FailureKind] = &[$(FailureKind::$name),+];
            /// How the library's modules know it.
            pub fn word(self) -> &'static str { match self { $(FailureKind::$name => $word),+ } }
        }
    };
}
failures! {
    /// The name of the host has no address.
    Name "name";
    /// The system could not connect: refused, unreachable, no descriptor left. It has a number.
    Connect "connect";
    /// No connection within the time allowed.
    ConnectTimeout "connect-timeout";
    /// No further byte within the time allowed.
    ReadTimeout "read-timeout";
    /// Not everything within the time allowed.
    TotalTimeout "total-timeout";
    /// The server closed the connection without an answer.
    Disconnected "disconnected";
    /// The connection broke with an error of the system (reset, broken pipe). It has a number.
    Broken "broken";
    /// The connection ended, or broke, within the body.
    Truncated "truncated";
    /// What came is not HTTP.
    Protocol "protocol";
    /// The body is not compressed as its header says.
    Encoding "encoding";
    /// The server's certificate is not trusted.
    Certificate "certificate";
    /// TLS failed otherwise.
    Tls "tls";
    /// A simulation has no network: the host is not this machine.
    Outside "outside";
}

/// A failure with what is known about it.
#[derive(Clone, PartialEq, Debug)]
pub struct Failure {
    pub kind: FailureKind,
    /// The system's number.
    pub errno: i32,
    pub text: String,
    /// For `Truncated`: bytes of the body that came, and how many more were announced.
    pub got: u64,
    pub missing: Option<u64>,
}

/// The resolver's number for a name that does not exist (EAI_NONAME).
const NO_NAME: i32 = -2;

impl Failure {
    pub fn new(kind: FailureKind, text: impl Into<String>) -> Failure {
        Failure { kind, errno: 0, text: text.into(), got: 0, missing: None }
    }

    /// An error of the system.
    pub fn system(kind: FailureKind, error: &io::Error) -> Failure {
        let text = error.to_string();
        let text = text.split(" (os error ").next().unwrap_or(&text).to_string();
        Failure { errno: error.raw_os_error().unwrap_or(0), ..Failure::new(kind, text) }
    }

    /// The error of this number.
    pub fn errno(kind: FailureKind, errno: rustix::io::Errno) -> Failure {
        Failure::system(kind, &io::Error::from_raw_os_error(errno.raw_os_error()))
    }

    /// Nobody listens there.
    pub fn refused() -> Failure {
        Failure::errno(FailureKind::Connect, rustix::io::Errno::CONNREFUSED)
    }

    /// What the resolver says of a name it does not know.
    pub fn unknown_name() -> Failure {
        Failure { errno: NO_NAME, ..Failure::new(FailureKind::Name, "Name or service not known") }
    }

    pub fn truncated(got: u64, missing: Option<u64>) -> Failure {
        Failure { got, missing, ..Failure::new(FailureKind::Truncated, "") }
    }
}
