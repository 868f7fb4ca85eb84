//! Calls: from a window of registers to a frame or a result, and the one way from Rust to script code.

use super::errors::Uncaught;
use super::frame::{Frame, FrameKind};
use super::ops::scripted;
use super::thread::{Ending, Raised, Res, Thread};
use crate::object::code::CodeObj;
use crate::object::exception::Exception;
use crate::object::function::{Function, GenKind, GenState, Generator, Method, Native};
use crate::object::types::{Descriptor, DescriptorKind};
use crate::object::{Kind, Name, Ref, TypeId, Value, name};
use crate::world::Wake;
use std::sync::atomic::Ordering::Relaxed;

/// What a call led to.
pub(super) enum Entered {
    /// A script frame was pushed; the loop goes on in it.
    Frame,
    Value(Value),
}

/// The object that calling a class is about.
enum Made {
    /// Of the class: `__init__` follows.
    This(Value),
    /// Of another class: it is the result.
    Other(Value),
}

/// A window in the stack: function, then `n` arguments of which the last `kw.len()` are named.
pub(super) struct Window<'k> {
    pub func_at: u32,
    pub n: u32,
    pub kw: &'k [Name],
}

impl Window<'_> {
    pub fn end(&self) -> u32 {
        self.func_at + 1 + self.n
    }
}

impl Thread {
    /// Calls `f` from Rust. The one way from natives to script code; nothing may be open (R5).
    pub fn call(&mut self, f: &Value, args: &[Value]) -> Res<Value> {
        self.call_kw(f, args, &[])
    }

    /// The same with named arguments.
    pub fn call_kw(&mut self, f: &Value, args: &[Value], kw: &[(Name, Value)]) -> Res<Value> {
        let at = self.top;
        let n = (args.len() + kw.len()) as u32;
        self.guard_depth(at + n + 2)?;
        self.set_reg(at, f.clone());
        for (i, v) in args.iter().chain(kw.iter().map(|(_, v)| v)).enumerate() {
            self.set_reg(at + 1 + i as u32, v.clone());
        }
        let names: Vec<Name> = kw.iter().map(|(n, _)| *n).collect();
        match self.enter(at, n, &names, at, FrameKind::Entry)? {
            Entered::Value(v) => Ok(v),
            Entered::Frame => self.run_entry(),
        }
    }

    pub fn call_method(&mut self, obj: &Value, attr: Name, args: &[Value]) -> Res<Value> {
        let f = self.get_attr(obj, attr)?;
        self.call(&f, args)
    }

    /// Runs the frame just pushed until it returns.
    pub(super) fn run_entry(&mut self) -> Res<Value> {
        self.depth += 1;
        let r = super::run::run(self, false);
        self.depth -= 1;
        r
    }

    /// RecursionError when the limit or the stack's end is reached.
    #[inline]
    pub(super) fn guard_depth(&mut self, top: u32) -> Res<()> {
        // Entries from Rust cost Rust stack, so they count twice.
        if self.frames.len() as u32 + self.depth >= self.limit
            || self.depth >= self.depth_max
            || self.frames.is_full()
            || !self.reserve(top)
        {
            return Err(self.too_deep());
        }
        Ok(())
    }

    /// RecursionError, which says so if it is not the script's limit that was reached.
    #[cold]
    pub(super) fn too_deep(&mut self) -> Raised {
        self.too_deep_in("")
    }

    /// The same; `doing` completes the sentence.
    #[cold]
    pub(super) fn too_deep_in(&mut self, doing: &str) -> Raised {
        let frames = self.frames.len();
        let text = if frames as u32 + self.depth >= self.limit {
            format!("maximum recursion depth exceeded{doing}")
        } else if self.depth >= self.depth_max {
            format!(
                "maximum recursion depth exceeded: {} levels of calls through builtins and of nested data fill the system's stack",
                self.depth
            )
        } else {
            format!("maximum recursion depth exceeded: the stack of this thread is full with {frames} calls")
        };
        self.raise(TypeId::RecursionError, text)
    }

    /// Calls what lies in a window. On an error the window is unset.
    pub(super) fn enter(&mut self, func_at: u32, n: u32, kw: &[Name], dst: u32, kind: FrameKind) -> Res<Entered> {
        let mut w = Window { func_at, n, kw };
        let r = self.enter_window(&mut w, dst, kind);
        if r.is_err() {
            self.unset(func_at, w.end());
        }
        r
    }

    fn enter_window(&mut self, w: &mut Window, dst: u32, kind: FrameKind) -> Res<Entered> {
        loop {
            let callee = self.reg(w.func_at);
            let Value::Obj(r) = &callee else {
                return Err(self.not_callable(&callee));
            };
            match r.kind() {
                Kind::Function => return self.enter_function(r, w, dst, kind, Value::Unbound),
                Kind::Native => {
                    let n = r.frozen::<Native>();
                    if !n.this.is_unbound() {
                        self.insert_first(w, n.this.clone());
                    }
                    return self.run_native(n.row, w).map(Entered::Value);
                }
                Kind::Method => {
                    let m = r.frozen::<Method>();
                    self.insert_first(w, m.this.clone());
                    self.set_reg(w.func_at, m.func.clone());
                }
                Kind::Class if w.n == 1 && w.kw.is_empty() && r.same(self.interp.class(&self.held, TypeId::Type)) => {
                    let class = self.type_of(&self.reg(w.func_at + 1));
                    self.unset(w.func_at, w.end());
                    return Ok(Entered::Value(class.into()));
                }
                Kind::Class => match self.meta_call(&callee) {
                    Some(f) => {
                        self.insert_first(w, callee.clone());
                        self.set_reg(w.func_at, f);
                    }
                    None => return self.instantiate(r, w, dst, kind),
                },
                Kind::Descriptor if r.frozen::<Descriptor>().kind == DescriptorKind::StaticMethod => {
                    self.set_reg(w.func_at, r.frozen::<Descriptor>().get.clone());
                }
                _ => match self.lookup_special(&callee, name::CALL) {
                    Some(f) => {
                        self.insert_first(w, callee.clone());
                        self.set_reg(w.func_at, f);
                    }
                    None => return Err(self.not_callable(&callee)),
                },
            }
        }
    }

    /// `__call__` of the metaclass of a class that has one of the library's.
    fn meta_call(&self, class: &Value) -> Option<Value> {
        if scripted(class) { self.lookup_special(class, name::CALL) } else { None }
    }

    #[cold]
    fn not_callable(&mut self, v: &Value) -> Raised {
        let n = self.type_name(v);
        self.type_error(format!("'{n}' object is not callable"))
    }

    /// Puts `v` before the arguments. The window grows by one, maybe beyond `top`; the callee's frame covers it.
    fn insert_first(&mut self, w: &mut Window, v: Value) {
        self.reserve(w.end() + 2);
        let mut carry = v;
        for at in w.func_at + 1..=w.end() {
            let here = self.take_reg(at);
            self.set_reg(at, carry);
            carry = here;
        }
        w.n += 1;
    }

    fn enter_function(&mut self, f: &Ref, w: &mut Window, dst: u32, kind: FrameKind, this: Value) -> Res<Entered> {
        let code_ref = self.whole_code(f)?;
        let code = code_ref.frozen::<CodeObj>();
        let base = w.func_at + 1;
        let top = base + code.code.registers as u32;
        self.guard_depth(top.max(w.end()) + 1)?;
        let saved = std::mem::replace(&mut self.top, top.max(w.end()));
        let bound = self.bind(f, base, w.n, w.kw);
        self.top = saved;
        w.n = w.n.max(code.code.params.names.len() as u32);
        bound?;
        w.n = code.code.params.names.len() as u32;
        // Dead temporaries of the caller above the window: the callee's registers begin unset (R1).
        self.unset(w.end() + u32::from(code.code.flags.class_body), top);
        if code.code.flags.suspends() {
            return self.make_generator(f, code, w).map(Entered::Value);
        }
        if matches!(kind, FrameKind::Init | FrameKind::InitEntry) {
            self.inits.push(this);
        }
        self.frames.push(Frame { code, first: code.first, pc: 0, base, below: self.top, dst, kind });
        self.top = top;
        Ok(Entered::Frame)
    }

    /// The arguments become the registers of a generator that has not started.
    fn make_generator(&mut self, f: &Ref, code: &CodeObj, w: &Window) -> Res<Value> {
        let base = w.func_at + 1;
        let regs: Box<[Value]> = (base..base + code.code.registers as u32).map(|i| self.take_reg(i)).collect();
        let func = self.take_reg(w.func_at);
        let (name, qualname, code_ref) =
            f.with::<Function, _>(&self.held, |f| (f.name, f.qualname.clone(), f.code.clone()));
        let kind = GenKind::of(code.code.flags);
        let g = Generator {
            func,
            code: code_ref,
            regs,
            pc: 0,
            dst: 0,
            state: GenState::Created,
            handled: Value::None,
            delegate: Value::Unbound,
            name,
            qualname,
            kind,
            busy: false,
            hooked: false,
            closed: false,
        };
        let g = Ref::new(&self.held, kind.type_id().shape(), g);
        if !code.code.handlers.is_empty() || kind == GenKind::Coroutine {
            // Dropped while suspended it is closed, so that its `finally` runs; a coroutine that nobody
            // awaited is told of.
            g.speak_last(&self.held);
        }
        Ok(g.into())
    }

    /// What `__new__` of a script class gives.
    fn made_by_new(&mut self, class: &Ref, w: &mut Window) -> Res<Made> {
        Ok(match self.lookup(class, name::NEW) {
            Some(new) if !matches!(&new, Value::Obj(r) if r.kind() == Kind::Native) => {
                let v = self.call_new(class, &new, w)?;
                let of = self.type_of(&v);
                if !self.is_subclass(&of, class) {
                    self.unset(w.func_at, w.end());
                    return Ok(Made::Other(v));
                }
                Made::This(v)
            }
            _ if self.derives_value(class) => {
                let (args, kw) = self.copy_args(w);
                Made::This(self.new_value(class, &args, &kw)?)
            }
            _ if class.with::<crate::object::class::Class, _>(&self.held, |c| c.instances) == Kind::Exception => {
                let (args, _) = self.copy_args(w);
                Made::This(self.new_exception_of(class, &args)?)
            }
            _ => Made::This(self.new_object(class)?),
        })
    }

    /// Calls a class: makes the object, then runs `__init__`.
    fn instantiate(&mut self, class: &Ref, w: &mut Window, dst: u32, kind: FrameKind) -> Res<Entered> {
        let (script, instances, root, is_abstract) = class.with::<crate::object::class::Class, _>(&self.held, |c| {
            (c.from_script, c.instances, c.root, c.is_abstract)
        });
        if is_abstract {
            return Err(self.abstract_class(class));
        }
        if !script {
            if instances == Kind::Exception {
                return self.make_exception(class, w).map(Entered::Value);
            }
            return self.make_builtin(class, root, w).map(Entered::Value);
        }
        let this = match self.made_by_new(class, w)? {
            Made::Other(v) => return Ok(Entered::Value(v)),
            Made::This(v) => v,
        };
        let (epoch, changes) = (self.interp.init_epoch.load(Relaxed), self.class_changes());
        let init = self.lookup(class, name::INIT);
        // Of all natives only `property.__init__` has something to keep in a plain instance.
        let script_init = matches!(&init, Some(Value::Obj(r)) if r.get::<crate::object::function::Native>()
            .is_none_or(|n| self.interp.natives[n.row as usize].module == TypeId::Property.name()));
        if let (Kind::Exception, Value::Obj(e)) = (instances, &this) {
            let args: Vec<Value> = (0..w.n - w.kw.len() as u32).map(|i| self.reg(w.func_at + 1 + i)).collect();
            self.fill_exception(e, args);
        }
        if !script_init {
            return match instances {
                Kind::Instance if w.n > 0 && !self.has_script_new(class) => {
                    let n = self.class_name(class);
                    Err(self.type_error(format!("{n}() takes no arguments")))
                }
                _ if self.derives_value(class) => {
                    self.unset(w.func_at, w.end());
                    Ok(Entered::Value(this))
                }
                Kind::Instance | Kind::Exception => {
                    self.unset(w.func_at, w.end());
                    Ok(Entered::Value(this))
                }
                _ => self.make_builtin(class, self.base_type(class).shape(), w).map(Entered::Value),
            };
        }
        let init = init.unwrap_or_default();
        match &init {
            Value::Obj(f) if f.is::<Function>() => {
                if instances == Kind::Instance && !self.has_script_new(class) && !self.has_del(class) {
                    let old = class.with::<crate::object::class::Class, _>(&self.held, |c| {
                        c.plain_init.replace((epoch, f.clone()))
                    });
                    drop(old);
                    self.keep_init(class, root, &init, changes);
                }
                self.insert_first(w, this.clone());
                self.set_reg(w.func_at, init.clone());
                let kind = if kind == FrameKind::Script { FrameKind::Init } else { FrameKind::InitEntry };
                self.enter_function(f, w, dst, kind, this)
            }
            _ => {
                let init = self.bind_found(init, &this, class)?;
                let (args, kw) = self.take_args(w);
                self.call_kw(&init, &args, &kw)?;
                Ok(Entered::Value(this))
            }
        }
    }

    #[cold]
    fn abstract_class(&mut self, class: &Ref) -> Raised {
        let n = self.class_name(class);
        let found = self.lookup(class, name::ABSTRACT).unwrap_or_default();
        let Ok(items) = self.collect(&found) else { return Raised(()) };
        let mut names: Vec<&str> = items.iter().filter_map(super::make::text).collect();
        names.sort_unstable();
        let s = if names.len() == 1 { "" } else { "s" };
        self.type_error(format!("Can't instantiate abstract class {n} with abstract method{s} {}", names.join(", ")))
    }

    fn has_del(&self, class: &Ref) -> bool {
        class.with::<crate::object::class::Class, _>(&self.held, |c| c.has_del)
    }

    fn has_script_new(&self, class: &Ref) -> bool {
        matches!(self.lookup(class, name::NEW), Some(Value::Obj(r)) if r.kind() != Kind::Native)
    }

    fn call_new(&mut self, class: &Ref, new: &Value, w: &Window) -> Res<Value> {
        let f = match new {
            Value::Obj(r) => r.get::<crate::object::types::Descriptor>().map_or(new.clone(), |d| d.get.clone()),
            _ => new.clone(),
        };
        let (mut args, kw) = self.copy_args(w);
        args.insert(0, Value::Obj(class.clone()));
        // The window is needed again for `__init__`: what `__new__` runs must not lie over it.
        let below = self.top;
        self.top = below.max(w.end());
        let made = self.call_kw(&f, &args, &kw);
        self.top = below;
        made
    }

    /// Copies of a window's arguments.
    fn copy_args(&self, w: &Window) -> (Vec<Value>, Vec<(Name, Value)>) {
        let args = (0..w.n - w.kw.len() as u32).map(|i| self.reg(w.func_at + 1 + i)).collect();
        let first = w.end() - w.kw.len() as u32;
        (args, w.kw.iter().enumerate().map(|(i, n)| (*n, self.reg(first + i as u32))).collect())
    }

    /// Moves a window's arguments out and unsets it.
    pub(super) fn take_args(&mut self, w: &Window) -> (Vec<Value>, Vec<(Name, Value)>) {
        let plain = w.n - w.kw.len() as u32;
        let args = (0..plain).map(|i| self.take_reg(w.func_at + 1 + i)).collect();
        let kw = w.kw.iter().enumerate().map(|(i, n)| (*n, self.take_reg(w.func_at + 1 + plain + i as u32))).collect();
        self.unset(w.func_at, w.end());
        (args, kw)
    }

    /// Calls the native that makes objects of a builtin type, with the class before the arguments.
    fn make_builtin(&mut self, class: &Ref, root: u32, w: &mut Window) -> Res<Value> {
        let maker = self.interp.fixed(&self.held).makers.get(root as usize).copied().flatten();
        let Some(row) = maker else {
            let n = self.class_name(class);
            return Err(self.type_error(format!("cannot create '{n}' instances")));
        };
        self.insert_first(w, class.clone().into());
        self.run_native(row, w)
    }

    fn make_exception(&mut self, class: &Ref, w: &mut Window) -> Res<Value> {
        let (args, kw) = self.take_args(w);
        let e = match self.os_error_class(class, &args) {
            Some(t) => self.new_exception(t, Vec::new()),
            None => self.new_exception_of(class, &args)?,
        };
        let Value::Obj(r) = &e else { return Ok(e) };
        self.fill_exception(r, args);
        for (n, v) in kw {
            let known = matches!(n.text(), "name" | "obj" | "path");
            if !known {
                let class = self.class_name(class);
                return Err(self.type_error(format!("{class}() takes no keyword arguments")));
            }
            r.with::<Exception, _>(&self.held, |e| e.extra.push((n, v)));
        }
        Ok(e)
    }

    /// Arguments of a new exception, and the fields that some classes make of them.
    pub fn fill_exception(&mut self, r: &Ref, args: Vec<Value>) {
        let this = Value::Obj(r.clone());
        let first = args.first().cloned().unwrap_or(Value::None);
        let mut extra = Vec::new();
        if self.is_group(&this) {
            // Made with the object, of what `__new__` was given.
            extra = r.with::<Exception, _>(&self.held, |e| std::mem::take(&mut e.extra));
        } else if self.is_a(&this, TypeId::StopIteration) {
            extra.push((name::VALUE, first));
        } else if self.is_a(&this, TypeId::SystemExit) {
            extra.push((name::CODE_ATTR, if args.len() > 1 { self.tuple(args.clone()) } else { first }));
        } else if self.is_a(&this, TypeId::OSError) && (2..=5).contains(&args.len()) {
            for (field, v) in ["errno", "strerror", "filename", "", "filename2"].iter().zip(&args) {
                if !field.is_empty() {
                    extra.push((Name::of(field), v.clone()));
                }
            }
        }
        let shown =
            if self.is_a(&this, TypeId::OSError) && (3..=5).contains(&args.len()) { args[..2].to_vec() } else { args };
        let tuple = self.tuple(shown);
        let old = r.with::<Exception, _>(&self.held, |e| {
            e.extra = extra;
            std::mem::replace(&mut e.args, tuple)
        });
        drop(old);
    }

    /// What a wake means for a native: notified, or timed out; Ctrl-C and the program's end unwind.
    pub fn after_wake(&mut self, wake: Wake) -> Res<bool> {
        match wake {
            Wake::Notified => Ok(true),
            Wake::TimedOut => Ok(false),
            Wake::Interrupted => Err(self.raise_with(TypeId::KeyboardInterrupt, Vec::new())),
            Wake::Deadlock(d) => Err(self.raise_ending(Ending::Deadlock(d.to_string()))),
            Wake::Exiting => Err(self.raise_ending(Ending::Daemon)),
        }
    }

    /// Begins to unwind for a reason that no `except` or `finally` sees.
    pub fn raise_ending(&mut self, why: Ending) -> Raised {
        self.ending = Some(why);
        let e = self.new_exception(TypeId::SystemExit, Vec::new());
        self.reraise(e)
    }

    /// The exception in flight as what ends a thread, taken.
    pub fn take_uncaught(&mut self) -> Uncaught {
        let e = self.take_raised();
        match self.ending.take() {
            Some(why) => Uncaught::Ending(why),
            None => Uncaught::Exception(e),
        }
    }
}
