//! A panic is Kit's fault, never the script's: it is reported as such and the process ends with 70.

use crate::world::{host, out};

/// The exit code of a fault of Kit.
const FAULT: i32 = 70;

/// From now on a panic on any thread ends the process.
pub fn install() {
    std::panic::set_hook(Box::new(|info| {
        let what = info.payload_as_str().unwrap_or("a panic without a message");
        let place = info.location().map_or_else(String::new, |l| format!(" ({}:{})", l.file(), l.line()));
        let text = format!(
            "kit: internal error: {what}{place}\n\
             This is a fault of Kit {}, not of the script. Please report it with the script.\n",
            env!("CARGO_PKG_VERSION")
        );
        out::error(text.as_bytes());
        host::exit(FAULT)
    }));
}
