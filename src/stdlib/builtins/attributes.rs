//! Attributes, classes, namespaces.

use crate::natives;
use crate::object::class::Class;
use crate::object::function::{Function, Method, Native};
use crate::object::module::Module;
use crate::object::{Name, Ref, TypeId, Value};
use crate::vm::make::text;
use crate::vm::{Call, Res, Thread};

natives! { pub ATTRIBUTES, "builtins";
    /// Whether `obj` is of `class`, of one derived from it, or of any in a tuple of classes.
    quick isinstance("obj, class_or_tuple, /") = isinstance;
    /// Whether class `cls` is, or derives from, `class` or any in a tuple of classes.
    holds issubclass("cls, class_or_tuple, /") = issubclass;
    /// The attribute of this name; if there is none, `default`, or AttributeError without one.
    holds getattr("obj, name, default=None, /") = getattr;
    /// Sets an attribute: `obj.name = value`.
    holds setattr("obj, name, value, /") = setattr;
    /// Deletes an attribute: `del obj.name`.
    holds delattr("obj, name, /") = delattr;
    /// Whether there is an attribute of this name.
    holds hasattr("obj, name, /") = hasattr;
    /// Whether it can be called.
    holds callable("obj, /") = callable;
    /// Imports a module by its dotted name; the first of its parts, or the last if `fromlist` is not empty.
    holds __import__("name, globals=None, locals=None, fromlist=(), level=0") = import;
    /// Prints what is known of an object: signature and documentation.
    holds help("request=None, /") = help;
    /// The attributes of an object as a dict.
    holds vars("obj=None, /") = vars;
    /// The names of an object's attributes, sorted; without an object, of the module's names.
    holds dir("obj=None, /") = dir;
    /// The names of the module as a dict; changes of the dict change the module.
    holds globals("") = globals;
    /// The names of the block that runs, with their values: a copy inside a function.
    holds locals("") = locals;
    /// Ends the program as `sys.exit` does.
    holds exit("code=None, /") = exit;
    /// Ends the program as `sys.exit` does.
    holds quit("code=None, /") = exit;
}

fn isinstance(c: &mut Call) -> Res<Value> {
    let (v, class) = (c.arg(0), c.arg(1));
    Ok(Value::bool(c.is_instance(&v, &class)?))
}

fn class_ref(v: &Value) -> Option<&Ref> {
    v.as_ref().filter(|r| r.is::<Class>())
}

fn issubclass(c: &mut Call) -> Res<Value> {
    let (class, of) = (c.arg(0), c.arg(1));
    let Some(class) = class_ref(&class) else {
        return Err(c.type_error("issubclass() arg 1 must be a class"));
    };
    let wrong = "issubclass() arg 2 must be a class, a tuple of classes, or a union";
    let (class, is) = (class.clone(), c.subclass_check(class, &of, wrong)?);
    Ok(Value::bool(is || c.meta_check(&of, Name::of("__subclasscheck__"), &class.into())?))
}

/// The name argument.
pub fn name_arg(c: &mut Call) -> Res<Name> {
    let v = c.arg(1);
    match text(&v) {
        Some(t) => Ok(Name::of(t)),
        None => {
            let got = c.type_name(&v);
            Err(c.type_error(format!("attribute name must be string, not '{got}'")))
        }
    }
}

fn getattr(c: &mut Call) -> Res<Value> {
    let name = name_arg(c)?;
    let obj = c.arg(0);
    match c.opt(2) {
        None => c.get_attr(&obj, name),
        Some(default) => Ok(c.find_attr(&obj, name)?.unwrap_or(default)),
    }
}

fn setattr(c: &mut Call) -> Res<Value> {
    let name = name_arg(c)?;
    let (obj, v) = (c.arg(0), c.arg(2));
    c.set_attr(&obj, name, v)?;
    Ok(Value::None)
}

fn delattr(c: &mut Call) -> Res<Value> {
    let name = name_arg(c)?;
    let obj = c.arg(0);
    c.del_attr(&obj, name)?;
    Ok(Value::None)
}

fn hasattr(c: &mut Call) -> Res<Value> {
    let name = name_arg(c)?;
    let obj = c.arg(0);
    Ok(Value::bool(c.find_attr(&obj, name)?.is_some()))
}

/// Whether calling it can succeed.
pub fn is_callable(th: &mut Thread, v: &Value) -> bool {
    match v {
        Value::Obj(r) if r.is::<Function>() || r.is::<Native>() || r.is::<Method>() || r.is::<Class>() => true,
        Value::Obj(r) if r.shape() == TypeId::StaticMethod.shape() => true,
        Value::Obj(_) => th.lookup_special(v, Name::of("__call__")).is_some(),
        _ => false,
    }
}

fn callable(c: &mut Call) -> Res<Value> {
    let v = c.arg(0);
    Ok(Value::bool(is_callable(c, &v)))
}

fn vars(c: &mut Call) -> Res<Value> {
    let Some(v) = c.opt(0) else {
        return c.local_names();
    };
    match c.find_attr(&v, Name::of("__dict__"))? {
        Some(d) => Ok(d),
        None => Err(c.type_error("vars() argument must have __dict__ attribute")),
    }
}

/// The names and values of a module.
fn module_names(th: &Thread, v: &Value) -> Option<Vec<(&'static str, Value)>> {
    let all = |m: &mut Module| m.names.iter().map(|(n, v)| (n.text(), v.clone())).collect();
    v.as_ref()?.try_with::<Module, _>(&th.held, all)
}

fn globals(c: &mut Call) -> Res<Value> {
    let Some(module) = c.globals_module() else {
        return Ok(c.dict().into());
    };
    c.get_attr(&module.into(), Name::of("__dict__"))
}

fn locals(c: &mut Call) -> Res<Value> {
    c.local_names()
}

fn dir(c: &mut Call) -> Res<Value> {
    let mut names: Vec<String> = vec![];
    match c.opt(0) {
        None => {
            if let Value::Obj(d) = c.local_names()? {
                names.extend(c.dict_items(&d).iter().filter_map(|(k, _)| text(k).map(str::to_string)));
            }
        }
        Some(v) => {
            if let Some(listed) = c.special(&v, Name::of("__dir__"), &[])? {
                let items = c.collect(&listed)?;
                let names = c.list(items);
                c.call_method(&names, Name::of("sort"), &[])?;
                return Ok(names);
            }
            names = attribute_names(c, &v)?;
        }
    }
    names.sort();
    names.dedup();
    let names = names.into_iter().map(|n| c.string(n)).collect();
    Ok(c.list(names))
}

/// The names that `dir` lists, in any order.
pub fn attribute_names(th: &mut Thread, v: &Value) -> Res<Vec<String>> {
    if let Some(names) = module_names(th, v) {
        return Ok(names.into_iter().map(|(n, _)| n.to_string()).collect());
    }
    let mut names: Vec<String> = vec![];
    let own = v.as_ref().is_some_and(|r| !r.is::<Class>());
    if own && let Some(Value::Obj(d)) = th.find_attr(v, Name::of("__dict__"))? {
        for (k, _) in th.dict_items(&d) {
            names.extend(text(&k).map(str::to_string));
        }
    }
    let class = match class_ref(v) {
        Some(class) => class.clone(),
        None => th.type_of(v),
    };
    names.extend(["__class__", "__doc__"].map(String::from));
    if class.with::<Class, _>(&th.held, |c| c.from_script) {
        names.push("__module__".into());
        if class.with::<Class, _>(&th.held, |c| c.only.is_none()) {
            names.extend(["__dict__", "__weakref__"].map(String::from));
        }
    }
    let mut line = vec![class.clone()];
    line.extend(class.with::<Class, _>(&th.held, |c| c.mro.clone()));
    for class in line {
        class.with::<Class, _>(&th.held, |c| {
            names.extend(c.names.iter().map(|(n, _)| n.text().to_string()));
            names.extend(c.only.iter().flatten().map(|n| n.text().to_string()));
        });
    }
    Ok(names)
}

/// Raises SystemExit; the program ends when nobody catches it.
pub fn exit(c: &mut Call) -> Res<Value> {
    let args: Vec<Value> = c.opt(0).into_iter().collect();
    let code = args.first().cloned().unwrap_or(Value::None);
    let e = c.new_exception(TypeId::SystemExit, args);
    if let Value::Obj(r) = &e {
        let extra = vec![(Name::of("code"), code)];
        r.with::<crate::object::exception::Exception, _>(&c.held, |e| e.extra = extra);
    }
    Err(c.raise_value(e))
}

fn import(c: &mut Call) -> Res<Value> {
    let (name, level) = (c.arg(0), c.some(4).unwrap_or(Value::Int(0)));
    if c.index(&level)? != 0 {
        return Err(c.raise(TypeId::NotImplementedError, "Kit has no __import__() with a level: use importlib"));
    }
    let name = c.expect_str(&name, "__import__() argument 1")?.to_string();
    if name.is_empty() || name.split('.').any(str::is_empty) {
        return Err(if name.is_empty() {
            c.value_error("Empty module name")
        } else {
            c.raise(TypeId::ModuleNotFoundError, format!("No module named '{name}' in Kit"))
        });
    }
    let last = match c.some(3) {
        Some(v) => c.truth(&v)?,
        None => false,
    };
    c.import(&name, last)
}

fn help(c: &mut Call) -> Res<Value> {
    let Some(v) = c.opt(0).filter(|v| !v.is_none()) else {
        return Err(
            c.raise(TypeId::NotImplementedError, "Kit has no help() dialog: name what you ask for, or run kit doc")
        );
    };
    let module = c.import("_help", true)?;
    c.call_method(&module, Name::of("show"), &[v])
}
