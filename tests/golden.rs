//! Golden files: what each stage makes of a text, in `tests/golden/<stage>/`.
//!
//! A `.kit` file is one input, its `.snap` the result. A `.txt` file holds many small inputs between
//! lines of `=====`. `INSTA_UPDATE=always cargo test --test golden` rewrites the results.

#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // tests reach outside themselves

use std::path::{Path, PathBuf};
use std::sync::Arc;

use kit::source::{Diagnostic, SourceFile};
use kit::syntax::{dump_tokens, dump_tree, parse};

fn inputs(stage: &str, extension: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(stage);
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|found| found == extension));
    paths.sort();
    assert!(!paths.is_empty(), "no inputs for {stage}");
    paths
}

fn check(stage: &str, path: &Path, result: String) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(format!("golden/{stage}"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let name = path.file_stem().unwrap().to_str().unwrap();
    settings.bind(|| insta::assert_snapshot!(name, result));
}

fn file(path: &Path) -> Arc<SourceFile> {
    SourceFile::from_bytes("input.kit", &std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn tokens() {
    for path in inputs("tokens", "kit") {
        check("tokens", &path, dump_tokens(&file(&path)));
    }
}

#[test]
fn tree() {
    for path in inputs("tree", "kit") {
        let ast = parse(&file(&path)).unwrap_or_else(|error| panic!("{}", error.render(false)));
        ast.check_spans().unwrap();
        check("tree", &path, dump_tree(&ast, false));
    }
}

#[test]
fn errors() {
    for path in inputs("errors", "txt") {
        let mut result = String::new();
        for case in std::fs::read_to_string(&path).unwrap().split("=====\n") {
            // Escapes that an editor would not keep.
            let case = case.replace("<TAB>", "\t").replace("<NUL>", "\0").replace("<EOF>\n", "");
            let error = refused(&case);
            result += &error.short();
            if let Some(help) = &error.help {
                result += &format!("help: {help}\n");
            }
            result += "\n";
        }
        check("errors", &path, result);
    }
}

fn refused(case: &str) -> Diagnostic {
    match SourceFile::new("input.kit", case).and_then(|file| parse(&file)) {
        Ok(_) => panic!("parsed, but should not: {case}"),
        Err(error) => error,
    }
}

#[test]
fn a_drawn_error() {
    let text = "def f(items):\n    for item in items\n        print(item)\n";
    insta::assert_snapshot!(refused(text).render(false), @r"
    SyntaxError: expected ':'
     --> input.kit:2:22
      |
    2 |     for item in items
      |                      ^
    ");
    let text = "x = 1\nif x:\n    y = 2\nelse if x > 2:\n    y = 3\n";
    insta::assert_snapshot!(refused(text).render(false), @r"
    SyntaxError: expected ':'
     --> input.kit:4:6
      |
    4 | else if x > 2:
      |      ^^
      |
      = help: write 'elif' for 'else if'
    ");
}
