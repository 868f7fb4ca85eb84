//! The library: what scripts find without writing it themselves.
//!
//! Every builtin function, method and constructor is a row of a `natives!` table (vm/native.rs): name,
//! signature, doc, kind, function. The rows are the user documentation (`kit doc`), the arity errors and
//! the answer to "does this call release the lock?". Modules are rows of `MODULES`, made at first
//! import; what takes a function or waits in several steps is written in Kit (`kit/*.kit`, `LIBRARY`)
//! over a small native module whose name begins with `_`.
//!
//! L1: a method's or constructor's argument 0 is the object or the class; its signature begins after it.
//! Constructors are the rows of module `new`, named like their type.
//! L2: a native tries without waiting first and gives up the lock only when it would wait.
//! L3: no object is open while script code may run (`th.call`, `th.equal`, `th.less` …): items are copied
//! out first, and the object is looked at anew afterwards.
//! L4: text that CPython 3.11 prints is CPython's, to the letter.
//!
//! To add a builtin: a row and a function in the file of its module; a script in `tests/lang/stdlib/`.
//! Not here: operators and protocols (`vm/ops`), how a call binds its arguments (`vm/bind`), how `import`
//! finds files (`engine`).

pub mod array;
pub mod asyncio;
pub mod builtins;
pub mod data;
pub mod descriptors;
pub mod files;
pub mod http;
pub mod kit;
pub mod locks;
pub mod math;
pub mod multiprocessing;
pub mod net;
pub mod nogil;
pub mod os;
pub mod os_error;
pub mod pickle;
pub mod pipes;
mod plain_queue;
pub mod re;
pub mod running;
pub mod seconds;
pub mod simple_queue;
pub mod subprocess;
pub mod sys;
pub mod threading;
pub mod time;
pub mod timing;
pub mod tools;
pub mod types;

use crate::object::class::Class;
use crate::object::module::{Module, Namespace};
use crate::object::types::{Descriptor, DescriptorKind};
use crate::object::{Name, Ref, TypeId, Value};
use crate::vm::{NativeRow, Res, Thread};

/// A module that Rust makes at first import: the native functions of that name, and what `init` adds.
pub struct ModuleRow {
    pub name: &'static str,
    pub doc: &'static str,
    pub init: fn(&mut Thread, &Ref) -> Res<()>,
}

/// A module written in Kit and carried in the program.
pub struct KitModule {
    pub name: &'static str,
    pub source: &'static str,
}

/// The built-in modules.
pub const MODULES: &[ModuleRow] = &[
    ModuleRow { name: "_thread", doc: "Threads and locks: what `threading` is made of.", init: threading::init },
    ModuleRow {
        name: "kit",
        doc: "The interpreter lock seen from a script: hold it, give it away, count it.",
        init: kit::init,
    },
    ModuleRow { name: "kit.gil", doc: "The interpreter lock's counters and policy.", init: nothing },
    ModuleRow { name: "math", doc: "Mathematical functions on floats and ints.", init: math::init },
    ModuleRow { name: "_array", doc: "What `array` is made of.", init: nothing },
    ModuleRow { name: "_asyncio", doc: "What `asyncio` is made of.", init: asyncio::init },
    ModuleRow { name: "_base64", doc: "What `base64` is made of.", init: nothing },
    ModuleRow { name: "_bisect", doc: "What `bisect` is made of.", init: nothing },
    ModuleRow { name: "_collections", doc: "What `collections` is made of.", init: tools::init_collections },
    ModuleRow { name: "itertools", doc: "Iterators made of iterators.", init: tools::init_itertools },
    ModuleRow { name: "_hashlib", doc: "What `hashlib` is made of.", init: nothing },
    ModuleRow { name: "_heapq", doc: "What `heapq` is made of.", init: nothing },
    ModuleRow { name: "_http", doc: "What `requests`, `aiohttp` and `kit.server` are made of.", init: nothing },
    ModuleRow { name: "_json", doc: "What `json` is made of.", init: nothing },
    ModuleRow { name: "_nogil", doc: "What `numba` and `kit.nogil` are made of.", init: nothing },
    ModuleRow { name: "_operator", doc: "What `operator` is made of.", init: nothing },
    ModuleRow { name: "_random", doc: "What `random` is made of.", init: nothing },
    ModuleRow { name: "_re", doc: "What `re` is made of.", init: nothing },
    ModuleRow { name: "_running", doc: "What `traceback`, `gc` and `weakref` are made of.", init: nothing },
    ModuleRow { name: "_struct", doc: "What `struct` is made of.", init: nothing },
    ModuleRow { name: "_zlib", doc: "What `zlib` is made of.", init: nothing },
    ModuleRow { name: "_multiprocessing", doc: "What `multiprocessing` is made of.", init: nothing },
    ModuleRow { name: "_socket", doc: "What `socket` is made of.", init: net::init_socket },
    ModuleRow { name: "_select", doc: "What `select` and `selectors` are made of.", init: net::init_select },
    ModuleRow { name: "_os", doc: "What `os` is made of.", init: nothing },
    ModuleRow { name: "_pickle", doc: "What `pickle` is made of.", init: nothing },
    ModuleRow {
        name: "sys",
        doc: "The interpreter: its arguments, streams, limits and switch interval.",
        init: sys::init,
    },
    ModuleRow { name: "_subprocess", doc: "What `subprocess` is made of.", init: nothing },
    ModuleRow { name: "_timing", doc: "What `kit.expect_duration` is made of.", init: nothing },
    ModuleRow { name: "time", doc: "Clocks, and sleeping.", init: time::init },
];

macro_rules! library {
    ($($name:literal $file:literal)*) => {
        /// The library modules written in Kit.
        pub const LIBRARY: &[KitModule] = &[$(KitModule { name: $name, source: include_str!(concat!("kit/", $file)) }),*];
    };
}
library! {
    "__future__" "__future__.kit"
    "_aiohttp_errors" "_aiohttp_errors.kit"
    "_aiohttp_transport" "_aiohttp_transport.kit"
    "_asyncio_core" "_asyncio_core.kit"
    "_asyncio_loop" "_asyncio_loop.kit"
    "_asyncio_net" "_asyncio_net.kit"
    "_asyncio_streams" "_asyncio_streams.kit"
    "_asyncio_sync" "_asyncio_sync.kit"
    "_asyncio_tasks" "_asyncio_tasks.kit"
    "_asyncio_transports" "_asyncio_transports.kit"
    "asyncio.exceptions" "_asyncio_exceptions.kit"
    "asyncio.subprocess" "_asyncio_subprocess.kit"
    "_byteorder" "_byteorder.kit"
    "_calendar" "_calendar.kit"
    "_collections_more" "_collections_more.kit"
    "_contextlib_more" "_contextlib_more.kit"
    "_enum_checks" "_enum_checks.kit"
    "_functools_more" "_functools_more.kit"
    "_generic" "_generic.kit"
    "_gil" "_gil.kit"
    "_help" "_help.kit"
    "_iolayers" "_iolayers.kit"
    "_isoformat" "_isoformat.kit"
    "_kit_server" "_kit_server.kit"
    "_logrecord" "_logrecord.kit"
    "_normal" "_normal.kit"
    "_sysinfo" "_sysinfo.kit"
    "_socketfile" "_socketfile.kit"
    "_testcase" "_testcase.kit"
    "_threading_more" "_threading_more.kit"
    "_timedelta" "_timedelta.kit"
    "_web" "_web.kit"
    "abc" "abc.kit"
    "aiohttp" "aiohttp.kit"
    "array" "array.kit"
    "asyncio" "asyncio.kit"
    "base64" "base64.kit"
    "binascii" "binascii.kit"
    "bisect" "bisect.kit"
    "collections" "collections.kit"
    "collections.abc" "collections_abc.kit"
    "concurrent" "concurrent.kit"
    "concurrent.interpreters" "concurrent_interpreters.kit"
    "concurrent.futures" "concurrent_futures.kit"
    "concurrent.futures._base" "concurrent_futures_base.kit"
    "concurrent.futures.process" "concurrent_futures_process.kit"
    "concurrent.futures.thread" "concurrent_futures_thread.kit"
    "contextlib" "contextlib.kit"
    "copy" "copy.kit"
    "copyreg" "copyreg.kit"
    "csv" "csv.kit"
    "dataclasses" "dataclasses.kit"
    "datetime" "datetime.kit"
    "enum" "enum.kit"
    "errno" "errno.kit"
    "fnmatch" "fnmatch.kit"
    "functools" "functools.kit"
    "gc" "gc.kit"
    "glob" "glob.kit"
    "hashlib" "hashlib.kit"
    "heapq" "heapq.kit"
    "importlib" "importlib.kit"
    "io" "io.kit"
    "joblib" "joblib.kit"
    "json" "json.kit"
    "kit.testing" "testing.kit"
    "logging" "logging.kit"
    "multiprocessing" "multiprocessing.kit"
    "multiprocessing.connection" "multiprocessing_connection.kit"
    "multiprocessing.context" "multiprocessing_context.kit"
    "multiprocessing._worker" "multiprocessing_worker.kit"
    "multiprocessing._workers" "multiprocessing_workers.kit"
    "multiprocessing.managers" "multiprocessing_managers.kit"
    "multiprocessing.pool" "multiprocessing_pool.kit"
    "multiprocessing.process" "multiprocessing_process.kit"
    "multiprocessing.queues" "multiprocessing_queues.kit"
    "multiprocessing.shared_memory" "multiprocessing_shared_memory.kit"
    "multiprocessing.sharedctypes" "multiprocessing_sharedctypes.kit"
    "multiprocessing.synchronize" "multiprocessing_synchronize.kit"
    "numba" "numba.kit"
    "operator" "operator.kit"
    "os" "os.kit"
    "os.path" "os_path.kit"
    "pathlib" "pathlib.kit"
    "pickle" "pickle.kit"
    "pprint" "pprint.kit"
    "pqdm" "pqdm.kit"
    "pqdm.processes" "pqdm_processes.kit"
    "pqdm.threads" "pqdm_threads.kit"
    "queue" "queue.kit"
    "_random_own" "_random_own.kit"
    "random" "random.kit"
    "re" "re.kit"
    "requests" "requests.kit"
    "requests.adapters" "requests_adapters.kit"
    "requests.auth" "requests_auth.kit"
    "requests.exceptions" "requests_exceptions.kit"
    "requests.models" "requests_models.kit"
    "resource" "resource.kit"
    "select" "select.kit"
    "selectors" "selectors.kit"
    "shutil" "shutil.kit"
    "signal" "signal.kit"
    "socket" "socket.kit"
    "statistics" "statistics.kit"
    "string" "string.kit"
    "struct" "struct.kit"
    "subprocess" "subprocess.kit"
    "tempfile" "tempfile.kit"
    "textwrap" "textwrap.kit"
    "threading" "threading.kit"
    "timeit" "timeit.kit"
    "tqdm" "tqdm.kit"
    "tqdm.auto" "tqdm_names.kit"
    "tqdm.contrib" "tqdm_contrib.kit"
    "tqdm.contrib.concurrent" "tqdm_concurrent.kit"
    "tqdm.notebook" "tqdm_names.kit"
    "tqdm.std" "tqdm_names.kit"
    "traceback" "traceback.kit"
    "types" "types.kit"
    "typing" "typing.kit"
    "unittest" "unittest.kit"
    "urllib" "urllib.kit"
    "urllib.error" "urllib_error.kit"
    "urllib.parse" "urllib_parse.kit"
    "urllib.request" "urllib_request.kit"
    "uuid" "uuid.kit"
    "warnings" "warnings.kit"
    "weakref" "weakref.kit"
    "zlib" "zlib.kit"
}

fn nothing(_: &mut Thread, _: &Ref) -> Res<()> {
    Ok(())
}

/// All rows of all tables.
pub fn natives() -> Vec<&'static NativeRow> {
    let mut tables: Vec<&'static [NativeRow]> = vec![];
    tables.extend(builtins::tables());
    tables.extend(getters());
    tables.extend([asyncio::ASYNCIO, asyncio::AGENDA, asyncio::NEW_AGENDA]);
    tables.extend(files::tables());
    tables.extend([locks::LOCK, locks::RLOCK, locks::EVENT, locks::NEW, threading::THREAD]);
    tables.extend([pipes::PIPES, pipes::ECHO, descriptors::DESCRIPTORS]);
    tables.extend([simple_queue::SIMPLE_QUEUE, simple_queue::NEW_QUEUE]);
    tables.extend([kit::KIT, kit::GIL, math::MATH, math::SPECIAL, math::WHOLE, os::OS, pickle::PICKLE, sys::SYS]);
    tables.extend([time::TIME, array::ARRAY, nogil::NOGIL]);
    tables.extend(multiprocessing::tables());
    tables.extend(net::tables());
    tables.extend([timing::TIMING, subprocess::SUBPROCESS]);
    tables.extend(types::tables());
    tables.extend([tools::NEW, tools::ITERTOOLS, tools::CHAIN, tools::TEE]);
    tables.extend(data::tables());
    tables.extend(http::tables());
    tables.extend([re::MODULE, running::RUNNING]);
    // Grown bit by bit, it would leave a page of memory behind for each size it had.
    let mut all = Vec::with_capacity(tables.iter().map(|t| t.len()).sum());
    all.extend(tables.into_iter().flatten());
    all
}

/// Rows that are read as attributes of their type's objects, not called: `file.name`.
fn getters() -> Vec<&'static [NativeRow]> {
    let mut all = types::getters().to_vec();
    all.extend(files::getters());
    all
}

/// Fills the classes of the builtin types with their methods, and the builtins module. Rows of one owner
/// follow each other. Their tables of names grow by doubling: the sizes are then few, and a table takes over
/// what another has left.
pub fn install(th: &mut Thread) {
    let (builtins, getters) = (th.interp.fixed(&th.held).builtins.clone(), getters());
    let is_getter = |row| getters.iter().any(|t| t.as_ptr_range().contains(&std::ptr::from_ref(row)));
    let mut number = 0;
    for rows in th.interp.natives.chunk_by(|a, b| a.module == b.module && a.method == b.method) {
        let owner = rows[0].module;
        if rows[0].method {
            let class = TypeId::ALL.iter().find(|t| t.name() == owner);
            let class = class.unwrap_or_else(|| panic!("no builtin type {owner}"));
            let class = th.interp.class(&th.held, *class).clone();
            for (row, number) in rows.iter().zip(number..) {
                install_method(th, &class, number, row, is_getter(*row));
            }
        } else if owner == "builtins" {
            for (row, number) in rows.iter().zip(number..) {
                let v = immortal(th, number);
                set_in(th, &builtins, row.name, v);
            }
        }
        number += rows.len() as u32;
    }
    builtins::install(th, &builtins);
}

fn install_method(th: &mut Thread, class: &Ref, number: u32, row: &'static NativeRow, getter: bool) {
    let mut v = immortal(th, number);
    if getter {
        let doc = th.str(row.doc.trim());
        let property =
            Descriptor { kind: DescriptorKind::Property, get: v, set: Value::None, delete: Value::None, doc };
        v = Ref::new(&th.held, TypeId::Property.shape(), property).into();
    }
    // A class method's first parameter is `cls`.
    if row.signature.starts_with("cls") {
        let (doc, kind) = (th.str(row.doc.trim()), DescriptorKind::ClassMethod);
        let bound = Descriptor { kind, get: v, set: Value::None, delete: Value::None, doc };
        v = Ref::new(&th.held, TypeId::ClassMethod.shape(), bound).into();
    }
    let old = class.with::<Class, _>(&th.held, |c| c.names.set(Name::of_static(row.name), v));
    drop(old);
}

/// The builtin function of row `number`; functions of the library are never freed.
fn immortal(th: &mut Thread, number: u32) -> Value {
    let v = th.native(number, Value::Unbound);
    if let Value::Obj(r) = &v {
        r.immortalize(&th.held);
    }
    v
}

/// Sets a name in a module.
pub fn set_in(th: &Thread, module: &Ref, name: &'static str, v: impl Into<Value>) {
    let v = v.into();
    let old = module.with::<Module, _>(&th.held, |m| m.names.set(Name::of_static(name), v));
    drop(old);
}

/// A name of a module that has been imported already.
pub fn get_in(th: &Thread, module: &str, name: &str) -> Option<Value> {
    let key = Name::find(module)?;
    let module = th.interp.modules.with(&th.held, |m| m.get(key).cloned())?;
    let name = Name::find(name)?;
    module.as_ref()?.try_with::<Module, _>(&th.held, |m| m.names.get(name).cloned())?
}

/// Makes the built-in module of this name; `None` when there is none. The importer enters it in
/// `sys.modules`.
pub fn make_module(th: &mut Thread, name: &str) -> Res<Option<Value>> {
    let Some(row) = MODULES.iter().find(|m| m.name == name) else {
        return Ok(None);
    };
    let module = Module { name: Name::of(name), names: Namespace::default() };
    let module = Ref::new(&th.held, TypeId::Module.shape(), module);
    let (text, doc) = (th.str(name), th.str(row.doc));
    set_in(th, &module, "__name__", text);
    set_in(th, &module, "__doc__", doc);
    for number in 0..th.interp.natives.len() {
        let native = th.interp.natives[number];
        if native.module == name && !native.method {
            let v = immortal(th, number as u32);
            set_in(th, &module, native.name, v);
        }
    }
    (row.init)(th, &module)?;
    Ok(Some(module.into()))
}

/// The names of all modules that need no file, for "did you mean".
pub fn module_names() -> Vec<&'static str> {
    let names = MODULES.iter().map(|m| m.name).chain(LIBRARY.iter().map(|m| m.name));
    names.filter(|n| !n.starts_with('_')).collect()
}
