//! The tree: nodes, finding one by its path, who may do what, names in folders.

use super::Stamp;
use super::content::Content;
use crate::world::disk::{Fault, Got};
use crate::world::handle;
use crate::world::host::{self, Status};
use rustix::io::Errno;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

pub type Id = u64;

pub const ROOT: Id = 0;
/// The device of what was made in the overlay.
const DEVICE: u64 = 0x4b69;
/// Bits that nobody gets who does not ask for them later, as most systems have it.
const UMASK: u32 = 0o022;
const LINKS_MAX: usize = 40;
const NAME_MAX: usize = 255;
/// What a folder is said to take.
const FOLDER_BYTES: u64 = 4096;

pub const READ: u32 = 4;
pub const WRITE: u32 = 2;
pub const RUN: u32 = 1;

pub struct Folder {
    pub up: Id,
    pub name: OsString,
    /// What differs from the host's folder, or was looked up there; `None`: taken away.
    pub names: BTreeMap<OsString, Option<Id>>,
    /// It was removed; whoever is in it sees nothing.
    pub gone: bool,
}

pub enum What {
    Folder(Folder),
    File(Content),
    Link(PathBuf),
    /// A device, a pipe, a socket: only by its path on the host.
    Special,
}

pub struct Node {
    pub what: What,
    /// Where it is on the host.
    pub origin: Option<PathBuf>,
    /// Who may do what is said by `mode`, not by the host.
    pub own_mode: bool,
    /// As it was when it was made or looked up; times of changes are in `stamp`, sizes of files in their content.
    pub status: Status,
    pub stamp: Arc<Stamp>,
}

/// Where a path leads.
pub struct Spot {
    pub parent: Id,
    /// The last name; `None` for a path that ends in dots, or the root.
    pub name: Option<OsString>,
    pub id: Option<Id>,
    /// It ends with a slash.
    pub slash: bool,
}

pub struct Tree {
    pub nodes: BTreeMap<Id, Node>,
    next: Id,
    /// Inodes given to what was made here.
    made: u64,
    /// Files of the host that have several names, by device and inode.
    twins: BTreeMap<(u64, u64), Id>,
    /// Files that hold a descriptor.
    pub live: Vec<Id>,
    denies: bool,
    user: u32,
    group: u32,
}

fn parts(path: &[u8]) -> impl DoubleEndedIterator<Item = OsString> + '_ {
    path.split(|b| *b == b'/').filter(|p| !p.is_empty()).map(|p| OsStr::from_bytes(p).to_os_string())
}

impl Tree {
    pub fn new(denies: bool) -> Tree {
        let [_, user, _, group] = host::ids();
        let root = Folder { up: ROOT, name: OsString::new(), names: BTreeMap::new(), gone: false };
        let status = host::status(Path::new("/"), false).unwrap_or(Status {
            mode: 0o040_755,
            inode: 0,
            size: FOLDER_BYTES,
            times_ns: [0; 3],
            owner: (user, group),
            links: 2,
            device: DEVICE,
        });
        let mut tree = Tree {
            nodes: BTreeMap::new(),
            next: ROOT,
            made: 0,
            twins: BTreeMap::new(),
            live: Vec::new(),
            denies,
            user,
            group,
        };
        tree.add(What::Folder(root), Some("/".into()), status);
        tree
    }

    fn add(&mut self, what: What, origin: Option<PathBuf>, status: Status) -> Id {
        let id = self.next;
        self.next += 1;
        let stamp = Stamp::new(status.times_ns[1], status.times_ns[2]);
        let own_mode = origin.is_none();
        self.nodes.insert(id, Node { what, origin, own_mode, status, stamp });
        id
    }

    /// A new node with a name.
    pub fn make(&mut self, parent: Id, name: &OsStr, what: What, mode: u32, now: i64) -> Got<Id> {
        let (kind, links, size) = match &what {
            What::Folder(_) => (0o040_000, 2, FOLDER_BYTES),
            What::Link(to) => (0o120_000, 1, to.as_os_str().len() as u64),
            What::File(_) | What::Special => (0o100_000, 1, 0),
        };
        let bits = if matches!(what, What::Link(_)) { 0o777 } else { mode & 0o7777 & !UMASK };
        self.made += 1;
        let status = Status {
            mode: kind | bits,
            inode: self.made,
            size,
            times_ns: [now; 3],
            owner: (self.user, self.group),
            links,
            device: DEVICE,
        };
        let folder = matches!(what, What::Folder(_));
        let id = self.add(what, None, status);
        self.enter(parent, name, Some(id), now)?;
        if folder {
            self.node(parent)?.status.links += 1;
        }
        Ok(id)
    }

    pub fn node(&mut self, id: Id) -> Got<&mut Node> {
        self.nodes.get_mut(&id).ok_or(Fault::from(Errno::NOENT))
    }

    pub fn folder(&mut self, id: Id) -> Got<&mut Folder> {
        match &mut self.node(id)?.what {
            What::Folder(f) if f.gone => Err(Errno::NOENT.into()),
            What::Folder(f) => Ok(f),
            _ => Err(Errno::NOTDIR.into()),
        }
    }

    pub fn is_folder(&self, id: Id) -> bool {
        self.nodes.get(&id).is_some_and(|n| matches!(n.what, What::Folder(_)))
    }

    /// What stands in a folder under a name.
    fn look_up(&mut self, folder: Id, name: &OsStr) -> Got<Option<Id>> {
        if let Some(known) = self.folder(folder)?.names.get(name) {
            return Ok(*known);
        }
        if name.len() > NAME_MAX {
            return Err(Errno::NAMETOOLONG.into());
        }
        let Some(at) = self.node(folder)?.origin.as_ref().map(|o| o.join(name)) else { return Ok(None) };
        let status = match host::status(&at, false) {
            Ok(status) => status,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(e.into()),
        };
        let id = self.found(folder, name, at, status)?;
        self.folder(folder)?.names.insert(name.to_os_string(), Some(id));
        Ok(Some(id))
    }

    /// The node of something on the host.
    fn found(&mut self, up: Id, name: &OsStr, at: PathBuf, status: Status) -> Got<Id> {
        let twin = (status.device, status.inode);
        let what = match status.mode & 0o170_000 {
            0o040_000 => What::Folder(Folder { up, name: name.to_os_string(), names: BTreeMap::new(), gone: false }),
            0o100_000 => {
                if let (Some(id), true) = (self.twins.get(&twin), status.links > 1) {
                    return Ok(*id);
                }
                What::File(Content::of_host())
            }
            // What /proc says of open files leads nowhere by name.
            0o120_000 if at.starts_with("/proc") && at.components().count() > 3 => What::Special,
            0o120_000 => What::Link(host::read_link(&at)?),
            _ => What::Special,
        };
        let twins = status.links > 1 && matches!(what, What::File(_));
        let id = self.add(what, Some(at), status);
        if twins {
            self.twins.insert(twin, id);
        }
        Ok(id)
    }

    /// Follows a path. Its last name may be missing.
    pub fn walk(&mut self, from: Option<Id>, path: &Path, follow: bool) -> Got<Spot> {
        let text = path.as_os_str().as_bytes();
        if text.contains(&0) {
            let text = "file name contained an unexpected NUL byte";
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, text).into());
        }
        let start = if text.starts_with(b"/") { Some(ROOT) } else { from };
        let Some(mut at) = start.filter(|_| !text.is_empty()) else { return Err(Errno::NOENT.into()) };
        let slash = text.ends_with(b"/");
        let mut todo: Vec<OsString> = parts(text).rev().collect();
        let mut links = 0;
        while let Some(name) = todo.pop() {
            let up = self.folder(at)?.up;
            self.check(at, RUN)?;
            if name == "." {
                continue;
            }
            if name == ".." {
                at = up;
                continue;
            }
            let last = todo.is_empty();
            let Some(id) = self.look_up(at, &name)? else {
                return if last {
                    Ok(Spot { parent: at, name: Some(name), id: None, slash })
                } else {
                    Err(Errno::NOENT.into())
                };
            };
            match &self.node(id)?.what {
                What::Link(to) if !last || follow || slash => {
                    links += 1;
                    if links > LINKS_MAX {
                        return Err(Errno::LOOP.into());
                    }
                    if to.is_absolute() {
                        at = ROOT;
                    }
                    todo.extend(parts(to.as_os_str().as_bytes()).rev());
                }
                What::Folder(_) if !last => at = id,
                What::Folder(_) => return Ok(Spot { parent: at, name: Some(name), id: Some(id), slash }),
                _ if !last || slash => return Err(Errno::NOTDIR.into()),
                _ => return Ok(Spot { parent: at, name: Some(name), id: Some(id), slash }),
            }
        }
        let up = self.folder(at)?.up;
        Ok(Spot { parent: up, name: None, id: Some(at), slash })
    }

    /// Whether this process may read, write, run (look into) it.
    pub fn may(&mut self, id: Id, want: u32) -> Got<bool> {
        let user = self.user;
        let node = self.node(id)?;
        if let (Some(origin), false) = (&node.origin, node.own_mode) {
            return Ok(handle::access(origin, want).is_ok());
        }
        let (mode, folder) = (node.status.mode, matches!(node.what, What::Folder(_)));
        if user == 0 {
            return Ok(want & RUN == 0 || folder || mode & 0o111 != 0);
        }
        Ok(mode >> 6 & want == want)
    }

    pub fn check(&mut self, id: Id, want: u32) -> Got<()> {
        if self.may(id, want)? { Ok(()) } else { Err(Errno::ACCESS.into()) }
    }

    /// Whether anything may be written at all.
    pub fn check_writes(&self) -> Got<()> {
        if self.denies { Err(Fault::Denied) } else { Ok(()) }
    }

    /// The owner may change modes and times.
    pub fn check_owner(&mut self, id: Id) -> Got<()> {
        let user = self.user;
        if user == 0 || self.node(id)?.status.owner.0 == user { Ok(()) } else { Err(Errno::PERM.into()) }
    }

    /// Whether `name` may be taken out of `folder`: in a shared one only by its owner.
    pub fn check_leaves(&mut self, folder: Id, id: Id) -> Got<()> {
        self.check(folder, WRITE | RUN)?;
        let user = self.user;
        let (mode, owner) = (self.node(folder)?.status.mode, self.node(folder)?.status.owner.0);
        if mode & 0o1000 != 0 && user != 0 && owner != user && self.node(id)?.status.owner.0 != user {
            return Err(Errno::PERM.into());
        }
        Ok(())
    }

    /// Gives a name to a node, or takes it away.
    pub fn enter(&mut self, folder: Id, name: &OsStr, id: Option<Id>, now: i64) -> Got<()> {
        let covered = self.node(folder)?.origin.is_some();
        let names = &mut self.folder(folder)?.names;
        if id.is_some() || covered {
            names.insert(name.to_os_string(), id);
        } else {
            names.remove(name);
        }
        self.node(folder)?.stamp.touch(now);
        Ok(())
    }

    /// All names in a folder.
    pub fn names(&mut self, id: Id) -> Got<Vec<String>> {
        let lossy = |n: &OsString| n.to_string_lossy().into_owned();
        let own = self.folder(id)?;
        let mut all: Vec<String> = own.names.iter().filter(|(_, to)| to.is_some()).map(|(n, _)| lossy(n)).collect();
        let known: BTreeSet<String> = own.names.keys().map(lossy).collect();
        if let Some(origin) = self.node(id)?.origin.clone() {
            all.extend(host::list_dir(&origin)?.into_iter().filter(|n| !known.contains(n)));
        }
        all.sort();
        Ok(all)
    }

    /// The absolute path of a folder.
    pub fn path_of(&mut self, mut id: Id) -> Got<PathBuf> {
        let mut names = Vec::new();
        while id != ROOT {
            let f = self.folder(id)?;
            names.push(f.name.clone());
            id = f.up;
        }
        Ok(Path::new("/").join(names.iter().rev().collect::<PathBuf>()))
    }

    /// A node has lost a name; without any it goes, unless somebody has it open.
    pub fn lost(&mut self, id: Id, now: i64) -> Got<()> {
        let node = self.node(id)?;
        node.stamp.entry.store(now, Relaxed);
        node.status.links = node.status.links.saturating_sub(1);
        let open = if let What::File(content) = &mut node.what { content.is_open() } else { false };
        if node.status.links == 0 && !open {
            let twin = (node.status.device, node.status.inode);
            self.nodes.remove(&id);
            self.twins.remove(&twin);
            self.live.retain(|l| *l != id);
        }
        Ok(())
    }

    pub fn status(&mut self, id: Id) -> Got<Status> {
        let node = self.node(id)?;
        let mut status = node.status.clone();
        if let What::File(content) = &node.what {
            status.size = content.size(status.size)?;
        }
        status.times_ns[1] = node.stamp.changed.load(Relaxed);
        status.times_ns[2] = node.stamp.entry.load(Relaxed);
        Ok(status)
    }
}
