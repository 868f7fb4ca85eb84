//! The interpreter: what all threads of one script share.

use super::children::{Children, ProcessStarter};
use super::class::Classes;
use super::native::NativeRow;
use crate::bytecode::Code;
use crate::gil::Held;
use crate::object::heap::places::Words;
use crate::object::module::Namespace;
use crate::object::shape::Shapes;
use crate::object::{Guarded, HeapRoot, Lasting, Name, Ref, Shared, TypeId, Value};
use hashbrown::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize};

type Fixed = foldhash::fast::FixedState;

/// Changes of a name so far, and the (root shape, place) under which it is cached.
pub type Named = (u32, Vec<(u32, u32)>);

/// Class attributes found once: {root shape of a class, name} to a place in `values`, which caches name.
///
/// C1: an entry is right or unset. Setting an attribute of any class unsets all entries of that name;
/// after that has happened `VOLATILE` times the name is no longer cached. C2: entries keep what they hold, so
/// those of dead classes go when dead cycles are collected: all entries then, and the caches of all code with them.
#[derive(Default)]
pub struct Lookups {
    pub values: Vec<Value>,
    pub index: HashMap<(u32, Name), u32, Fixed>,
    pub by_name: HashMap<Name, Named, Fixed>,
    /// Root shapes under which `Interp::inits` has an entry.
    pub inits: Vec<u32>,
    /// Changes of class attributes so far: what was found before the last one is not entered (C1).
    pub changes: u64,
}

/// What is made at start and never changes.
pub struct Fundamentals {
    /// Classes of the builtin types, by `TypeId`; immortal.
    pub classes: Vec<Ref>,
    pub builtins: Ref,
    pub not_implemented: Value,
    pub ellipsis: Value,
    pub empty_tuple: Value,
    pub empty_str: Value,
    /// One-character strings below U+0100.
    pub chars: Vec<Value>,
    /// Native that makes an object of each builtin type, by `TypeId`: rows of the table "new".
    pub makers: Vec<Option<u32>>,
}

/// How `import` finds what is not loaded yet: owned by `engine`, which knows files and the compiler.
pub trait Importer: Send + Sync {
    /// Makes the module of this full dotted name, runs it, and returns it; `Ok(None)`: there is none.
    fn import(&self, th: &mut super::Thread, name: &str) -> super::Res<Option<Value>>;
    /// Compiles a text as the importer compiles modules; the error is one line.
    fn compile(&self, name: &str, text: &str) -> Result<Arc<Code>, String>;
    /// Compiles the body of a function that was left for its first call (`code.late`).
    fn complete(&self, code: &Code) -> Result<Arc<Code>, String>;
    /// Names that `import` would find, for "did you mean".
    fn known(&self) -> Vec<&'static str>;
}

pub struct Interp {
    pub heap: HeapRoot,
    pub natives: Vec<&'static NativeRow>,
    pub fixed: std::sync::OnceLock<Shared<Fundamentals>>,
    pub shapes: Guarded<Shapes>,
    pub lookups: Guarded<Lookups>,
    /// With the lock off: globals that never die (M2), class attributes that never die by their place in
    /// `lookups`, plain `__init__`s of classes that never die by root shape, and the number of slots of shapes.
    pub globals: Arc<Lasting>,
    pub methods: Lasting,
    pub inits: Lasting,
    pub sizes: Words,
    /// `sys.modules`.
    pub modules: Guarded<Namespace>,
    pub importer: Box<dyn Importer>,
    /// Modules that threads are loading now.
    pub loading: Guarded<Vec<super::import::Loading>>,
    pub starter: Box<dyn ProcessStarter>,
    pub children: Guarded<Children>,
    /// The bound code of all modules that have been run: where code that travels is found.
    pub programs: Guarded<Vec<Ref>>,
    /// What the script changed in the environment; None: taken out. The system's own stays as it is, because
    /// other threads may read it.
    pub environ: Guarded<std::collections::BTreeMap<String, Option<String>>>,
    /// Globals that did not come along when this process was forked: module, name, why.
    pub absent: Guarded<Vec<(Ref, Name, Box<str>)>>,
    /// Warnings that were printed: file, line and text. Each is told once, as by Python's default filter.
    pub warned: Guarded<std::collections::BTreeSet<(Arc<str>, u32, String)>>,
    /// Counts changes of `__init__` and `__new__` of finished classes.
    pub init_epoch: AtomicU32,
    /// `sys.argv`, the script's display name.
    pub argv: Vec<String>,
    /// Figures and parameters of this run.
    pub reporting: super::report::Reporting,
    /// Ask each safe point (`--safe-points every`).
    pub every_safe_point: bool,
    /// `os.pipe` in simulation.
    pub pipes: Guarded<super::pipes::Pipes>,
    /// `threading.stack_size`; 0: the system's choice.
    pub stack_size: AtomicUsize,
    /// Threads that scripts have started and that have not ended.
    pub running: AtomicUsize,
    /// `sys.set_int_max_str_digits`; 0: no limit.
    pub int_max_str_digits: AtomicUsize,
    /// `sys.setrecursionlimit`, for threads that begin.
    pub recursion_limit: AtomicU32,
    /// Set when the program is ending, for messages of daemon threads.
    pub ending: AtomicBool,
}

impl Interp {
    #[inline(always)]
    pub fn fixed(&self, held: &Held) -> &Fundamentals {
        self.fixed.get().expect("the interpreter is complete before scripts run").get(held)
    }
    /// The class of a builtin type.
    #[inline(always)]
    pub fn class(&self, held: &Held, t: TypeId) -> &Ref {
        &self.fixed(held).classes[t as usize]
    }
    /// The number of the row of this name in this module; natives are looked up at start only.
    pub fn native(&self, module: &str, name: &str) -> Option<u32> {
        self.natives.iter().position(|r| r.module == module && r.name == name).map(|i| i as u32)
    }
    /// A new interpreter with classes of all builtin types; `stdlib` fills them. It lives as long as the
    /// process: its threads may outlive every scope.
    pub fn start(
        held: &Held,
        natives: Vec<&'static NativeRow>,
        importer: Box<dyn Importer>,
        starter: Box<dyn ProcessStarter>,
        argv: Vec<String>,
        every_safe_point: bool,
    ) -> &'static Interp {
        let interp: &'static Interp = Box::leak(Box::new(Interp {
            heap: HeapRoot::default(),
            natives,
            fixed: std::sync::OnceLock::new(),
            shapes: Guarded::new(Shapes::new(TypeId::COUNT)),
            lookups: Guarded::default(),
            globals: Arc::default(),
            methods: Lasting::default(),
            inits: Lasting::default(),
            sizes: Words::default(),
            modules: Guarded::default(),
            importer,
            loading: Guarded::default(),
            starter,
            children: Guarded::default(),
            programs: Guarded::default(),
            environ: Guarded::default(),
            absent: Guarded::default(),
            warned: Guarded::default(),
            init_epoch: AtomicU32::new(0),
            argv,
            reporting: super::report::Reporting::default(),
            every_safe_point,
            pipes: Guarded::default(),
            stack_size: AtomicUsize::new(0),
            running: AtomicUsize::new(0),
            int_max_str_digits: AtomicUsize::new(crate::object::pure::int::MAX_STR_DIGITS),
            recursion_limit: AtomicU32::new(super::thread::RECURSION_LIMIT),
            ending: AtomicBool::new(false),
        }));
        interp.heap.enter(held);
        let fixed = Classes::fundamentals(held, &interp.natives);
        assert!(interp.fixed.set(Shared::new(held, fixed)).is_ok(), "set once");
        interp
    }
}
