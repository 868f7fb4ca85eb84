//! The table of a set, cell for cell as CPython 3.11 has it, because the order of iteration shows it.
//!
//! S1. A key with hash `h` goes to the first empty cell of its walk (but see S2): from `h & mask`, ten cells in a row (`LINEAR_PROBES`
//!     more, where they fit below the end), then on to `i * 5 + 1 + perturb`. Two sets built by the same steps are alike.
//! S2. A removed key leaves a dummy. A new key takes the last dummy that it meets before an empty cell; else only a resize
//!     clears them away.
//! S3. `fill` counts keys and dummies. When `fill * 5 >= mask * 3` after an addition, the table is built anew for four times
//!     the keys (twice beyond 50,000).
//! S4. `version` moves with every key added or removed and every resize.
//!
//! Source: CPython 3.11 `Objects/setobject.c`; the functions are named after its. How the set operations are composed of
//! these steps decides their order too: see the notes at each.
//! Two ways in, as in `pydict`: `find_with` and `candidates`.
//! Not here: messages.

const LINEAR_PROBES: usize = 9;
const PERTURB_SHIFT: u32 = 5;
const MIN_SIZE: usize = 8;

#[derive(Clone, Debug)]
enum Cell<K> {
    Empty,
    Dummy,
    Full(i64, K),
}

#[derive(Clone, Debug)]
pub struct PySet<K> {
    /// Empty until the first key, then `mask + 1` cells.
    cells: Vec<Cell<K>>,
    mask: usize,
    fill: usize,
    used: usize,
    /// Where `pop_first` goes on.
    finger: usize,
    version: u64,
}

impl<K> Default for PySet<K> {
    fn default() -> Self {
        Self::new()
    }
}

/// The cells of a hash, in the order of S1; endless.
fn walk(hash: i64, mask: usize) -> impl Iterator<Item = usize> {
    let mut perturb = hash as u64 as usize;
    let mut base = perturb & mask;
    let mut ahead = 0;
    std::iter::from_fn(move || {
        let run = if base + LINEAR_PROBES <= mask { LINEAR_PROBES } else { 0 };
        let cell = base + ahead;
        if ahead < run {
            ahead += 1;
        } else {
            ahead = 0;
            perturb >>= PERTURB_SHIFT;
            base = base.wrapping_mul(5).wrapping_add(1).wrapping_add(perturb) & mask;
        }
        Some(cell)
    })
}

impl<K> PySet<K> {
    pub const fn new() -> Self {
        PySet { cells: Vec::new(), mask: MIN_SIZE - 1, fill: 0, used: 0, finger: 0, version: 0 }
    }

    pub fn len(&self) -> usize {
        self.used
    }

    pub fn is_empty(&self) -> bool {
        self.used == 0
    }

    /// S4.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The slot of a key whose equality is plain.
    #[inline]
    pub fn find_with(&self, hash: i64, mut same: impl FnMut(&K) -> bool) -> Option<usize> {
        if self.used == 0 {
            return None;
        }
        for slot in walk(hash, self.mask) {
            match &self.cells[slot] {
                Cell::Empty => return None,
                Cell::Full(other, key) if *other == hash && same(key) => return Some(slot),
                _ => {}
            }
        }
        None
    }

    /// Slots of all keys with this hash, in the order in which CPython compares them.
    pub fn candidates(&self, hash: i64) -> Vec<usize> {
        if self.used == 0 {
            return Vec::new();
        }
        walk(hash, self.mask)
            .take_while(|slot| !matches!(self.cells[*slot], Cell::Empty))
            .filter(|slot| matches!(self.cells[*slot], Cell::Full(other, _) if other == hash))
            .collect()
    }

    /// Number of slots; each may be empty.
    pub fn slots(&self) -> usize {
        self.cells.len()
    }

    /// The key in a slot.
    pub fn at(&self, slot: usize) -> Option<&K> {
        match self.cells.get(slot)? {
            Cell::Full(_, key) => Some(key),
            _ => None,
        }
    }

    /// `set_add_entry`, of a key that is known to be missing.
    pub fn push(&mut self, hash: i64, key: K) {
        self.used += 1;
        if let Some(slot) = self.last_dummy(hash) {
            self.cells[slot] = Cell::Full(hash, key);
            self.version += 1;
            return;
        }
        self.insert_clean(hash, key);
        self.fill += 1;
        if self.fill * 5 >= self.mask * 3 {
            self.resize(self.grown());
        }
    }

    /// The last dummy before the first empty cell of a walk (S2).
    fn last_dummy(&self, hash: i64) -> Option<usize> {
        // Without dummies `fill` is the number of keys, to which `used` has added the one on its way.
        if self.fill + 1 == self.used {
            return None;
        }
        walk(hash, self.mask)
            .take_while(|slot| !matches!(self.cells[*slot], Cell::Empty))
            .filter(|slot| matches!(self.cells[*slot], Cell::Dummy))
            .last()
    }

    /// S3.
    fn grown(&self) -> usize {
        if self.used > 50_000 { self.used * 2 } else { self.used * 4 }
    }

    /// `set_insert_clean`: counts nothing, resizes nothing.
    fn insert_clean(&mut self, hash: i64, key: K) {
        if self.cells.is_empty() {
            self.cells.resize_with(self.mask + 1, || Cell::Empty);
        }
        let free = walk(hash, self.mask).find(|slot| matches!(self.cells[*slot], Cell::Empty));
        // S3 keeps empty cells, and the walk comes to every cell.
        if let Some(slot) = free {
            self.cells[slot] = Cell::Full(hash, key);
        }
        self.version += 1;
    }

    /// `set_table_resize`: the smallest power of two above `least`; the keys enter in the order of the old cells.
    fn resize(&mut self, least: usize) {
        let size = (least + 1).next_power_of_two().max(MIN_SIZE);
        let old = std::mem::take(&mut self.cells);
        self.mask = size - 1;
        self.fill = self.used;
        self.version += 1;
        for cell in old {
            if let Cell::Full(hash, key) = cell {
                self.insert_clean(hash, key);
            }
        }
    }

    /// Takes the key out of its slot.
    pub fn remove(&mut self, slot: usize) -> Option<K> {
        let cell = self.cells.get_mut(slot)?;
        if !matches!(cell, Cell::Full(..)) {
            return None;
        }
        let Cell::Full(_, key) = std::mem::replace(cell, Cell::Dummy) else {
            return None;
        };
        self.used -= 1;
        self.version += 1;
        Some(key)
    }

    /// `set_pop`: the first key from where the last one was taken.
    pub fn pop_first(&mut self) -> Option<K> {
        if self.used == 0 {
            return None;
        }
        let start = self.finger & self.mask;
        let size = self.mask + 1;
        let slot =
            (0..size).map(|ahead| (start + ahead) % size).find(|slot| matches!(self.cells[*slot], Cell::Full(..)))?;
        self.finger = slot + 1;
        self.remove(slot)
    }

    /// Empties the table; the keys come back, to be dropped with the table closed.
    pub fn clear(&mut self) -> Self {
        let (finger, version) = (self.finger, self.version + 1);
        std::mem::replace(self, PySet { finger, version, ..Self::new() })
    }

    /// The order of iteration.
    pub fn iter(&self) -> impl Iterator<Item = &K> {
        self.hashed().map(|(_, key)| key)
    }

    /// Keys with their hashes, in the order of iteration.
    pub fn hashed(&self) -> impl Iterator<Item = (i64, &K)> {
        self.cells.iter().filter_map(|cell| match cell {
            Cell::Full(hash, key) => Some((*hash, key)),
            _ => None,
        })
    }

    /// Before `update` with a dict of `count` keys, as before a merge: room for all at once.
    pub fn reserve_for(&mut self, count: usize) {
        if (self.fill + count) * 5 >= self.mask * 3 {
            self.resize((self.used + count) * 2);
        }
    }

    /// After `difference_update`: dummies in more than a quarter of the cells go away.
    pub fn drop_dummies(&mut self) {
        if self.fill - self.used > self.mask / 4 {
            self.resize(self.grown());
        }
    }
}

impl<K: Clone> PySet<K> {
    /// The start of `set_merge`, by which `update`, `|`, `copy` and the constructors take another set: room for all, and when
    /// this set is empty all keys too. False when the caller must still add the keys of `other` one by one, in its order.
    pub fn merge(&mut self, other: &Self) -> bool {
        if other.used == 0 {
            return true;
        }
        self.reserve_for(other.used);
        if self.fill > 0 {
            return false;
        }
        if self.mask == other.mask && other.fill == other.used {
            self.cells.clone_from(&other.cells);
            self.version += 1;
        } else {
            for (hash, key) in other.hashed() {
                self.insert_clean(hash, key.clone());
            }
        }
        self.fill = other.used;
        self.used = other.used;
        true
    }

    /// What a display of three or more constants, `{1, 2, 3}`, gives, from the set of them built key by key: CPython's compiler
    /// builds a frozenset, builds it again from its own order, and merges that into an empty set at run time.
    pub fn display(&self) -> Self {
        let mut frozen = Self::new();
        for (hash, key) in self.hashed() {
            frozen.push(hash, key.clone());
        }
        frozen.copy()
    }

    /// `set.copy()`: a merge into an empty set, whose order may differ from the original's.
    pub fn copy(&self) -> Self {
        let mut copy = Self::new();
        copy.merge(self);
        copy
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::pure::hash::small_int;

    fn add(set: &mut PySet<i64>, key: i64) {
        if set.find_with(small_int(key), |other| *other == key).is_none() {
            set.push(small_int(key), key);
        }
    }

    fn discard(set: &mut PySet<i64>, key: i64) {
        if let Some(slot) = set.find_with(small_int(key), |other| *other == key) {
            set.remove(slot);
        }
    }

    fn of(keys: impl IntoIterator<Item = i64>) -> PySet<i64> {
        let mut set = PySet::new();
        keys.into_iter().for_each(|key| add(&mut set, key));
        set
    }

    fn keys(set: &PySet<i64>) -> Vec<i64> {
        set.iter().copied().collect()
    }

    /// Orders recorded from CPython 3.11.
    #[test]
    fn iterates_in_cpythons_order() {
        let mut set = of([17, 54, -10, 27, 64, 0, 37, 74, 10, 47, -17, 20, 57, -7, 30, 67, 3, 40]);
        assert_eq!(keys(&set), [64, 0, 67, 3, 37, 40, 74, 10, 47, -17, 17, 20, 54, -10, 57, 27, -7, 30]);
        for key in [17, 27, 37, 47, 57, 67] {
            discard(&mut set, key);
        }
        for key in [1000003, 2000006, 3000009, 4000012, 5000015, 6000018, 7000021] {
            add(&mut set, key);
        }
        assert_eq!(
            keys(&set),
            [
                64, 0, 3, 1000003, 2000006, 3000009, 74, 10, 4000012, 5000015, 6000018, 20, 7000021, 30, 40, -17, 54,
                -10, -7
            ]
        );
        assert_eq!(
            keys(&set.copy()),
            [
                64, 0, 3, 1000003, 2000006, 3000009, 74, 10, 4000012, 5000015, 6000018, 20, 7000021, 30, 40, -17, 54,
                -10, -7
            ]
        );
        assert_eq!(std::array::from_fn(|_| set.pop_first()), [Some(64), Some(0), Some(3), Some(1000003)]);
        add(&mut set, 5);
        add(&mut set, -20);
        assert_eq!(std::array::from_fn(|_| set.pop_first()), [Some(5), Some(2000006), Some(3000009)]);
        assert_eq!(keys(&set), [74, 10, 4000012, 5000015, 6000018, 20, 7000021, 30, 40, -20, -17, 54, -10, -7]);
        assert_eq!(keys(&of([33, 65, 97, 129, 161, 193, 225, 1, 9])), [65, 33, 129, 161, 97, 193, 225, 1, 9]);
        assert_eq!(keys(&of([40, 8, 24, 16, 32]).display()), [32, 16, 8, 24, 40]);
    }

    #[test]
    fn slots_and_versions() {
        let mut set = of([1, 9, 17]);
        let before = set.version();
        assert_eq!((set.candidates(1), set.candidates(2)), (vec![1], vec![]));
        assert_eq!(set.version(), before);
        assert_eq!((set.at(1), set.at(0)), (Some(&1), None));
        assert_eq!((set.remove(1), set.remove(1)), (Some(1), None));
        assert_ne!(set.version(), before);
        assert_eq!(set.clear().len(), 2);
        assert_eq!((set.len(), set.pop_first()), (0, None));
    }
}
