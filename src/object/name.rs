//! Interned names: attribute, global and keyword names as one `u32`.
//!
//! Invariant N1: a name is never removed and its number never reused, so a `Name` may sit in caches
//! and code for ever. The table is one of the two statics DESIGN allows: it holds text only.

use hashbrown::HashMap;
use parking_lot::RwLock;
use std::sync::LazyLock;

/// An interned name. Equality of numbers is equality of text.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Name(pub u32);

struct Table {
    texts: Vec<&'static str>,
    index: HashMap<&'static str, u32, foldhash::fast::FixedState>,
}

/// Room for the names of the library and of a script of some size.
const AT_START: usize = 1792;

static TABLE: LazyLock<RwLock<Table>> = LazyLock::new(|| {
    let mut t = Table {
        texts: Vec::with_capacity(AT_START),
        index: HashMap::with_capacity_and_hasher(AT_START, foldhash::fast::FixedState::default()),
    };
    for &text in KNOWN {
        t.index.insert(text, t.texts.len() as u32);
        t.texts.push(text);
    }
    RwLock::new(t)
});

impl Name {
    /// The name of `text`, made if new. Text of new names is leaked on purpose (N1).
    pub fn of(text: &str) -> Name {
        if let Some(&n) = TABLE.read().index.get(text) {
            return Name(n);
        }
        Name::of_static(Box::leak(text.into()))
    }

    /// The name of a text that lives for ever: it is not copied.
    pub fn of_static(text: &'static str) -> Name {
        let mut t = TABLE.write();
        if let Some(&n) = t.index.get(text) {
            return Name(n);
        }
        let n = t.texts.len() as u32;
        t.texts.push(text);
        t.index.insert(text, n);
        Name(n)
    }

    /// The name of `text` if it has been interned before; asking does not intern.
    pub fn find(text: &str) -> Option<Name> {
        TABLE.read().index.get(text).map(|&n| Name(n))
    }

    /// Its text.
    pub fn text(self) -> &'static str {
        TABLE.read().texts[self.0 as usize]
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.text())
    }
}

macro_rules! known_names {
    ($($konst:ident = $text:literal)*) => {
        #[allow(non_camel_case_types, clippy::upper_case_acronyms)]
        enum Number { $($konst),* }
        $(pub const $konst: Name = Name(Number::$konst as u32);)*
        const KNOWN: &[&str] = &[$($text),*];
    };
}

// Names the VM itself looks up. The constant is the name in capitals without underscores at its ends.
known_names! {
    EMPTY = "" INIT = "__init__" NEW = "__new__" DEL = "__del__" REPR = "__repr__" STR = "__str__"
    FORMAT = "__format__" HASH = "__hash__" BOOL = "__bool__" LEN = "__len__" ITER = "__iter__"
    NEXT = "__next__" CONTAINS = "__contains__" GETITEM = "__getitem__" SETITEM = "__setitem__"
    DELITEM = "__delitem__" GETATTR = "__getattr__" GETATTRIBUTE = "__getattribute__"
    SETATTR = "__setattr__" DELATTR = "__delattr__" GET = "__get__" SET = "__set__" DELETE = "__delete__"
    CALL = "__call__" ENTER = "__enter__" EXIT = "__exit__" INDEX = "__index__" INT = "__int__"
    FLOAT = "__float__" ABS = "__abs__" ROUND = "__round__" REVERSED = "__reversed__"
    NEG = "__neg__" POS = "__pos__" INVERT = "__invert__"
    EQ = "__eq__" NE = "__ne__" LT = "__lt__" LE = "__le__" GT = "__gt__" GE = "__ge__"
    ADD = "__add__" SUB = "__sub__" MUL = "__mul__" TRUEDIV = "__truediv__" FLOORDIV = "__floordiv__"
    MOD = "__mod__" POW = "__pow__" LSHIFT = "__lshift__" RSHIFT = "__rshift__" AND = "__and__"
    OR = "__or__" XOR = "__xor__" MATMUL = "__matmul__"
    RADD = "__radd__" RSUB = "__rsub__" RMUL = "__rmul__" RTRUEDIV = "__rtruediv__"
    RFLOORDIV = "__rfloordiv__" RMOD = "__rmod__" RPOW = "__rpow__" RLSHIFT = "__rlshift__"
    RRSHIFT = "__rrshift__" RAND = "__rand__" ROR = "__ror__" RXOR = "__rxor__" RMATMUL = "__rmatmul__"
    IADD = "__iadd__" ISUB = "__isub__" IMUL = "__imul__" ITRUEDIV = "__itruediv__"
    IFLOORDIV = "__ifloordiv__" IMOD = "__imod__" IPOW = "__ipow__" ILSHIFT = "__ilshift__"
    IRSHIFT = "__irshift__" IAND = "__iand__" IOR = "__ior__" IXOR = "__ixor__" IMATMUL = "__imatmul__"
    NAME = "__name__" QUALNAME = "__qualname__" MODULE = "__module__" DOC = "__doc__" DICT = "__dict__"
    CLASS = "__class__" BASES = "__bases__" MRO = "__mro__" FILE = "__file__" ANNOTATIONS = "__annotations__"
    SLOTS = "__slots__" INIT_SUBCLASS = "__init_subclass__" SET_NAME = "__set_name__"
    ALL = "__all__" MAIN = "__main__" BUILTINS = "builtins" SELF = "self" CAUSE = "__cause__"
    CONTEXT = "__context__" TRACEBACK = "__traceback__" SUPPRESS_CONTEXT = "__suppress_context__"
    NOTES = "__notes__" ARGS = "args" VALUE = "value" WRAPPED = "__wrapped__" DEFAULTS = "__defaults__"
    CODE = "__code__" FUNC = "__func__" SELF_ATTR = "__self__" MISSING = "__missing__"
    INSTANCECHECK = "__instancecheck__" DIVMOD = "__divmod__" RDIVMOD = "__rdivmod__"
    KEYS = "keys" SEND = "send" THROW = "throw" CLOSE = "close" LENGTH_HINT = "__length_hint__"
    PATH = "__path__" PACKAGE = "__package__" SUBCLASSES = "__subclasses__" CLOSURE = "__closure__"
    BYTES = "__bytes__" TRUNC = "__trunc__" FLOOR = "__floor__" CEIL = "__ceil__" SIZEOF = "__sizeof__"
    GLOBALS = "__globals__" MADE = "__made__"
    ABSTRACT = "__abstractmethods__"
    CORO = "_coro" MUST_CANCEL = "_must_cancel" FUT_WAITER = "_fut_waiter" TASK_STEP = "_step" WAIT_FOR = "_wait_for"
    PLAIN = "_plain" MUTEX = "mutex" QUEUE = "queue" MAXSIZE = "maxsize" UNFINISHED_TASKS = "unfinished_tasks"
    GETTERS = "_getters" PUTTERS = "_putters"
    FINISH = "_finish" FAIL = "_fail" CANCELLED = "_cancelled"
    AWAIT = "__await__" AITER = "__aiter__" ANEXT = "__anext__" AENTER = "__aenter__" AEXIT = "__aexit__"
    WRITE = "write" FLUSH = "flush" OBJ = "obj" CODE_ATTR = "code" NAME_ATTR = "name" KWDEFAULTS = "__kwdefaults__"
}
