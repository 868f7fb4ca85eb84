//! Tokens and trees as text, for golden files and for comparing with CPython's tree.

use std::fmt::Write;

use crate::source::{SourceFile, Span};

use super::ast::*;
use super::layout::Layout;
use super::token::Tok;

/// One token a line: line, column, name, text. A problem ends the list.
pub fn dump_tokens(file: &SourceFile) -> String {
    let mut out = String::new();
    for item in Layout::new(&file.text, Tok::StartModule) {
        match item {
            Ok((lo, tok, _)) => {
                let at = file.line_col(lo);
                let _ = writeln!(out, "{}:{} {tok:?}", at.line, at.col);
            }
            Err(problem) => {
                let at = file.line_col(problem.span.lo);
                let _ = writeln!(out, "{}:{} {}: {}", at.line, at.col, problem.kind.name(), problem.message);
            }
        }
    }
    out
}

/// One statement a line, indented as nested, expressions as S-expressions; with `spans`, each
/// expression is followed by its byte range.
pub fn dump_tree(ast: &Ast, spans: bool) -> String {
    let mut dump = Dump { ast, spans, out: String::new() };
    dump.block(&ast.body, 0);
    dump.out
}

struct Dump<'a> {
    ast: &'a Ast,
    spans: bool,
    out: String,
}

impl Dump<'_> {
    fn put(&mut self, text: impl AsRef<str>) {
        self.out.push_str(text.as_ref());
    }

    fn line(&mut self, depth: usize, text: &str) {
        self.put("  ".repeat(depth));
        self.put(text);
    }

    fn block(&mut self, body: &[S], depth: usize) {
        for &stmt in body {
            self.stmt(stmt, depth);
        }
    }

    /// `word`, then the block one deeper, unless the block is absent.
    fn part(&mut self, word: &str, body: &[S], depth: usize) {
        if !body.is_empty() {
            self.line(depth, word);
            self.put("\n");
            self.block(body, depth + 1);
        }
    }

    fn span(&mut self, span: Span) {
        if self.spans {
            let _ = write!(self.out, "@{span:?}");
        }
    }

    fn stmt(&mut self, s: S, depth: usize) {
        let ast = self.ast;
        self.line(depth, "");
        self.span(ast.stmt_span(s));
        match ast.stmt(s) {
            Stmt::If { branches, orelse } => return self.if_stmt(branches, orelse, depth),
            Stmt::While { test, body, orelse } => {
                self.head("while", &[*test]);
                self.block(body, depth + 1);
                return self.part("else", orelse, depth);
            }
            Stmt::For(node) => {
                self.head(if node.is_async { "async-for" } else { "for" }, &[node.target, node.iter]);
                self.block(&node.body, depth + 1);
                return self.part("else", &node.orelse, depth);
            }
            Stmt::Try(node) => return self.try_stmt(node, depth),
            Stmt::With(node) => {
                self.put(if node.is_async { "async-with" } else { "with" });
                for item in &node.items {
                    self.put(" ");
                    self.expr(item.context);
                    self.maybe(" as ", item.target);
                }
                self.put("\n");
                return self.block(&node.body, depth + 1);
            }
            Stmt::Def(node) => {
                self.decorators(&node.decorators);
                self.put(if node.is_async { "async-def " } else { "def " });
                self.name(node.name);
                self.params(&node.params);
                self.maybe(" -> ", node.returns);
                self.put("\n");
                return self.block(&node.body, depth + 1);
            }
            Stmt::Class(node) => {
                self.decorators(&node.decorators);
                self.put("class ");
                self.name(node.name);
                self.args(&node.args);
                self.put("\n");
                return self.block(&node.body, depth + 1);
            }
            simple => self.simple(simple),
        }
        self.put("\n");
    }

    fn head(&mut self, word: &str, parts: &[E]) {
        self.put(word);
        for &e in parts {
            self.put(" ");
            self.expr(e);
        }
        self.put("\n");
    }

    fn decorators(&mut self, decorators: &[E]) {
        for &decorator in decorators {
            self.put("@");
            self.expr(decorator);
            self.put(" ");
        }
    }

    fn if_stmt(&mut self, branches: &[(E, Body)], orelse: &[S], depth: usize) {
        for (i, (test, body)) in branches.iter().enumerate() {
            if i > 0 {
                self.line(depth, "");
            }
            self.head(if i == 0 { "if" } else { "elif" }, &[*test]);
            self.block(body, depth + 1);
        }
        self.part("else", orelse, depth);
    }

    fn try_stmt(&mut self, node: &Try, depth: usize) {
        self.put("try\n");
        self.block(&node.body, depth + 1);
        for handler in &node.handlers {
            self.line(depth, "except");
            self.maybe(" ", handler.class);
            if let Some(name) = handler.name {
                self.put(" as ");
                self.name(name);
            }
            self.put("\n");
            self.block(&handler.body, depth + 1);
        }
        self.part("else", &node.orelse, depth);
        self.part("finally", &node.finally, depth);
    }

    fn simple(&mut self, stmt: &Stmt) {
        match stmt {
            Stmt::Expr(e) => self.all("expr", &[*e]),
            Stmt::Assign { targets, value } => {
                self.all("assign", targets);
                self.maybe(" = ", Some(*value));
            }
            Stmt::AugAssign { target, op, value } => {
                self.all("aug", &[*target]);
                self.put(format!(" {}= ", op.text()));
                self.expr(*value);
            }
            Stmt::AnnAssign { target, annotation, value, simple } => {
                self.all(if *simple { "ann" } else { "ann-target" }, &[*target, *annotation]);
                self.maybe(" = ", *value);
            }
            Stmt::Return(value) => {
                self.put("return");
                self.maybe(" ", *value);
            }
            Stmt::Delete(targets) => self.all("del", targets),
            Stmt::Pass => self.put("pass"),
            Stmt::Break => self.put("break"),
            Stmt::Continue => self.put("continue"),
            Stmt::Raise { exc, cause } => {
                self.put("raise");
                self.maybe(" ", *exc);
                self.maybe(" from ", *cause);
            }
            Stmt::Global(names) => self.names("global", names),
            Stmt::Nonlocal(names) => self.names("nonlocal", names),
            Stmt::Assert { test, msg } => {
                self.all("assert", &[*test]);
                self.maybe(" ", *msg);
            }
            Stmt::Import(names) => {
                self.put("import");
                self.aliases(names);
            }
            Stmt::ImportFrom { module, level, names } => {
                self.put(format!("from {}", ".".repeat(*level as usize)));
                if let Some(module) = module {
                    self.name(*module);
                }
                self.put(if names.is_empty() { " import *" } else { " import" });
                self.aliases(names);
            }
            Stmt::If { .. } | Stmt::While { .. } | Stmt::For(_) | Stmt::Try(_) => {}
            Stmt::With(_) | Stmt::Def(_) | Stmt::Class(_) => {}
        }
    }

    fn names(&mut self, word: &str, names: &[Name]) {
        self.put(word);
        for &name in names {
            self.put(" ");
            self.name(name);
        }
    }

    fn aliases(&mut self, names: &[Alias]) {
        for alias in names {
            self.put(" ");
            self.name(alias.name);
            if let Some(asname) = alias.asname {
                self.put(" as ");
                self.name(asname);
            }
        }
    }

    fn name(&mut self, name: Name) {
        self.put(self.ast.name(name));
    }

    fn maybe(&mut self, before: &str, e: Option<E>) {
        if let Some(e) = e {
            self.put(before);
            self.expr(e);
        }
    }

    fn all(&mut self, word: &str, parts: &[E]) {
        self.put(word);
        for &e in parts {
            self.put(" ");
            self.expr(e);
        }
    }

    /// `(word part part)`
    fn form(&mut self, word: &str, parts: &[E]) {
        self.put("(");
        self.all(word, parts);
        self.put(")");
    }

    fn expr(&mut self, e: E) {
        let ast = self.ast;
        match ast.expr(e) {
            Expr::None => self.put("None"),
            Expr::True => self.put("True"),
            Expr::False => self.put("False"),
            Expr::Ellipsis => self.put("..."),
            Expr::Int(IntLit::Small(value)) => self.put(value.to_string()),
            Expr::Int(IntLit::Big(value)) => self.put(format!("{:#x}", **value)),
            Expr::Float(value) => self.put(format!("{value:e}f")),
            Expr::Str(text) => self.text(text),
            Expr::Bytes(bytes) => {
                self.put("b");
                self.text(&bytes.iter().map(|&byte| byte as char).collect::<String>());
            }
            Expr::FString(parts) => {
                self.put("(f");
                self.f_parts(parts);
                self.put(")");
            }
            Expr::Name(name) => self.name(*name),
            Expr::Tuple(items) => self.form("tuple", items),
            Expr::List(items) => self.form("list", items),
            Expr::Set(items) => self.form("set", items),
            Expr::Dict(items) => {
                self.put("(dict");
                for (key, value) in items {
                    self.maybe(" ", *key);
                    self.maybe(if key.is_some() { ": " } else { " **" }, Some(*value));
                }
                self.put(")");
            }
            Expr::Comp(comp) => self.comp(comp),
            Expr::Unary { op, operand } => self.form(&format!("u{}", op.text()), &[*operand]),
            Expr::Binary { op, left, right } => self.form(op.text(), &[*left, *right]),
            Expr::Bool { op, values } => self.form(op.text(), values),
            Expr::Compare { left, rest } => {
                self.put("(cmp ");
                self.expr(*left);
                for (op, e) in rest {
                    self.put(format!(" {} ", op.text()));
                    self.expr(*e);
                }
                self.put(")");
            }
            Expr::Cond { test, then, orelse } => self.form("if", &[*test, *then, *orelse]),
            Expr::Call { func, args } => {
                self.put("(call ");
                self.expr(*func);
                self.args(args);
                self.put(")");
            }
            Expr::Attr { value, attr } => {
                self.put("(. ");
                self.expr(*value);
                self.put(" ");
                self.name(*attr);
                self.put(")");
            }
            Expr::Index { value, index } => self.form("[]", &[*value, *index]),
            Expr::Slice { lower, upper, step } => {
                self.put("(slice");
                for part in [lower, upper, step] {
                    if part.is_none() {
                        self.put(" _");
                    }
                    self.maybe(" ", *part);
                }
                self.put(")");
            }
            Expr::Starred(value) => self.form("*", &[*value]),
            Expr::Lambda(lambda) => {
                self.put("(lambda ");
                self.params(&lambda.params);
                self.maybe(" ", Some(lambda.body));
                self.put(")");
            }
            Expr::Walrus { target, value } => self.form(":=", &[*target, *value]),
            Expr::Await(value) => self.form("await", &[*value]),
            Expr::Yield(value) => self.form("yield", value.as_slice()),
            Expr::YieldFrom(value) => self.form("yield-from", &[*value]),
        }
        self.span(ast.span(e));
    }

    fn comp(&mut self, comp: &Comp) {
        let word = match comp.kind {
            CompKind::List => "listcomp",
            CompKind::Set => "setcomp",
            CompKind::Dict => "dictcomp",
            CompKind::Generator => "genexp",
        };
        self.put("(");
        self.all(word, &[comp.elt]);
        self.maybe(": ", comp.value);
        for clause in &comp.clauses {
            self.put(if clause.is_async { " (async-for" } else { " (for" });
            self.all("", &[clause.target, clause.iter]);
            self.all("", &clause.ifs);
            self.put(")");
        }
        self.put(")");
    }

    fn f_parts(&mut self, parts: &[FPart]) {
        for part in parts {
            self.put(" ");
            match part {
                FPart::Text(text) => self.text(text),
                FPart::Field(field) => {
                    self.put("{");
                    self.expr(field.value);
                    self.put(match field.conversion {
                        None => "",
                        Some(Conversion::Str) => "!s",
                        Some(Conversion::Repr) => "!r",
                        Some(Conversion::Ascii) => "!a",
                    });
                    if let Some(spec) = &field.spec {
                        self.put(":");
                        self.f_parts(spec);
                    }
                    self.put("}");
                }
            }
        }
    }

    fn args(&mut self, args: &[Arg]) {
        for arg in args {
            self.put(" ");
            match *arg {
                Arg::Pos(_) => {}
                Arg::Star(_) => self.put("*"),
                Arg::DoubleStar(_) => self.put("**"),
                Arg::Keyword { name, .. } => {
                    self.name(name);
                    self.put("=");
                }
            }
            self.expr(arg.value());
        }
    }

    fn params(&mut self, params: &Params) {
        self.put("(");
        for (i, param) in params.list.iter().enumerate() {
            self.put(if i > 0 { " " } else { "" });
            self.put(match param.kind {
                ParamKind::PosOnly => "/",
                ParamKind::Normal => "",
                ParamKind::Star => "*",
                ParamKind::KwOnly => "=",
                ParamKind::DoubleStar => "**",
            });
            self.name(param.name);
            self.maybe(":", param.annotation);
            self.maybe("=", param.default);
        }
        self.put(")");
    }

    /// A text in quotes; what is not printable ASCII by its number.
    fn text(&mut self, text: &str) {
        self.put("\"");
        for c in text.chars() {
            if matches!(c, ' '..='~') && c != '"' && c != '\\' {
                self.out.push(c);
            } else {
                let _ = write!(self.out, "\\{{{:x}}}", c as u32);
            }
        }
        self.put("\"");
    }
}
