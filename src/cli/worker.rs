//! The hidden command by which this binary starts itself: the table of roles. Not a row of `commands!`,
//! because nobody types it.

use super::{USAGE, complain};
use crate::engine::job::{self, Received};
use crate::engine::{child, template};
use crate::explore::{compare, sweep, testing};

/// A role's name and what its worker does; the result is the exit code.
type Role = (&'static str, fn(Received) -> i32);

/// What a worker can be.
const ROLES: &[Role] = &[
    (child::ROLE, child::work),
    (sweep::ROLE, sweep::work),
    (compare::ROLE, compare::work),
    (testing::run::ROLE, testing::run::work),
];

/// Does the job that the parent sends.
pub fn run() -> i32 {
    match job() {
        Ok(None) => 0,
        Ok(Some(job)) => match ROLES.iter().find(|(name, _)| *name == job.role) {
            Some((_, work)) => work(job),
            None => {
                complain(&format!("no worker does '{}': parent and child are different versions of kit", job.role));
                USAGE
            }
        },
        Err(text) => {
            complain(&text);
            USAGE
        }
    }
}

/// The job of this process, which may be one that was forked from the one that was started.
fn job() -> Result<Option<Received>, String> {
    let first = job::receive(job::channel()?)?.ok_or_else(job::by_hand)?;
    if first.role != template::ROLE {
        return Ok(Some(first));
    }
    match template::work(first)? {
        // Forked too late: its parent has lost patience, and closed the channel.
        Some(channel) => job::receive(channel),
        None => Ok(None),
    }
}
