//! THE table of builtin types: one row a type, exceptions among them.
//!
//! A row's number is the type's `TypeId`, its root shape (S2) and its place in the interpreter's row of
//! classes. `base` is the type it derives from; `open` types may be derived from by scripts.

use super::kind::Kind;

macro_rules! types {
    ($($(#[$doc:meta])* $id:ident $name:literal < $base:ident $kind:ident $open:ident)*) => {
        /// A builtin type.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, PartialOrd, Ord)]
        #[repr(u16)]
        pub enum TypeId { $($(#[$doc])* $id),* }

        impl TypeId {
            pub const ALL: &'static [TypeId] = &[$(TypeId::$id),*];
            pub const COUNT: usize = TypeId::ALL.len();
            /// The name in error texts: with the module, if that is not `builtins`.
            pub const fn full_name(self) -> &'static str {
                const NAMES: &[&str] = &[$($name),*];
                NAMES[self as usize]
            }
            /// The type it derives from; `object` is its own.
            pub const fn base(self) -> TypeId {
                const BASES: &[TypeId] = &[$(TypeId::$base),*];
                BASES[self as usize]
            }
            /// The payload of its instances. Types without objects of their own say `Instance`.
            pub const fn kind(self) -> Kind {
                const KINDS: &[Kind] = &[$(Kind::$kind),*];
                KINDS[self as usize]
            }
            /// May scripts derive from it?
            pub const fn is_open(self) -> bool {
                const OPEN: &[bool] = &[$(types!(@open $open)),*];
                OPEN[self as usize]
            }
        }
    };
    (@open open) => { true };
    (@open closed) => { false };
}

/// Where the part after a dot begins; 0 without one.
const fn dot(name: &str) -> usize {
    let mut i = name.len();
    while i > 0 && name.as_bytes()[i - 1] != b'.' {
        i -= 1;
    }
    i
}

/// The names without their modules.
const NAMES: [&str; TypeId::ALL.len()] = {
    let mut names = [""; TypeId::ALL.len()];
    let mut i = 0;
    while i < names.len() {
        let full = TypeId::ALL[i].full_name();
        names[i] = full.split_at(dot(full)).1;
        i += 1;
    }
    names
};

impl TypeId {
    /// The type of a shape number that belongs to a builtin type.
    pub fn of_shape(shape: u32) -> Option<TypeId> {
        TypeId::ALL.get(shape as usize).copied()
    }
    /// The one builtin type with two bases.
    pub fn second_base(self) -> Option<TypeId> {
        (self == TypeId::ExceptionGroup).then_some(TypeId::Exception)
    }
    /// Is it, or does it derive from, `other`?
    pub fn derives(self, other: TypeId) -> bool {
        let mut t = self;
        if self.second_base() == Some(other) {
            return true;
        }
        loop {
            if t == other {
                return true;
            }
            if t == TypeId::Object {
                return false;
            }
            t = t.base();
        }
    }
    /// The name that scripts see.
    pub const fn name(self) -> &'static str {
        NAMES[self as usize]
    }
    /// The module that it says it is of.
    pub fn module(self) -> &'static str {
        self.full_name().split_once('.').map_or("builtins", |(module, _)| module)
    }
    /// The root shape of its instances.
    pub const fn shape(self) -> u32 {
        self as u32
    }
}

types! {
    Object "object" < Object Instance open
    Type "type" < Object Class closed
    NoneType "NoneType" < Object Instance closed
    Int "int" < Object BigInt open
    Bool "bool" < Int BigInt closed
    Float "float" < Object Float open
    Str "str" < Object Str open
    Bytes "bytes" < Object Bytes open
    ByteArray "bytearray" < Object ByteArray closed
    Tuple "tuple" < Object Tuple open
    /// `int | str`: a row of classes.
    UnionType "UnionType" < Object Tuple closed
    List "list" < Object List open
    Dict "dict" < Object Dict open
    Set "set" < Object Set open
    FrozenSet "frozenset" < Object FrozenSet open
    Range "range" < Object Range closed
    Slice "slice" < Object Slice closed
    Function "function" < Object Function closed
    Native "builtin_function_or_method" < Object Native closed
    MethodDescriptor "method_descriptor" < Object Native closed
    Method "method" < Object Method closed
    Module "module" < Object Module closed
    Generator "generator" < Object Generator closed
    Coroutine "coroutine" < Object Generator closed
    AsyncGenerator "async_generator" < Object Generator closed
    CoroutineWrapper "coroutine_wrapper" < Object Awaiter closed
    AsyncSend "async_generator_asend" < Object Awaiter closed
    AsyncThrow "async_generator_athrow" < Object Awaiter closed
    NextAwaitable "anext_awaitable" < Object Awaiter closed
    /// What `asyncio.sleep` gives.
    Sleep "sleep_coroutine" < Object Awaiter closed
    /// Instances of derived classes are plain instances that keep the functions as attributes.
    Property "property" < Object Descriptor open
    /// An entry of `__slots__` on its class.
    Member "member_descriptor" < Object Descriptor closed
    ClassMethod "classmethod" < Object Descriptor closed
    StaticMethod "staticmethod" < Object Descriptor closed
    Super "super" < Object Super closed
    Cell "cell" < Object Cell closed
    Code "code" < Object Code closed
    Ellipsis "ellipsis" < Object Opaque closed
    NotImplementedType "NotImplementedType" < Object Opaque closed
    Traceback "traceback" < Object Opaque closed
    Frame "frame" < Object Opaque closed
    /// The code of a frame of a traceback, which is not bound to a module.
    CodeFacts "code" < Object Opaque closed
    ListIterator "list_iterator" < Object Iter closed
    TupleIterator "tuple_iterator" < Object Iter closed
    StrIterator "str_ascii_iterator" < Object Iter closed
    BytesIterator "bytes_iterator" < Object Iter closed
    RangeIterator "range_iterator" < Object Iter closed
    DictKeyIterator "dict_keyiterator" < Object Iter closed
    DictValueIterator "dict_valueiterator" < Object Iter closed
    DictItemIterator "dict_itemiterator" < Object Iter closed
    SetIterator "set_iterator" < Object Iter closed
    LongRangeIterator "longrange_iterator" < Object Iter closed
    DequeIterator "_collections._deque_iterator" < Object Iter closed
    DequeReverseIterator "_collections._deque_reverse_iterator" < Object Iter closed
    Count "itertools.count" < Object Iter closed
    Repeat "itertools.repeat" < Object Iter closed
    Cycle "itertools.cycle" < Object Iter closed
    Chain "itertools.chain" < Object Iter closed
    Accumulate "itertools.accumulate" < Object Iter closed
    Compress "itertools.compress" < Object Iter closed
    DropWhile "itertools.dropwhile" < Object Iter closed
    TakeWhile "itertools.takewhile" < Object Iter closed
    FilterFalse "itertools.filterfalse" < Object Iter closed
    Starmap "itertools.starmap" < Object Iter closed
    ISlice "itertools.islice" < Object Iter closed
    Pairwise "itertools.pairwise" < Object Iter closed
    ZipLongest "itertools.zip_longest" < Object Iter closed
    Product "itertools.product" < Object Iter closed
    Permutations "itertools.permutations" < Object Iter closed
    Combinations "itertools.combinations" < Object Iter closed
    CombinationsWithReplacement "itertools.combinations_with_replacement" < Object Iter closed
    GroupBy "itertools.groupby" < Object Iter closed
    Grouper "itertools._grouper" < Object Iter closed
    Tee "itertools._tee" < Object Iter closed
    /// What the iterators of one `tee` share.
    TeeSource "itertools._tee_dataobject" < Object Iter closed
    Enumerate "enumerate" < Object Iter closed
    Zip "zip" < Object Iter closed
    Map "map" < Object Iter closed
    Filter "filter" < Object Iter closed
    Reversed "reversed" < Object Iter closed
    SequenceIterator "iterator" < Object Iter closed
    CallableIterator "callable_iterator" < Object Iter closed
    DictKeys "dict_keys" < Object View closed
    DictValues "dict_values" < Object View closed
    DictItems "dict_items" < Object View closed
    TextFile "_io.TextIOWrapper" < Object Opaque closed
    BinaryFile "_io.BufferedReader" < Object Opaque closed
    WriterFile "_io.BufferedWriter" < Object Opaque closed
    RandomFile "_io.BufferedRandom" < Object Opaque closed
    RawFile "_io.FileIO" < Object Opaque closed
    Lock "_thread.lock" < Object Lock closed
    RLock "_thread.RLock" < Object Lock closed
    Event "Event" < Object Opaque closed
    SimpleQueue "_queue.SimpleQueue" < Object SimpleQueue closed
    Agenda "_asyncio.Agenda" < Object Agenda closed
    Deque "collections.deque" < Object Deque open
    TimedRegion "timed_region" < Object Opaque closed
    Twister "Twister" < Object Opaque closed
    Hasher "HASH" < Object Opaque closed
    Deflater "Compress" < Object Opaque closed
    Inflater "Decompress" < Object Opaque closed
    Regex "Regex" < Object Opaque closed
    Watch "watch" < Object Opaque closed
    /// An end of a pipe, permits, shared memory, a running program.
    Handle "Handle" < Object Opaque closed
    /// A request under way, a pool of connections, a server.
    Http "http" < Object Opaque closed
    /// The items of an `array.array`.
    Cells "Cells" < Object Opaque closed
    /// A function that runs without the lock.
    Kernel "Kernel" < Object Opaque closed
    /// The `__dict__` of an object: a dict whose changes are made on the object, too.
    NamesDict "names dict" < Dict Dict closed
    Namespace "types.SimpleNamespace" < Object Instance open

    BaseException "BaseException" < Object Exception open
    BaseExceptionGroup "BaseExceptionGroup" < BaseException Exception open
    GeneratorExit "GeneratorExit" < BaseException Exception open
    KeyboardInterrupt "KeyboardInterrupt" < BaseException Exception open
    SystemExit "SystemExit" < BaseException Exception open
    Exception "Exception" < BaseException Exception open
    /// Its second base, Exception, is added where the classes are made (`TypeId::second_base`).
    ExceptionGroup "ExceptionGroup" < BaseExceptionGroup Exception open
    ArithmeticError "ArithmeticError" < Exception Exception open
    FloatingPointError "FloatingPointError" < ArithmeticError Exception open
    OverflowError "OverflowError" < ArithmeticError Exception open
    ZeroDivisionError "ZeroDivisionError" < ArithmeticError Exception open
    AssertionError "AssertionError" < Exception Exception open
    AttributeError "AttributeError" < Exception Exception open
    BufferError "BufferError" < Exception Exception open
    EOFError "EOFError" < Exception Exception open
    ImportError "ImportError" < Exception Exception open
    ModuleNotFoundError "ModuleNotFoundError" < ImportError Exception open
    LookupError "LookupError" < Exception Exception open
    IndexError "IndexError" < LookupError Exception open
    KeyError "KeyError" < LookupError Exception open
    MemoryError "MemoryError" < Exception Exception open
    NameError "NameError" < Exception Exception open
    UnboundLocalError "UnboundLocalError" < NameError Exception open
    OSError "OSError" < Exception Exception open
    BlockingIOError "BlockingIOError" < OSError Exception open
    ChildProcessError "ChildProcessError" < OSError Exception open
    ConnectionError "ConnectionError" < OSError Exception open
    BrokenPipeError "BrokenPipeError" < ConnectionError Exception open
    ConnectionAbortedError "ConnectionAbortedError" < ConnectionError Exception open
    ConnectionRefusedError "ConnectionRefusedError" < ConnectionError Exception open
    ConnectionResetError "ConnectionResetError" < ConnectionError Exception open
    FileExistsError "FileExistsError" < OSError Exception open
    FileNotFoundError "FileNotFoundError" < OSError Exception open
    InterruptedError "InterruptedError" < OSError Exception open
    IsADirectoryError "IsADirectoryError" < OSError Exception open
    NotADirectoryError "NotADirectoryError" < OSError Exception open
    PermissionError "PermissionError" < OSError Exception open
    ProcessLookupError "ProcessLookupError" < OSError Exception open
    TimeoutError "TimeoutError" < OSError Exception open
    ReferenceError "ReferenceError" < Exception Exception open
    RuntimeError "RuntimeError" < Exception Exception open
    NotImplementedError "NotImplementedError" < RuntimeError Exception open
    RecursionError "RecursionError" < RuntimeError Exception open
    StopIteration "StopIteration" < Exception Exception open
    StopAsyncIteration "StopAsyncIteration" < Exception Exception open
    SyntaxError "SyntaxError" < Exception Exception open
    IndentationError "IndentationError" < SyntaxError Exception open
    TabError "TabError" < IndentationError Exception open
    SystemError "SystemError" < Exception Exception open
    TypeError "TypeError" < Exception Exception open
    ValueError "ValueError" < Exception Exception open
    UnicodeError "UnicodeError" < ValueError Exception open
    UnicodeDecodeError "UnicodeDecodeError" < UnicodeError Exception open
    UnicodeEncodeError "UnicodeEncodeError" < UnicodeError Exception open
    UnicodeTranslateError "UnicodeTranslateError" < UnicodeError Exception open
    Warning "Warning" < Exception Exception open
    BytesWarning "BytesWarning" < Warning Exception open
    DeprecationWarning "DeprecationWarning" < Warning Exception open
    EncodingWarning "EncodingWarning" < Warning Exception open
    FutureWarning "FutureWarning" < Warning Exception open
    ImportWarning "ImportWarning" < Warning Exception open
    PendingDeprecationWarning "PendingDeprecationWarning" < Warning Exception open
    ResourceWarning "ResourceWarning" < Warning Exception open
    RuntimeWarning "RuntimeWarning" < Warning Exception open
    SyntaxWarning "SyntaxWarning" < Warning Exception open
    UnicodeWarning "UnicodeWarning" < Warning Exception open
    UserWarning "UserWarning" < Warning Exception open
}
