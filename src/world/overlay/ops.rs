//! What can be done with files by name: the overlay's side of the table in `world/disk.rs`.

use super::View;
use super::content::Content;
use super::tree::{Folder, Id, READ, ROOT, RUN, Spot, Tree, WRITE, What};
use crate::world::disk::{Fault, File, Got};
use crate::world::handle;
use crate::world::host::Status;
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

const ACCESS: u32 = 0o3;
const READS_ONLY: u32 = 0;
const WRITES_ONLY: u32 = 0o1;
const CREATES: u32 = 0o100;
const NEW: u32 = 0o200;
const EMPTIES: u32 = 0o1000;
const FOLDERS_ONLY: u32 = 0o200_000;
const NO_LINK: u32 = 0o400_000;

/// The kind of a named pipe, among the bits of its mode.
const PIPE: u32 = 0o010_000;

/// Devices that keep nothing and say the same to everybody.
const DEVICES: [&str; 3] = ["/dev/null", "/dev/zero", "/dev/full"];

/// The name and the node of something that must be there and have a name.
fn named(spot: Spot) -> Got<(Id, OsString, Id)> {
    match (spot.name, spot.id) {
        (_, None) => Err(Errno::NOENT.into()),
        (None, Some(_)) => Err(Errno::BUSY.into()),
        (Some(name), Some(id)) => Ok((spot.parent, name, id)),
    }
}

/// The name of something that must not be there.
fn free(spot: Spot) -> Got<(Id, OsString)> {
    match (spot.name, spot.id) {
        (Some(name), None) => Ok((spot.parent, name)),
        _ => Err(Errno::EXIST.into()),
    }
}

impl View {
    fn walk(&self, tree: &mut Tree, path: &Path, follow: bool) -> Got<Spot> {
        tree.walk(*self.folder.lock(), path, follow)
    }

    fn find(&self, tree: &mut Tree, path: &Path, follow: bool) -> Got<Id> {
        self.walk(tree, path, follow)?.id.ok_or(Errno::NOENT.into())
    }

    pub fn list_dir(&self, path: &Path) -> Got<Vec<String>> {
        let tree = &mut *self.tree.lock();
        let id = self.find(tree, path, true)?;
        tree.folder(id)?;
        tree.check(id, READ)?;
        tree.names(id)
    }

    pub fn remove_file(&self, path: &Path) -> Got<()> {
        let tree = &mut *self.tree.lock();
        let spot = self.walk(tree, path, false)?;
        if spot.id.is_some_and(|id| tree.is_folder(id)) {
            return Err(Errno::ISDIR.into());
        }
        let (parent, name, id) = named(spot)?;
        tree.check_leaves(parent, id)?;
        tree.check_writes()?;
        tree.enter(parent, &name, None, self.now)?;
        tree.lost(id, self.now)
    }

    pub fn make_dir(&self, path: &Path, mode: u32) -> Got<()> {
        let tree = &mut *self.tree.lock();
        let (parent, name) = free(self.walk(tree, path, false)?)?;
        tree.check(parent, WRITE | RUN)?;
        tree.check_writes()?;
        let folder = Folder { up: parent, name: name.clone(), names: BTreeMap::new(), gone: false };
        tree.make(parent, &name, What::Folder(folder), mode, self.now)?;
        Ok(())
    }

    pub fn remove_dir(&self, path: &Path) -> Got<()> {
        let tree = &mut *self.tree.lock();
        let (parent, name, id) = named(self.walk(tree, path, false)?)?;
        tree.folder(id)?;
        tree.check_leaves(parent, id)?;
        if !tree.names(id)?.is_empty() {
            return Err(Errno::NOTEMPTY.into());
        }
        tree.check_writes()?;
        self.drop_folder(tree, parent, &name, id)
    }

    fn drop_folder(&self, tree: &mut Tree, parent: Id, name: &OsString, id: Id) -> Got<()> {
        tree.enter(parent, name, None, self.now)?;
        // Whoever is in it must find it gone, so the node stays.
        tree.folder(id)?.gone = true;
        let links = &mut tree.node(parent)?.status.links;
        *links = links.saturating_sub(1);
        Ok(())
    }

    pub fn rename(&self, from: &Path, to: &Path) -> Got<()> {
        let tree = &mut *self.tree.lock();
        let (old_parent, old_name, id) = named(self.walk(tree, from, false)?)?;
        let spot = self.walk(tree, to, false)?;
        let Some(new_name) = spot.name else { return Err(Errno::BUSY.into()) };
        if spot.id == Some(id) {
            return Ok(());
        }
        let folder = tree.is_folder(id);
        if spot.slash && !folder {
            return Err(Errno::NOTDIR.into());
        }
        tree.check_leaves(old_parent, id)?;
        tree.check(spot.parent, WRITE | RUN)?;
        let mut above = spot.parent;
        while folder && above != ROOT {
            if above == id {
                return Err(Errno::INVAL.into());
            }
            above = tree.folder(above)?.up;
        }
        if let Some(there) = spot.id {
            tree.check_leaves(spot.parent, there)?;
            match (folder, tree.is_folder(there)) {
                (true, false) => return Err(Errno::NOTDIR.into()),
                (false, true) => return Err(Errno::ISDIR.into()),
                (true, true) if !tree.names(there)?.is_empty() => return Err(Errno::NOTEMPTY.into()),
                _ => {}
            }
        }
        tree.check_writes()?;
        match spot.id {
            Some(there) if folder => self.drop_folder(tree, spot.parent, &new_name, there)?,
            Some(there) => tree.lost(there, self.now)?,
            None => {}
        }
        tree.enter(old_parent, &old_name, None, self.now)?;
        tree.enter(spot.parent, &new_name, Some(id), self.now)?;
        tree.node(id)?.stamp.entry.store(self.now, Relaxed);
        if folder {
            let f = tree.folder(id)?;
            (f.up, f.name) = (spot.parent, new_name);
            tree.node(spot.parent)?.status.links += 1;
            let links = &mut tree.node(old_parent)?.status.links;
            *links = links.saturating_sub(1);
        }
        Ok(())
    }

    pub fn real_path(&self, path: &Path) -> Got<PathBuf> {
        let tree = &mut *self.tree.lock();
        let spot = self.walk(tree, path, true)?;
        let id = spot.id.ok_or(Errno::NOENT)?;
        match spot.name {
            Some(name) => Ok(tree.path_of(spot.parent)?.join(name)),
            None => tree.path_of(id),
        }
    }

    pub fn current_dir(&self) -> Got<PathBuf> {
        let here = self.folder.lock().ok_or(Errno::NOENT)?;
        self.tree.lock().path_of(here)
    }

    pub fn set_current_dir(&self, path: &Path) -> Got<()> {
        let id = {
            let tree = &mut *self.tree.lock();
            let id = self.find(tree, path, true)?;
            tree.folder(id)?;
            tree.check(id, RUN)?;
            id
        };
        *self.folder.lock() = Some(id);
        Ok(())
    }

    pub fn status(&self, path: &Path, follow: bool) -> Got<Status> {
        let tree = &mut *self.tree.lock();
        let id = self.find(tree, path, follow)?;
        tree.status(id)
    }

    pub fn status_of(&self, id: u64) -> Got<Status> {
        self.tree.lock().status(id)
    }

    pub fn make_link(&self, to: &Path, at: &Path) -> Got<()> {
        let tree = &mut *self.tree.lock();
        if to.as_os_str().is_empty() {
            return Err(Errno::NOENT.into());
        }
        let (parent, name) = free(self.walk(tree, at, false)?)?;
        tree.check(parent, WRITE | RUN)?;
        tree.check_writes()?;
        tree.make(parent, &name, What::Link(to.into()), 0o777, self.now)?;
        Ok(())
    }

    pub fn make_name(&self, of: &Path, at: &Path) -> Got<()> {
        let tree = &mut *self.tree.lock();
        let id = self.find(tree, of, false)?;
        let (parent, name) = free(self.walk(tree, at, false)?)?;
        if tree.is_folder(id) {
            return Err(Errno::PERM.into());
        }
        tree.check(parent, WRITE | RUN)?;
        tree.check_writes()?;
        tree.enter(parent, &name, Some(id), self.now)?;
        let node = tree.node(id)?;
        node.status.links += 1;
        node.stamp.entry.store(self.now, Relaxed);
        Ok(())
    }

    pub fn read_link(&self, path: &Path) -> Got<PathBuf> {
        let tree = &mut *self.tree.lock();
        let id = self.find(tree, path, false)?;
        let node = tree.node(id)?;
        match (&node.what, &node.origin) {
            (What::Link(to), _) => Ok(to.clone()),
            (What::Special, Some(origin)) => Ok(crate::world::host::read_link(origin)?),
            _ => Err(Errno::INVAL.into()),
        }
    }

    pub fn set_mode(&self, path: &Path, mode: u32) -> Got<()> {
        let tree = &mut *self.tree.lock();
        let id = self.find(tree, path, true)?;
        tree.check_owner(id)?;
        tree.check_writes()?;
        let node = tree.node(id)?;
        node.status.mode = node.status.mode & !0o7777 | mode & 0o7777;
        node.own_mode = true;
        node.stamp.entry.store(self.now, Relaxed);
        Ok(())
    }

    pub fn access(&self, path: &Path, mode: u32) -> Got<()> {
        let tree = &mut *self.tree.lock();
        let id = self.find(tree, path, true)?;
        tree.check(id, mode)
    }

    pub fn set_times(&self, path: &Path, times: Option<[i64; 2]>, follow: bool) -> Got<()> {
        let tree = &mut *self.tree.lock();
        let id = self.find(tree, path, follow)?;
        if times.is_some() || !tree.may(id, WRITE)? {
            tree.check_owner(id)?;
        }
        tree.check_writes()?;
        let [read, changed] = times.unwrap_or([self.now; 2]);
        let node = tree.node(id)?;
        node.status.times_ns[0] = read;
        node.stamp.touch(self.now);
        node.stamp.changed.store(changed, Relaxed);
        Ok(())
    }

    /// That of the host, where the path or what is above it lies.
    pub fn space(&self, path: &Path) -> Got<[u64; 6]> {
        let tree = &mut *self.tree.lock();
        let spot = self.walk(tree, path, true)?;
        let id = spot.id.ok_or(Errno::NOENT)?;
        let mut at = if tree.is_folder(id) { id } else { spot.parent };
        loop {
            let up = tree.folder(at)?.up;
            if let Some(origin) = &tree.node(at)?.origin {
                return Ok(handle::disk(origin)?);
            }
            at = up;
        }
    }

    pub fn open(&self, path: &Path, flags: u32, mode: u32) -> Got<File> {
        let tree = &mut *self.tree.lock();
        let has = |flag: u32| flags & flag == flag;
        let spot = self.walk(tree, path, !has(NO_LINK) && !has(CREATES | NEW))?;
        let Some(id) = spot.id else { return self.create(tree, spot, path, flags, mode) };
        if has(CREATES | NEW) {
            return Err(Errno::EXIST.into());
        }
        let writes = flags & ACCESS != READS_ONLY || has(EMPTIES);
        let node = tree.node(id)?;
        match (&node.what, &node.origin) {
            (What::Folder(_), _) if writes || has(CREATES) => return Err(Errno::ISDIR.into()),
            (What::Folder(_), _) => return Err(Fault::Folder),
            (_, _) if has(FOLDERS_ONLY) => return Err(Errno::NOTDIR.into()),
            (What::Link(_), _) => return Err(Errno::LOOP.into()),
            (What::Special, _) if node.status.mode & 0o170_000 == PIPE => return Err(Fault::Pipe),
            (What::Special, origin) => {
                let origin = origin.as_deref().unwrap_or(path).to_string_lossy();
                if !DEVICES.contains(&&*origin) {
                    return Err(Fault::Refused(format!("'{}', which is no file,", path.display())));
                }
                return Ok(File { fd: Arc::new(handle::open_by_flags(&origin, flags, mode)?), here: None });
            }
            (What::File(_), _) => {}
        }
        let reads = if flags & ACCESS == WRITES_ONLY { 0 } else { READ };
        tree.check(id, reads | if writes { WRITE } else { 0 })?;
        if writes {
            tree.check_writes()?;
        }
        let fd = tree.open_content(id, path, flags)?;
        let stamp = tree.node(id)?.stamp.clone();
        if has(EMPTIES) {
            stamp.touch(self.now);
        }
        Ok(File { fd, here: Some((id, stamp)) })
    }

    fn create(&self, tree: &mut Tree, spot: Spot, path: &Path, flags: u32, mode: u32) -> Got<File> {
        let Some(name) = spot.name.filter(|_| flags & CREATES != 0) else { return Err(Errno::NOENT.into()) };
        if spot.slash {
            return Err(Errno::ISDIR.into());
        }
        tree.check(spot.parent, WRITE | RUN)?;
        tree.check_writes()?;
        let id = tree.make(spot.parent, &name, What::File(Content::empty()), mode, self.now)?;
        let fd = tree.open_content(id, path, flags)?;
        Ok(File { fd, here: Some((id, tree.node(id)?.stamp.clone())) })
    }
}
