//! Where modules come from: built in, embedded, or beside the script.

use super::config::{Config, Script};
use super::library;
use crate::bytecode::Code;
use crate::compile::{Options, compile_module};
use crate::gil::off;
use crate::object::{Name, TypeId, Value, name};
use crate::source::{Diagnostic, SourceFile};
use crate::stdlib;
use crate::syntax;
use crate::vm::interp::Importer;
use crate::vm::{Res, Thread};
use crate::world::host;
use std::path::PathBuf;
use std::sync::Arc;

/// Why a script could not be begun.
#[derive(Debug)]
pub enum LoadError {
    /// The file, and what the system said.
    Unreadable(String, std::io::Error),
    Syntax(Box<Diagnostic>),
}

impl From<Diagnostic> for LoadError {
    fn from(d: Diagnostic) -> LoadError {
        LoadError::Syntax(Box::new(d))
    }
}

impl LoadError {
    /// The exit code: what cannot be read is wrong usage, as in CPython.
    pub fn code(&self) -> i32 {
        match self {
            LoadError::Unreadable(..) => 2,
            LoadError::Syntax(_) => 1,
        }
    }
    /// As it is printed on standard error.
    pub fn render(&self, colour: bool) -> String {
        match self {
            LoadError::Unreadable(..) => format!("kit: {}\n", self.short()),
            LoadError::Syntax(d) => d.render(colour),
        }
    }
    /// In one paragraph, as the text of an exception.
    pub(super) fn short(&self) -> String {
        match self {
            LoadError::Unreadable(path, why) => format!("can't open file '{path}': {}", stdlib::os_error::text(why)),
            LoadError::Syntax(d) => d.short().trim_end().to_string(),
        }
    }
}

/// Reads a script.
pub fn load(script: &Script) -> Result<Arc<SourceFile>, LoadError> {
    match script {
        Script::Text { name, bytes } => Ok(SourceFile::from_bytes(name, bytes)?),
        Script::File(path) => {
            let shown = path.to_string_lossy();
            match host::read_file(path) {
                Ok(bytes) => Ok(SourceFile::from_bytes(&shown, &bytes)?),
                Err(e) => Err(LoadError::Unreadable(shown.into_owned(), e)),
            }
        }
    }
}

/// The importer of a run.
pub struct Loader {
    /// The folder of the script.
    beside: PathBuf,
    options: Options,
}

/// A module's source, found beside the script.
struct Found {
    path: PathBuf,
    /// `x/__init__.kit`: its folder is where its submodules are.
    package: Option<PathBuf>,
}

impl Loader {
    pub fn new(config: &Config, options: Options) -> Loader {
        let beside = match &config.script {
            Script::File(p) => p.parent().map(PathBuf::from).unwrap_or_default(),
            Script::Text { .. } => PathBuf::new(),
        };
        Loader { beside, options }
    }

    /// `a.b` is `a/b.kit`, `a/b/__init__.kit`, or the folder `a/b`.
    fn find(&self, full: &str) -> Option<Found> {
        let mut stem = self.beside.clone();
        stem.extend(full.split('.'));
        let file = stem.with_extension("kit");
        let init = stem.join("__init__.kit");
        if host::is_file(&init) {
            Some(Found { path: init, package: Some(stem) })
        } else if host::is_file(&file) {
            Some(Found { path: file, package: None })
        } else if host::is_dir(&stem) {
            Some(Found { path: PathBuf::new(), package: Some(stem) })
        } else {
            None
        }
    }

    fn compiled(&self, file: &Arc<SourceFile>) -> Result<Arc<Code>, LoadError> {
        Ok(compile_module(&syntax::parse(file)?, self.options)?)
    }

    /// Runs a module in a fresh namespace. One that fails is forgotten.
    fn run(
        &self,
        th: &mut Thread,
        full: &str,
        code: Result<Arc<Code>, LoadError>,
        package: Option<&PathBuf>,
    ) -> Res<Value> {
        let code = match code {
            Ok(code) => code,
            Err(e) => return Err(th.raise(TypeId::SyntaxError, e.short())),
        };
        let key = Name::of(full);
        let module = th.new_module(key);
        let path = th.str(&code.file.name);
        th.store_global(&module, name::FILE, path);
        if let Some(p) = package {
            let p = th.str(&p.to_string_lossy());
            let row = th.list(vec![p]);
            th.store_global(&module, name::PATH, row);
        }
        if let Err(e) = th.run_module(&code, &module) {
            th.forget_module(key);
            return Err(e);
        }
        Ok(module.into())
    }
}

impl Importer for Loader {
    fn import(&self, th: &mut Thread, full: &str) -> Res<Option<Value>> {
        if let Some(m) = stdlib::make_module(th, full)? {
            let old = th.interp.modules.with(&th.held, |all| all.set(Name::of(full), m.clone()));
            drop(old);
            return Ok(Some(m));
        }
        if let Some(row) = library::find(full) {
            let code = library::module(row, self.options, off()).map_err(LoadError::from);
            return self.run(th, full, code, None).map(Some);
        }
        let Some(found) = self.find(full) else { return Ok(None) };
        let file = if found.path.as_os_str().is_empty() {
            SourceFile::new(full, "").map_err(LoadError::from)
        } else {
            load(&Script::File(found.path))
        };
        let code = file.and_then(|f| self.compiled(&f));
        self.run(th, full, code, found.package.as_ref()).map(Some)
    }

    fn compile(&self, name: &str, text: &str) -> Result<Arc<Code>, String> {
        let code = match library::of_file(name) {
            Some(row) => library::module(row, self.options, off()).map_err(LoadError::from),
            None => SourceFile::new(name, text).map_err(LoadError::from).and_then(|f| self.compiled(&f)),
        };
        code.map_err(|e| e.short())
    }

    fn complete(&self, code: &Code) -> Result<Arc<Code>, String> {
        library::complete(code, self.options)
    }

    fn known(&self) -> Vec<&'static str> {
        stdlib::module_names()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bytecode::Const;
    use crate::compile::compile_part;
    use crate::syntax::{parse, parse_outline, parse_part};

    /// All that running can see of code, but the code within it and the order of cells, which is that of the
    /// first mention of a name in what was parsed.
    fn facts(code: &Code) -> String {
        let sorted = |names: &[Box<str>]| {
            let mut names = names.to_vec();
            names.sort_unstable();
            names
        };
        let kinds: Vec<String> =
            code.instrs.iter().map(|i| format!("{i:?}").split(' ').next().unwrap_or("").into()).collect();
        let consts: Vec<String> =
            code.consts.iter().map(|c| if let Const::Code(_) = c { "code".into() } else { c.to_string() }).collect();
        let Code {
            name, qualname, first_line, spans, sites, registers, params, handlers, flags, doc, annotations, ..
        } = code;
        format!(
            "{name} {qualname} {first_line} {kinds:?} {spans:?} {consts:?} {sites:?} {registers} {:?} {params:?} \
             {handlers:?} {:?} {flags:?} {doc:?} {annotations:?}",
            sorted(&code.locals),
            sorted(&code.capture_names)
        )
    }

    fn inner(code: &Code) -> impl Iterator<Item = &Arc<Code>> {
        code.consts.iter().filter_map(|c| if let Const::Code(c) = c { Some(c) } else { None })
    }

    /// Code compiled at once and in parts is the same; the number of parts.
    fn same(at_once: &Arc<Code>, later: &Arc<Code>) -> usize {
        let mut parts = 0;
        let mut whole = later.clone();
        if let Some(part) = &later.late {
            parts += 1;
            let mut classes: Vec<&str> = later.qualname.split('.').collect();
            classes.pop();
            let ast = parse_part(&later.file, part, &classes).expect("a part is parsed");
            whole = compile_part(&ast, Options::default(), &later.qualname).expect("a part compiles");
            assert!(later.captures.len() >= whole.captures.len(), "{}", later.qualname);
            assert_eq!(format!("{:?}", later.params), format!("{:?}", whole.params), "{}", later.qualname);
            assert_eq!(later.annotations, whole.annotations, "{}", later.qualname);
        }
        assert_eq!(facts(at_once), facts(&whole), "{} of {}", later.qualname, later.file.name);
        assert_eq!(inner(at_once).count(), inner(&whole).count());
        parts + inner(at_once).zip(inner(&whole)).map(|(a, b)| same(a, b)).sum::<usize>()
    }

    #[test]
    fn the_library_in_parts_is_the_library() {
        let mut parts = 0;
        for row in stdlib::LIBRARY {
            let file = SourceFile::new(row.name, row.source).expect("a text");
            let at_once = compile_module(&parse(&file).expect(row.name), Options::default()).expect(row.name);
            let outline = parse_outline(&file).unwrap_or_else(|e| panic!("{}", e.short()));
            parts += same(&at_once, &compile_module(&outline, Options::default()).expect(row.name));
        }
        assert!(parts > 500, "only {parts} functions are left for later");
    }
}
