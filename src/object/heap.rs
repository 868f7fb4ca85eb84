//! Objects in memory: header, counted references, opening an object, freeing it.
//!
//! H1: a count changes only in an attached thread; while the lock is on the thread that holds it is
//! alone, so plain load and store suffice; with the lock off (`OFF`, fixed before the first thread)
//! every change is atomic. H2: `Ref` is not `Send`; `Parcel` alone crosses threads and is inert outside
//! an attached thread. H3: an open object (`with`) is marked busy; opening it again panics with the lock
//! on, is detected as re-entry with the lock off, where other threads wait for it (open.rs); giving up the lock takes `&mut Held`, `with` borrows
//! `&Held`, so no object is open across a release. H4: no script code runs while an object is open or
//! freed. H5: freeing a long chain does not recurse: beyond a depth the dead wait in a list. H6: a count
//! that reaches the top bit stays there: the object has become immortal. H7: node kinds (kind.rs) are
//! linked into a list of their interpreter's root for the collector; the links precede the header. With the
//! lock off there are many such lists, each with a lock of its own; the header's owner says which.
//!
//! Here is `unsafe`; each use cites one of these. Not here: what payloads mean.
#![allow(unsafe_code)]

use super::instance::Instance;
use super::kind::{Frozen, Kind, Payload, Trace, for_each_kind};
use super::value::Value;
use crate::gil::{Held, Still, off};
use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::cell::{Cell as StdCell, RefCell, UnsafeCell};
use std::mem::ManuallyDrop;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, Ordering::*};

use self::open::Open;

/// A shape number: class and attribute layout, see shape.rs.
pub type ShapeId = u32;

/// Sixteen bytes before every payload.
#[repr(C)]
pub struct Header {
    count: AtomicU32,
    busy: AtomicU32,
    pub(crate) shape: AtomicU32,
    owner: AtomicU16,
    kind: Kind,
    flags: AtomicU8,
}

const IMMORTAL: u32 = 1 << 31;

#[repr(C)]
struct Link {
    prev: StdCell<*mut Link>,
    next: StdCell<*mut Link>,
}

#[repr(C)]
struct Obj<T> {
    head: Header,
    body: UnsafeCell<T>,
}

/// A counted reference to an object. Not `Send`, not `Sync` (H2).
#[repr(transparent)]
pub struct Ref(NonNull<Header>);

/// One list of nodes: a ring of links. With the lock off `lock` is taken to link and unlink.
#[repr(C, align(64))]
struct Ring {
    root: Link,
    lock: AtomicU32,
}

/// Rings with the lock off: threads are spread over them by number.
const RINGS: usize = 64;

/// Per-thread state of the heap: where new nodes are linked, the dead that wait.
struct Local {
    /// The ring of this thread: null outside the heap.
    root: StdCell<*const Ring>,
    /// All rings.
    rings: StdCell<*const Ring>,
    number: StdCell<u16>,
    depth: StdCell<u32>,
    /// Nodes made less nodes freed, as `gcmodule.c` counts for its youngest generation; never below 0.
    made: StdCell<usize>,
    /// The collection since which `made` counts.
    collections: StdCell<u32>,
    census: RefCell<Option<Arc<collect::Census>>>,
    /// `made` at which this thread asks for a collection.
    enough: StdCell<usize>,
    dead: RefCell<Vec<NonNull<Header>>>,
    /// The thread's breaker word: how the heap asks for a safe point.
    breaker: StdCell<*const AtomicU32>,
    /// The root's table of watched objects.
    weak: StdCell<*const weak::Weak>,
    /// Objects that died with a last word to say: alive again until the thread has let them say it.
    last_words: RefCell<Vec<Ref>>,
}

/// Bits of the breaker word that the heap sets: see `HeapRoot::work`.
pub const WANTS_COLLECTION: u32 = 1 << 16;
pub const HAS_LAST_WORDS: u32 = 1 << 17;

/// So many nodes more than it has freed a thread makes before it asks for a collection, at least; `collect` says more.
const COLLECT_AFTER: usize = 100_000;

/// Flag of an object that wants `last_words` before it is freed.
const SPEAKS_LAST: u8 = 1;

thread_local! {
    static LOCAL: Local = const {
        Local {
            root: StdCell::new(std::ptr::null()),
            rings: StdCell::new(std::ptr::null()),
            number: StdCell::new(0),
            depth: StdCell::new(0),
            made: StdCell::new(0),
            collections: StdCell::new(0),
            census: RefCell::new(None),
            enough: StdCell::new(COLLECT_AFTER),
            dead: RefCell::new(Vec::new()),
            breaker: StdCell::new(std::ptr::null()),
            weak: StdCell::new(std::ptr::null()),
            last_words: RefCell::new(Vec::new()),
        }
    };
}

/// The lists of all nodes of one interpreter.
pub struct HeapRoot {
    rings: Box<[Ring]>,
    weak: Box<weak::Weak>,
    census: Arc<collect::Census>,
}

// SAFETY: H1: the links are touched only by attached threads of the root's interpreter.
unsafe impl Send for HeapRoot {}
// SAFETY: as above.
unsafe impl Sync for HeapRoot {}

impl Default for HeapRoot {
    fn default() -> Self {
        let none = || StdCell::new(std::ptr::null_mut());
        let ring = |_| Ring { root: Link { prev: none(), next: none() }, lock: AtomicU32::new(0) };
        let rings: Box<[Ring]> = (0..if off() { RINGS } else { 1 }).map(ring).collect();
        for ring in &rings {
            let p = &ring.root as *const Link as *mut Link;
            ring.root.prev.set(p);
            ring.root.next.set(p);
        }
        HeapRoot { rings, weak: Box::default(), census: Arc::default() }
    }
}

impl HeapRoot {
    /// Objects that this thread makes from now on belong to this root. Called once per thread, before
    /// its first object.
    pub fn enter(&self, held: &Held) {
        LOCAL.with(|l| {
            let number = held.tid().0 as usize % self.rings.len();
            open::set_mark(held.tid().0);
            l.root.set(&self.rings[number]);
            l.rings.set(self.rings.as_ptr());
            l.number.set(number as u16);
            l.census.replace(Some(self.census.clone()));
            l.breaker.set(held.breaker());
            l.weak.set(&*self.weak);
        });
    }
    /// Objects of this thread that died wanting a last word; the caller gives it to them and lets go.
    pub fn last_words(&self, _held: &Held) -> Vec<Ref> {
        LOCAL.with(|l| std::mem::take(&mut *l.last_words.borrow_mut()))
    }
    /// Leaves the heap: parcels dropped from now on in this thread are not opened.
    pub fn leave(&self, _held: &Held) {
        LOCAL.with(|l| {
            l.root.set(std::ptr::null());
            l.breaker.set(std::ptr::null());
            // Who has not spoken by now stays: freed with the thread, it would be freed without the lock (H1).
            l.last_words.take().into_iter().for_each(std::mem::forget);
        });
    }
    /// Calls `f` for each live node. `f` makes and frees nothing.
    pub fn for_each(&self, _alone: &Still, mut f: impl FnMut(&Ref)) {
        for ring in &self.rings {
            let end = &ring.root as *const Link as *mut Link;
            let mut p = ring.root.next.get();
            while p != end {
                // SAFETY: H7: the header of a live object follows its link; the reference is borrowed, not
                // counted. All other threads are at safe points, so none is about to link, unlink or free.
                unsafe {
                    let r = ManuallyDrop::new(Ref(NonNull::new_unchecked(p.add(1) as *mut Header)));
                    f(&r);
                    p = (*p).next.get();
                }
            }
        }
    }
    /// Number of live nodes; for tests and reports.
    pub fn live(&self, alone: &Still) -> usize {
        let mut n = 0;
        self.for_each(alone, |_| n += 1);
        n
    }
}

/// Asks the thread to come to a safe point for the heap's sake.
fn ask(l: &Local, bit: u32) {
    let word = l.breaker.get();
    if !word.is_null() {
        // SAFETY: the word lives as long as the thread's token, which `leave` outlasts.
        unsafe { (*word).fetch_or(bit, Relaxed) };
    }
}

const LINK: usize = size_of::<Link>();

fn layout_of<T>(node: bool, extra: usize) -> Layout {
    let size = size_of::<Obj<T>>() + extra + if node { LINK } else { 0 };
    Layout::from_size_align(size, 16).expect("object sizes are bounded")
}

/// Makes an object; `extra` bytes follow the payload (instances only).
fn make<T: Payload>(shape: ShapeId, body: T, extra: usize) -> Ref {
    const { assert!(align_of::<T>() <= 16) };
    let node = T::KIND.is_node();
    let layout = layout_of::<T>(node, extra);
    // SAFETY: the layout is not empty; the block is written before it is used.
    unsafe {
        let raw = alloc(layout);
        if raw.is_null() {
            handle_alloc_error(layout);
        }
        let at = if node { raw.add(LINK) } else { raw } as *mut Obj<T>;
        at.write(Obj {
            head: Header {
                count: AtomicU32::new(1),
                busy: AtomicU32::new(0),
                shape: AtomicU32::new(shape),
                owner: AtomicU16::new(0),
                kind: T::KIND,
                flags: AtomicU8::new(0),
            },
            body: UnsafeCell::new(body),
        });
        if node {
            link_in(raw as *mut Link, &(*at).head.owner);
        }
        Ref(NonNull::new_unchecked(at as *mut Header))
    }
}

/// SAFETY: `link` begins a fresh allocation of a node (H7).
unsafe fn link_in(link: *mut Link, owner: &AtomicU16) {
    LOCAL.with(|l| {
        l.made.set(l.made.get() + 1);
        if l.made.get() == l.enough.get() {
            collect::enough(l);
        }
        let ring = l.root.get();
        assert!(!ring.is_null(), "an object is made in a thread that has not entered its heap");
        // SAFETY: H1, H7: the ring outlives its objects, and this thread is attached; with the lock off it has
        // the ring's own lock.
        unsafe {
            let lock = off().then(|| {
                owner.store(l.number.get(), Relaxed);
                Open::ring(&(*ring).lock)
            });
            let root = &(*ring).root as *const Link as *mut Link;
            let last = (*root).prev.get();
            link.write(Link { prev: StdCell::new(last), next: StdCell::new(root) });
            (*last).next.set(link);
            (*root).prev.set(link);
            drop(lock);
        }
    })
}

impl Ref {
    /// A new object. The token shows that this thread is attached (H1).
    #[inline]
    pub fn new<T: Payload>(_held: &Held, shape: ShapeId, body: T) -> Ref {
        make(shape, body, 0)
    }
    /// A new instance with `cap` trailing slots, all unset.
    #[inline]
    pub fn new_instance(_held: &Held, shape: ShapeId, class: Ref, cap: u16) -> Ref {
        let r = make(shape, Instance::new(class, cap), cap as usize * size_of::<Value>());
        // SAFETY: V2: zeroed slots are unset values; the block has room for `cap` of them.
        unsafe {
            std::ptr::write_bytes(
                Instance::slots(r.body::<Instance>()) as *mut u8,
                0,
                cap as usize * size_of::<Value>(),
            )
        };
        r
    }
    #[inline(always)]
    pub fn header(&self) -> &Header {
        // SAFETY: a `Ref` is counted, so its object lives (H1).
        unsafe { self.0.as_ref() }
    }
    #[inline(always)]
    pub fn kind(&self) -> Kind {
        self.header().kind
    }
    #[inline(always)]
    pub fn shape(&self) -> ShapeId {
        self.header().shape.load(Relaxed)
    }
    #[inline(always)]
    pub fn set_shape(&self, _held: &Held, shape: ShapeId) {
        self.header().shape.store(shape, Relaxed)
    }
    #[inline(always)]
    pub fn same(&self, other: &Ref) -> bool {
        self.0 == other.0
    }
    /// A number that is the object's for its lifetime, for `id()` and default reprs.
    pub fn address(&self) -> usize {
        self.0.as_ptr() as usize
    }
    #[inline(always)]
    pub fn is<T: Payload>(&self) -> bool {
        self.kind() == T::KIND
    }
    /// The object at an address that is known to be that of a live one, unless it is just dying.
    fn living(address: usize) -> Option<Ref> {
        let p = NonNull::new(address as *mut Header)?;
        let more = |n: u32| if n == 0 { None } else { Some(if n & IMMORTAL == 0 { n + 1 } else { n }) };
        // SAFETY: H1: the caller has found the address among watched objects and keeps their table locked; they
        // are taken out of it before they are freed.
        let counted = unsafe { p.as_ref() }.count.fetch_update(Acquire, Relaxed, more);
        counted.is_ok().then_some(Ref(p))
    }
    /// The count, for tests and `sys.getrefcount`.
    pub fn count(&self) -> u32 {
        self.header().count.load(Relaxed) & !IMMORTAL
    }
    /// Makes the object immortal: its count no longer changes (H6).
    pub fn immortalize(&self, _held: &Held) {
        self.header().count.fetch_or(IMMORTAL, Relaxed);
    }
    /// Before this object is freed it is handed to its thread once, at a safe point (H4).
    pub fn speak_last(&self, _held: &Held) {
        self.header().flags.fetch_or(SPEAKS_LAST, Relaxed);
    }
    /// It has nothing to say any more.
    pub fn hush(&self, _held: &Held) {
        if self.header().flags.load(Relaxed) & SPEAKS_LAST != 0 {
            self.header().flags.fetch_and(!SPEAKS_LAST, Relaxed);
        }
    }
    #[inline(always)]
    pub fn is_immortal(&self) -> bool {
        self.header().count.load(Relaxed) & IMMORTAL != 0
    }

    #[inline(always)]
    pub(crate) fn body<T: Payload>(&self) -> *mut T {
        debug_assert!(self.is::<T>());
        // SAFETY: the header begins an `Obj<T>`: its kind says so.
        unsafe { (*(self.0.as_ptr() as *mut Obj<T>)).body.get() }
    }
    /// Reads a frozen payload (K1); `None` when the object is of another kind.
    #[inline(always)]
    pub fn get<T: Frozen>(&self) -> Option<&T> {
        // SAFETY: K1: nobody writes it, and the reference keeps it alive.
        if self.is::<T>() { Some(unsafe { &*self.body::<T>() }) } else { None }
    }
    /// Reads a frozen payload whose kind is known.
    #[inline(always)]
    pub fn frozen<T: Frozen>(&self) -> &T {
        self.get::<T>().expect("the object's kind was checked")
    }
    /// Opens the object (H3). Panics when it is of another kind or open already.
    #[inline]
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn with<T: Payload, R>(&self, _held: &Held, f: impl FnOnce(&mut T) -> R) -> R {
        assert!(self.is::<T>(), "{:?} opened as {:?}", self.kind(), T::KIND);
        let open = Open::new(&self.header().busy, const { T::KIND.rank() });
        // SAFETY: H1 and H3: this thread is attached and the busy mark makes it the only opener.
        let out = f(unsafe { &mut *self.body::<T>() });
        drop(open);
        out
    }
    /// Opens the object when it is of kind `T`.
    #[inline]
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn try_with<T: Payload, R>(&self, held: &Held, f: impl FnOnce(&mut T) -> R) -> Option<R> {
        if self.is::<T>() { Some(self.with(held, f)) } else { None }
    }
    /// Calls `f` for each object that this one refers to. It is open meanwhile, so `f` opens none.
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn visit(&self, _held: &Held, mut f: impl FnMut(&Ref)) {
        let open = Open::new(&self.header().busy, Rank::Iter);
        trace_payload(self, &mut f);
        drop(open);
    }
    /// The class of an instance, which is written when it is made and never again: read without opening it.
    #[inline(always)]
    pub fn instance_class(&self) -> Option<Ref> {
        // SAFETY: the kind says that it is an instance; nobody writes this field.
        if self.is::<Instance>() { Some(unsafe { (*self.body::<Instance>()).class.clone() }) } else { None }
    }
    /// Opens an instance together with its slots.
    #[inline]
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn with_slots<R>(&self, _held: &Held, f: impl FnOnce(&mut Instance, &mut [Value]) -> R) -> R {
        assert!(self.is::<Instance>());
        let open = Open::new(&self.header().busy, Rank::Object);
        let p = self.body::<Instance>();
        // SAFETY: as in `with`; the slots follow the payload in the same block and do not overlap it.
        let out = unsafe { f(&mut *p, std::slice::from_raw_parts_mut(Instance::slots(p), (*p).cap as usize)) };
        drop(open);
        out
    }
}

#[inline(always)]
pub(crate) fn retain(h: &Header) {
    if off() {
        if h.count.load(Relaxed) & IMMORTAL == 0 {
            h.count.fetch_add(1, Relaxed);
        }
    } else {
        let n = h.count.load(Relaxed);
        if n & IMMORTAL == 0 {
            h.count.store(n + 1, Relaxed);
        }
    }
}

/// Copies a value, counting the reference if it holds one.
#[inline(always)]
pub(crate) fn copy_counted(v: &Value) -> Value {
    if let Value::Obj(r) = v {
        retain(r.header());
    }
    // SAFETY: the count just taken is the copy's own; other variants own nothing.
    unsafe { std::ptr::read(v) }
}

impl Clone for Ref {
    #[inline(always)]
    fn clone(&self) -> Ref {
        retain(self.header());
        Ref(self.0)
    }
}

impl Drop for Ref {
    #[inline(always)]
    fn drop(&mut self) {
        let c = &self.header().count;
        let n = c.load(Relaxed);
        if n & IMMORTAL != 0 {
            return;
        }
        if off() {
            if c.fetch_sub(1, Release) == 1 {
                std::sync::atomic::fence(Acquire);
                // SAFETY: this was the last reference.
                unsafe { bury(self.0) };
            }
        } else if n == 1 {
            // SAFETY: as above.
            unsafe { bury(self.0) };
        } else {
            c.store(n - 1, Relaxed);
        }
    }
}

/// Frees a dead object, or lists it when we are deep inside another free (H5).
#[cold]
#[inline(never)]
unsafe fn bury(p: NonNull<Header>) {
    // SAFETY: the caller held the last reference to `p`; `free` is called once for it.
    unsafe {
        if !p.as_ref().kind.is_node() {
            return free(p);
        }
        LOCAL.with(|l| {
            if p.as_ref().flags.load(Relaxed) & SPEAKS_LAST != 0 && !l.root.get().is_null() {
                // Alive again, once: the list holds the one reference.
                p.as_ref().flags.fetch_and(!SPEAKS_LAST, Relaxed);
                p.as_ref().count.store(1, Relaxed);
                l.last_words.borrow_mut().push(Ref(p));
                return ask(l, HAS_LAST_WORDS);
            }
            if p.as_ref().flags.load(Relaxed) & weak::WATCHED != 0 && !l.weak.get().is_null() {
                // The table belongs to the root, which outlives its objects.
                (*l.weak.get()).gone(p.as_ptr() as usize);
                ask(l, HAS_LAST_WORDS);
            }
            l.made.set(l.made.get().saturating_sub(1));
            let depth = l.depth.get();
            if depth >= 64 {
                l.dead.borrow_mut().push(p);
                return;
            }
            l.depth.set(depth + 1);
            free(p);
            l.depth.set(depth);
            if depth == 0 {
                drain(l);
            }
        })
    }
}

unsafe fn drain(l: &Local) {
    loop {
        let Some(p) = l.dead.borrow_mut().pop() else {
            return;
        };
        l.depth.set(1);
        // SAFETY: listed by `bury`, which had the last reference.
        unsafe { free(p) };
        l.depth.set(0);
    }
}

macro_rules! make_free {
    ($($(#[$doc:meta])* $name:ident $payload:ident $mode:ident $links:ident)*) => {
        unsafe fn free(p: NonNull<Header>) {
            use super::{agenda::Agenda, types::*, class::Class, code::CodeObj, deque::Deque, exception::Exception, function::*, iter::Iter, dict::*, module::Module, opaque::Opaque, queue::SimpleQueue};
            // SAFETY: the kind names the payload's type; nobody refers to the object any more.
            unsafe {
                match p.as_ref().kind { $(Kind::$name => free_as::<$payload>(p)),* }
            }
        }
        fn trace_payload(r: &Ref, f: &mut dyn FnMut(&Ref)) {
            use super::{agenda::Agenda, types::*, class::Class, code::CodeObj, deque::Deque, exception::Exception, function::*, iter::Iter, dict::*, module::Module, opaque::Opaque, queue::SimpleQueue};
            match r.kind() { $(Kind::$name => {
                // SAFETY: the collector runs with the world stopped and no object open.
                unsafe { (*r.body::<$payload>()).trace(f) }
            }),* }
            if r.is::<Instance>() {
                // SAFETY: as above.
                unsafe { for v in Instance::slot_row(r.body::<Instance>()) { if let Value::Obj(o) = v { f(o) } } }
            }
        }
        fn clear_payload(r: &Ref) {
            use super::{agenda::Agenda, types::*, class::Class, code::CodeObj, deque::Deque, exception::Exception, function::*, iter::Iter, dict::*, module::Module, opaque::Opaque, queue::SimpleQueue};
            match r.kind() { $(Kind::$name => {
                // SAFETY: the object is unreachable from scripts; only the collector refers to it.
                unsafe { (*r.body::<$payload>()).clear() }
            }),* }
            if r.is::<Instance>() {
                // SAFETY: as above.
                unsafe { for v in Instance::slot_row(r.body::<Instance>()) { drop(v.take()) } }
            }
        }
    };
}
for_each_kind!(make_free);

unsafe fn free_as<T: Payload>(p: NonNull<Header>) {
    // SAFETY: `p` begins an `Obj<T>` made by `make`, and is dead.
    unsafe {
        let obj = p.as_ptr() as *mut Obj<T>;
        let body = (*obj).body.get();
        let node = T::KIND.is_node();
        if node && off() && LOCAL.with(|l| l.root.get().is_null()) {
            // Outside the heap its ring cannot be reached: better a leak.
            return;
        }
        let mut extra = 0;
        if T::KIND == Kind::Instance {
            let inst = body as *mut Instance;
            extra = (*inst).cap as usize * size_of::<Value>();
            for v in Instance::slot_row(inst) {
                std::ptr::drop_in_place(v);
            }
        }
        std::ptr::drop_in_place(body);
        let mut raw = p.as_ptr() as *mut u8;
        if node {
            raw = raw.sub(LINK);
            let link = raw as *mut Link;
            let lock = off().then(|| {
                let rings = LOCAL.with(|l| l.rings.get());
                Open::ring(&(*rings.add((*obj).head.owner.load(Relaxed) as usize)).lock)
            });
            let (prev, next) = ((*link).prev.get(), (*link).next.get());
            (*prev).next.set(next);
            (*next).prev.set(prev);
            drop(lock);
        }
        dealloc(raw, layout_of::<T>(node, extra));
    }
}

mod collect;
mod open;
pub mod places;
mod share;
pub mod weak;

pub(crate) use open::Rank;
pub use share::{Guarded, Lasting, Parcel, Shared};
