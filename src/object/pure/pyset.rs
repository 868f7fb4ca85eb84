//! The table of set and frozenset, as CPython 3.11 has it, so that sets of numbers iterate in its order.
//!
//! Source: CPython 3.11 `Objects/setobject.c`: open addressing, up to nine linear probes, then the
//! perturbed step; grows when 5·fill >= 3·mask, by four below 50,000 entries, else by two. Two ways in,
//! as in pydict.rs: `find_with` and `candidates`.

const LINEAR_PROBES: usize = 9;
const PERTURB_SHIFT: u32 = 5;
const SMALLEST: usize = 8;

#[derive(Clone)]
enum Slot<K> {
    Free,
    /// A removed key: probing goes on past it.
    Dummy,
    Full(i64, K),
}

#[derive(Clone)]
pub struct PySet<K> {
    slots: Vec<Slot<K>>,
    /// Full and dummy slots.
    fill: usize,
    used: usize,
    version: u64,
}

impl<K> Default for PySet<K> {
    fn default() -> Self {
        PySet {
            slots: (0..SMALLEST).map(|_| Slot::Free).collect(),
            fill: 0,
            used: 0,
            version: 0,
        }
    }
}

/// The order in which CPython looks at slots for a hash: runs of neighbours, then a perturbed jump.
struct Probes {
    mask: usize,
    perturb: u64,
    i: usize,
    left: usize,
    at: usize,
}

impl Probes {
    fn new(hash: i64, mask: usize) -> Probes {
        let i = hash as u64 as usize & mask;
        Probes {
            mask,
            perturb: hash as u64,
            i,
            left: Probes::run(i, mask),
            at: i,
        }
    }
    fn run(i: usize, mask: usize) -> usize {
        if i + LINEAR_PROBES <= mask {
            LINEAR_PROBES
        } else {
            0
        }
    }
    fn next(&mut self) -> usize {
        let now = self.at;
        if self.left > 0 {
            self.left -= 1;
            self.at += 1;
        } else {
            self.perturb >>= PERTURB_SHIFT;
            self.i = (self
                .i
                .wrapping_mul(5)
                .wrapping_add(1)
                .wrapping_add(self.perturb as usize))
                & self.mask;
            self.left = Probes::run(self.i, self.mask);
            self.at = self.i;
        }
        now
    }
}

impl<K> PySet<K> {
    pub fn len(&self) -> usize {
        self.used
    }
    pub fn is_empty(&self) -> bool {
        self.used == 0
    }
    /// Changes whenever a key is added or removed.
    pub fn version(&self) -> u64 {
        self.version
    }
    /// Number of slots; `at` of each may be empty.
    pub fn slots(&self) -> usize {
        self.slots.len()
    }
    pub fn at(&self, slot: usize) -> Option<&K> {
        match self.slots.get(slot)? {
            Slot::Full(_, k) => Some(k),
            _ => None,
        }
    }
    /// The slot of a key whose equality is plain.
    pub fn find_with(&self, hash: i64, mut eq: impl FnMut(&K) -> bool) -> Option<usize> {
        let mut probes = Probes::new(hash, self.slots.len() - 1);
        loop {
            let at = probes.next();
            match &self.slots[at] {
                Slot::Free => return None,
                Slot::Full(h, k) if *h == hash && eq(k) => return Some(at),
                _ => {}
            }
        }
    }
    /// Slots of all keys with this hash.
    pub fn candidates(&self, hash: i64) -> Vec<usize> {
        let mut out = Vec::new();
        self.find_with_slot(hash, |at| {
            out.push(at);
            false
        });
        out
    }
    fn find_with_slot(&self, hash: i64, mut f: impl FnMut(usize) -> bool) {
        let mut probes = Probes::new(hash, self.slots.len() - 1);
        loop {
            let at = probes.next();
            match &self.slots[at] {
                Slot::Free => return,
                Slot::Full(h, _) if *h == hash && f(at) => return,
                _ => {}
            }
        }
    }
    /// Adds a key that is known to be absent.
    pub fn push(&mut self, hash: i64, key: K) {
        let mut probes = Probes::new(hash, self.slots.len() - 1);
        let at = loop {
            let at = probes.next();
            if matches!(self.slots[at], Slot::Free) {
                break at;
            }
        };
        self.slots[at] = Slot::Full(hash, key);
        self.fill += 1;
        self.used += 1;
        self.version += 1;
        if self.fill * 5 >= (self.slots.len() - 1) * 3 {
            self.resize(if self.used > 50_000 {
                self.used * 2
            } else {
                self.used * 4
            });
        }
    }
    fn resize(&mut self, least: usize) {
        let mut size = SMALLEST;
        while size <= least {
            size <<= 1;
        }
        let old = std::mem::replace(&mut self.slots, (0..size).map(|_| Slot::Free).collect());
        self.fill = self.used;
        for slot in old {
            if let Slot::Full(hash, key) = slot {
                let mut probes = Probes::new(hash, size - 1);
                let at = loop {
                    let at = probes.next();
                    if matches!(self.slots[at], Slot::Free) {
                        break at;
                    }
                };
                self.slots[at] = Slot::Full(hash, key);
            }
        }
    }
    /// Room for as many keys as a set that this one is about to be filled from, as `set_merge` does.
    pub fn reserve_for(&mut self, other: usize) {
        if (self.fill + other) * 5 >= (self.slots.len() - 1) * 3 {
            self.resize((self.used + other) * 2);
        }
    }
    pub fn remove(&mut self, slot: usize) -> Option<K> {
        if !matches!(self.slots.get(slot)?, Slot::Full(..)) {
            return None;
        }
        self.used -= 1;
        self.version += 1;
        match std::mem::replace(&mut self.slots[slot], Slot::Dummy) {
            Slot::Full(_, k) => Some(k),
            _ => None,
        }
    }
    /// The first key in table order, removed.
    pub fn pop_first(&mut self) -> Option<K> {
        let at = (0..self.slots.len()).find(|&i| self.at(i).is_some())?;
        self.remove(at)
    }
    pub fn clear(&mut self) {
        *self = PySet {
            version: self.version + 1,
            ..PySet::default()
        };
    }
    pub fn iter(&self) -> impl Iterator<Item = &K> {
        self.slots.iter().filter_map(|s| match s {
            Slot::Full(_, k) => Some(k),
            _ => None,
        })
    }
    /// Keys with their hashes, in table order.
    pub fn hashed(&self) -> impl Iterator<Item = (i64, &K)> {
        self.slots.iter().filter_map(|s| match s {
            Slot::Full(h, k) => Some((*h, k)),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::PySet;

    fn order(numbers: impl IntoIterator<Item = i64>) -> Vec<i64> {
        let mut s = PySet::default();
        for n in numbers {
            if s.find_with(n, |k| *k == n).is_none() {
                s.push(n, n);
            }
        }
        s.iter().copied().collect()
    }

    // Recorded from CPython 3.11: list({...}).
    #[test]
    fn iterates_as_cpython_does() {
        assert_eq!(order([5, 3, 8, 1]), [8, 1, 3, 5]);
        assert_eq!(order([100, 7, 33, 64, 2]), [64, 33, 2, 100, 7]);
        assert_eq!(
            order((0..20).map(|i| i * 37 % 101)),
            [
                0, 3, 10, 13, 20, 23, 30, 37, 40, 47, 50, 57, 60, 67, 74, 77, 84, 87, 94, 97
            ]
        );
    }
}
