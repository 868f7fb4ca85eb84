//! Where the files of a script are: on the host, or in the overlay of a simulation. Both answer the same
//! questions (`both!` below is the table of them), so that what asks does not tell the difference.

use super::host::{self, Status};
use super::overlay::{Stamp, View};
use super::work::Descriptor;
use super::{fd, handle};
use parking_lot::Mutex;
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Turns the table of what `--sim-fs` may be into `Writes` and its names.
macro_rules! writes {
    ($($(#[doc = $doc:literal])+ $name:ident $word:literal;)+) => {
        /// What becomes of what a simulation writes to files.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Writes { $($(#[doc = $doc])+ $name,)+ }

        impl Writes {
            pub const ALL: &'static [Writes] = &[$(Writes::$name),+];
            /// As the command line has it.
            pub fn word(self) -> &'static str { match self { $(Writes::$name => $word),+ } }
            pub fn named(word: &str) -> Option<Writes> { Writes::ALL.iter().copied().find(|w| w.word() == word) }
        }
    };
}
writes! {
    /// It lands in memory, all processes of the run see it, and it is gone at the end.
    Overlay "overlay";
    /// The host's files are written, at once.
    Commit "commit";
    /// It raises PermissionError.
    Deny "deny";
}

/// Why a file operation failed.
#[derive(Debug)]
pub enum Fault {
    Os(io::Error),
    /// Writing is off.
    Denied,
    /// What the overlay does not have, by name.
    Refused(String),
    /// A folder was to be opened.
    Folder,
    /// A named pipe was to be opened.
    Pipe,
}

impl From<io::Error> for Fault {
    fn from(e: io::Error) -> Fault {
        Fault::Os(e)
    }
}

impl From<Errno> for Fault {
    fn from(e: Errno) -> Fault {
        Fault::Os(e.into())
    }
}

pub type Got<T> = Result<T, Fault>;

/// A file that was opened by name.
#[derive(Clone, Debug)]
pub struct File {
    pub fd: Descriptor,
    /// In the overlay: which file it is, and where to say that it was written to.
    pub here: Option<(u64, Arc<Stamp>)>,
}

/// The files that a process sees.
#[derive(Clone, Default)]
pub enum Disk {
    #[default]
    Host,
    Overlay(View),
}

/// Turns the table of operations on names into methods of `Disk`.
macro_rules! both {
    ($($(#[doc = $doc:literal])* fn $name:ident($($arg:ident: $type:ty),*) -> $out:ty = $host:expr;)+) => {
        impl Disk {
            $($(#[doc = $doc])* pub fn $name(&self, $($arg: $type),*) -> Got<$out> {
                match self {
                    Disk::Host => Ok($host($($arg),*)?),
                    Disk::Overlay(view) => view.$name($($arg),*),
                }
            })+
        }
    };
}
both! {
    /// The names in a folder, sorted.
    fn list_dir(path: &Path) -> Vec<String> = host::list_dir;
    fn remove_file(path: &Path) -> () = host::remove_file;
    fn make_dir(path: &Path, mode: u32) -> () = host::make_dir_with;
    fn remove_dir(path: &Path) -> () = host::remove_dir;
    /// What stands at the new name is replaced.
    fn rename(from: &Path, to: &Path) -> () = host::rename;
    /// The absolute path without links; all of it must exist.
    fn real_path(path: &Path) -> PathBuf = host::real_path;
    fn current_dir() -> PathBuf = host::current_dir;
    fn set_current_dir(path: &Path) -> () = host::set_current_dir;
    fn status(path: &Path, follow: bool) -> Status = host::status;
    /// A symbolic link at `at` that leads to `to`.
    fn make_link(to: &Path, at: &Path) -> () = host::make_link;
    /// A second name of a file.
    fn make_name(of: &Path, at: &Path) -> () = host::make_name;
    fn read_link(path: &Path) -> PathBuf = host::read_link;
    fn set_mode(path: &Path, mode: u32) -> () = host::set_mode;
    /// Fails when this process may not read (4), write (2) or run (1) it.
    fn access(path: &Path, mode: u32) -> () = handle::access;
    /// When it was read and changed, in nanoseconds since 1970; `None`: now.
    fn set_times(path: &Path, times: Option<[i64; 2]>, follow: bool) -> () = handle::set_times;
    /// Size of a block; blocks in all, free, free for everybody; files, free ones.
    fn space(path: &Path) -> [u64; 6] = handle::disk;
}

const KIND: u32 = 0o170_000;
const FOLDER: u32 = 0o040_000;
const REGULAR: u32 = 0o100_000;
const LINK: u32 = 0o120_000;

impl Disk {
    /// The same with the moment at which it is used: nanoseconds since 1970, for what is written.
    pub fn at(&self, now: impl FnOnce() -> i64) -> Disk {
        match self {
            Disk::Host => Disk::Host,
            Disk::Overlay(view) => Disk::Overlay(view.at(now())),
        }
    }

    /// What a child process sees first: the same files, and the folder that its parent is in.
    pub fn child(&self) -> Disk {
        match self {
            Disk::Host => Disk::Host,
            Disk::Overlay(view) => Disk::Overlay(view.child()),
        }
    }

    fn kind(&self, path: &Path, follow: bool) -> Option<u32> {
        self.status(path, follow).ok().map(|s| s.mode & KIND)
    }

    pub fn exists(&self, path: &Path) -> bool {
        self.kind(path, true).is_some()
    }

    pub fn is_file(&self, path: &Path) -> bool {
        self.kind(path, true) == Some(REGULAR)
    }

    pub fn is_dir(&self, path: &Path) -> bool {
        self.kind(path, true) == Some(FOLDER)
    }

    pub fn is_link(&self, path: &Path) -> bool {
        self.kind(path, false) == Some(LINK)
    }

    /// Opens by flags of the system. What stands there may be a pipe that waits for its other end.
    pub fn open(&self, path: &str, flags: u32, mode: u32) -> Got<File> {
        match self {
            Disk::Host => {
                let fd = Arc::new(handle::open_by_flags(path, flags, mode)?);
                Ok(File { fd, here: None })
            }
            Disk::Overlay(view) => view.open(Path::new(path), flags, mode),
        }
    }

    /// The status of an open file.
    pub fn status_of(&self, file: &File) -> Got<Status> {
        match (self, &file.here) {
            (Disk::Overlay(view), Some((id, _))) => view.status_of(*id),
            _ => Ok(handle::status(&file.fd)?),
        }
    }

    /// An open file was written to, or cut off.
    pub fn wrote(&self, file: &File) {
        if let (Disk::Overlay(view), Some((_, stamp))) = (self, &file.here) {
            stamp.touch(view.now());
        }
    }
}

/// The open files that a simulated process knows by number. Shared with the files themselves, which take
/// themselves out when they are closed.
#[derive(Default)]
pub struct Numbers(Mutex<BTreeMap<i64, File>>);

impl Numbers {
    pub fn get(&self, number: i64) -> Option<File> {
        self.0.lock().get(&number).cloned()
    }

    pub fn has(&self, number: i64) -> bool {
        self.0.lock().contains_key(&number)
    }

    pub fn enter(&self, number: i64, file: File) {
        self.0.lock().insert(number, file);
    }

    pub fn close(&self, number: i64) -> io::Result<()> {
        self.0.lock().remove(&number).map(drop).ok_or_else(fd::bad_descriptor)
    }
}
