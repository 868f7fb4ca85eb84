//! The allocator of the process: mimalloc, and one heap that all threads share for the first blocks of each.
//!
//! mimalloc beats the system's by 1.5 to 2 where many threads allocate small objects, because each has a heap of
//! its own. That heap costs some 70 KB and 20 us as soon as its thread allocates anything, and most threads of a script
//! allocate next to nothing: they sleep, or wait for a message. So a thread is *young* until it has allocated
//! `YOUTH` bytes, and what it allocates until then lies in the shared heap, a range of addresses of its own.
//!
//! A1 A block of the range is of the class of its layout, which is the same when it is freed: no headers.
//! A2 Lists and ends of the shared heap change under its lock only.
//! A3 The range is reserved once and never given back; pages of large blocks are, when such a block is freed and
//!    `KEPT` others of its class have theirs.
//!
//! Not here: counting live bytes for memory limits, which is to be built on top of it.
#![allow(unsafe_code)]

use mimalloc::MiMalloc;
use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous};
use std::alloc::{GlobalAlloc, Layout};
use std::cell::{Cell, UnsafeCell};
use std::mem::MaybeUninit;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::*};

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

struct Allocator;

/// What a thread may allocate before it gets a heap of its own.
const YOUTH: usize = 32 << 10;
/// Addresses of the shared heap: the rows of 40,000 threads fit in. The first part is for blocks of
/// less than `PAGED` bytes, so that they lie close together.
const RANGE: usize = 84 << 30;
const NARROW: usize = 4 << 30;
/// Where the range would begin if there were none: no block lies there.
const NOWHERE: usize = 1 << 63;

/// Small blocks come in steps of 16 bytes up to this size, larger ones in powers of two.
const SMALL: usize = 512;
const LARGEST: usize = 4 << 20;
const STEPS: usize = SMALL / 16 + 1;
const CLASSES: usize = STEPS + LARGEST.ilog2() as usize + 1;
/// From this size on the pages of a free block go back to the system, but for the first one.
const PAGED: usize = 128 << 10;
const PAGED_CLASSES: usize = LARGEST.ilog2() as usize + 1 - PAGED.ilog2() as usize;
/// Of each class so many free blocks keep their pages: threads that start one after the other use the same pages,
/// without two calls of the system, a fault, and a word to all cores for each thread.
const KEPT: usize = 2;
/// The system's pages, in bytes.
pub const PAGE: usize = 4096;

thread_local! {
    /// Bytes that the thread may still take from the shared heap.
    static YOUNG: Cell<usize> = const { Cell::new(YOUTH) };
}

/// Where the range begins, for `dealloc`.
static BASE: AtomicUsize = AtomicUsize::new(NOWHERE);
static SHARED: Shared = Shared {
    taken: AtomicBool::new(false),
    heap: UnsafeCell::new(Heap {
        free: [null_mut(); CLASSES],
        kept: [[null_mut(); KEPT]; PAGED_CLASSES],
        rest: [(0, 0); 2],
    }),
};

/// The C library's own allocator, which thread starts use for a moment, makes no arena for each of them: 130 KB and
/// three system calls. Called once, at the beginning.
pub fn one_arena() {
    // SAFETY: sets a number of the allocator's; on what it refuses nothing depends.
    unsafe { libc::mallopt(libc::M_ARENA_MAX, 1) };
}

/// All of this room is about to be written: in pages of 2 MB, if it is large, it costs one fault each instead of 512.
/// Not for room that is only kept ready.
pub fn filling(room: &mut [MaybeUninit<u8>]) {
    const WORTH: usize = 8 << 20;
    let from = room.as_ptr().addr().next_multiple_of(PAGE);
    let to = (room.as_ptr().addr() + room.len()) & !(PAGE - 1);
    if room.len() >= WORTH {
        let at = room.as_mut_ptr().with_addr(from).cast();
        // SAFETY: whole pages within the room; the advice changes nothing but the size of pages to come. Where
        // the system has none of this size, it says so, and everything stays as it was.
        let _ = unsafe { madvise(at, to - from, Advice::LinuxHugepage) };
    }
}

/// A copy, made with `filling`.
pub fn copied(bytes: &[u8]) -> Vec<u8> {
    let mut copy = Vec::with_capacity(bytes.len());
    filling(copy.spare_capacity_mut());
    copy.extend_from_slice(bytes);
    copy
}

/// The calling thread allocates from a heap of its own from now on: for threads that will need one.
pub fn grow_up() {
    YOUNG.set(0);
}

struct Shared {
    taken: AtomicBool,
    heap: UnsafeCell<Heap>,
}

// SAFETY: A2.
unsafe impl Sync for Shared {}

struct Heap {
    /// Free blocks by class; each begins with the address of the next one.
    free: [*mut u8; CLASSES],
    /// Free large blocks that have their pages.
    kept: [[*mut u8; KEPT]; PAGED_CLASSES],
    /// What no block has been cut from yet, of both parts.
    rest: [(usize, usize); 2],
}

/// The class of a layout and the size of its blocks; `None`: too large, or aligned to more than a page.
fn class(layout: Layout) -> Option<(usize, usize)> {
    if layout.size() <= SMALL && layout.align() <= 16 {
        let steps = layout.size().div_ceil(16).max(1);
        return Some((steps, steps * 16));
    }
    let size = layout.size().max(layout.align()).checked_next_power_of_two()?;
    (size <= LARGEST && layout.align() <= PAGE).then(|| (STEPS + size.ilog2() as usize, size))
}

impl Shared {
    fn with<R>(&self, f: impl FnOnce(&mut Heap) -> R) -> R {
        while self.taken.compare_exchange_weak(false, true, Acquire, Relaxed).is_err() {
            super::thread::pause();
        }
        // SAFETY: A2: `taken` is ours; `f` allocates nothing.
        let r = f(unsafe { &mut *self.heap.get() });
        self.taken.store(false, Release);
        r
    }
}

impl Heap {
    /// A block of a class; null if the range is used up or could not be had.
    fn take(&mut self, class: usize, size: usize) -> *mut u8 {
        if size >= PAGED
            && let Some(kept) = self.kept_of(size).iter_mut().find(|kept| !kept.is_null())
        {
            return std::mem::replace(kept, null_mut());
        }
        let first = self.free[class];
        if !first.is_null() {
            // SAFETY: A1: a free block begins with the address of the next.
            self.free[class] = unsafe { first.cast::<*mut u8>().read() };
            return first;
        }
        if self.rest[0].1 == 0 && !self.reserve() {
            return null_mut();
        }
        let (next, end) = &mut self.rest[usize::from(size >= PAGED)];
        // Blocks of a power of two begin at a multiple of it, which is what their alignment asks for.
        let align = if class < STEPS { 16 } else { size.min(PAGE) };
        let at = next.next_multiple_of(align);
        if *end - at < size {
            return null_mut();
        }
        *next = at + size;
        at as *mut u8
    }

    fn kept_of(&mut self, size: usize) -> &mut [*mut u8; KEPT] {
        &mut self.kept[(size.ilog2() - PAGED.ilog2()) as usize]
    }

    /// Frees a large block with its pages, if there is room for one more.
    fn keep(&mut self, size: usize, block: *mut u8) -> bool {
        let room = self.kept_of(size).iter_mut().find(|kept| kept.is_null());
        room.map(|place| *place = block).is_some()
    }

    fn put(&mut self, class: usize, block: *mut u8) {
        // SAFETY: A1: the block is free and has room for an address.
        unsafe { block.cast::<*mut u8>().write(self.free[class]) };
        self.free[class] = block;
    }

    fn reserve(&mut self) -> bool {
        let (access, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE | MapFlags::NORESERVE);
        // SAFETY: new addresses, which nothing else refers to.
        let Ok(base) = (unsafe { mmap_anonymous(null_mut(), RANGE, access, flags) }) else { return false };
        // SAFETY: a hint about the pages just mapped: no pages of 2 MB for blocks of a few bytes.
        let _ = unsafe { madvise(base, RANGE, Advice::LinuxNoHugepage) };
        let base = base as usize;
        self.rest = [(base, base + NARROW), (base + NARROW, base + RANGE)];
        BASE.store(base, Release);
        true
    }
}

#[inline(always)]
fn shared(block: *mut u8) -> bool {
    (block as usize).wrapping_sub(BASE.load(Relaxed)) < RANGE
}

/// Allocates for a young thread; null: let mimalloc do it.
#[cold]
#[inline(never)]
fn young(layout: Layout) -> *mut u8 {
    let Some((class, size)) = class(layout) else { return null_mut() };
    if size < PAGED {
        YOUNG.set(YOUNG.get().saturating_sub(size));
    }
    let block = SHARED.with(|heap| heap.take(class, size));
    if block.is_null() {
        grow_up();
    }
    block
}

#[cold]
#[inline(never)]
fn give_back(block: *mut u8, layout: Layout) {
    let (class, size) = class(layout).expect("the block was allocated with this layout");
    if size >= PAGED {
        if SHARED.with(|heap| heap.keep(size, block)) {
            return;
        }
        // SAFETY: A1: the block is free; its first page keeps the link.
        let _ = unsafe { madvise(block.add(PAGE).cast(), size - PAGE, Advice::LinuxDontNeed) };
    }
    SHARED.with(|heap| heap.put(class, block));
}

// SAFETY: a block comes from mimalloc, or from the shared heap and from nobody else until it is freed (A1, A2); the
// address says which.
unsafe impl GlobalAlloc for Allocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if YOUNG.get() != 0 {
            let block = young(layout);
            if !block.is_null() {
                return block;
            }
        }
        // SAFETY: the caller's promises are mimalloc's.
        unsafe { MiMalloc.alloc(layout) }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if shared(block) {
            return give_back(block, layout);
        }
        // SAFETY: as above.
        unsafe { MiMalloc.dealloc(block, layout) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if YOUNG.get() != 0 {
            let block = young(layout);
            if !block.is_null() {
                // SAFETY: the block is that long.
                unsafe { block.write_bytes(0, layout.size()) };
                return block;
            }
        }
        // SAFETY: as above.
        unsafe { MiMalloc.alloc_zeroed(layout) }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if YOUNG.get() == 0 && !shared(block) {
            // SAFETY: as above.
            return unsafe { MiMalloc.realloc(block, layout, size) };
        }
        // SAFETY: the caller's promises: `size` is valid with this alignment; the blocks do not overlap.
        unsafe {
            let new = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !new.is_null() {
                new.copy_from_nonoverlapping(block, layout.size().min(size));
                self.dealloc(block, layout);
            }
            new
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn what_a_young_thread_allocates_others_free_and_it_grows_up() {
        let (to_us, from_it) = channel();
        let body = move || {
            let kept: Vec<Vec<u8>> = (1..100).map(|n| vec![n as u8; n]).collect();
            assert!(shared(kept[50].as_ptr().cast_mut()));
            let mut large: Vec<u64> = Vec::with_capacity(1 << 17);
            large.resize(1 << 17, 7);
            assert!(shared(large.as_mut_ptr().cast()), "large blocks do not count");
            large.push(8);
            assert_eq!(large.iter().sum::<u64>(), 7 * (1 << 17) + 8);
            let aligned = Box::new(Aligned([5; 700]));
            assert_eq!(&raw const *aligned as usize % 64, 0);
            (0..YOUTH / 1000).for_each(|_| drop(vec![0u8; 1000]));
            assert!(!shared(vec![1u8; 100].as_mut_ptr()), "it has grown up");
            to_us.send((kept, aligned)).unwrap();
        };
        super::super::thread::start("young", 1 << 20, Box::new(body)).unwrap();
        let (mut kept, aligned) = from_it.recv().unwrap();
        assert!(aligned.0.iter().all(|n| *n == 5));
        kept.iter_mut().for_each(|v| v.resize(v.len() * 3, 9));
        for (n, v) in (1..100).zip(&kept) {
            assert!(v[..n].iter().all(|b| *b == n as u8) && v[n..].iter().all(|b| *b == 9));
        }
    }

    #[repr(align(64))]
    struct Aligned([u8; 700]);
}
