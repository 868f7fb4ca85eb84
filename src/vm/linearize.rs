//! The order in which a class and its bases are searched.

use super::thread::{Res, Thread};
use crate::object::Ref;
use crate::object::class::Class;

impl Thread {
    /// C3 linearization of the bases (without the class itself). Source: Barrett et al., "A Monotonic
    /// Superclass Linearization for Dylan", OOPSLA 1996, as CPython merges.
    pub(super) fn linearize(&mut self, bases: &[Ref]) -> Res<Vec<Ref>> {
        let held = &self.held;
        if let Some(at) = (1..bases.len()).find(|&i| bases[..i].iter().any(|b| b.same(&bases[i]))) {
            let text = format!("duplicate base class {}", self.class_name(&bases[at]));
            return Err(self.type_error(text));
        }
        let mut rows: Vec<Vec<Ref>> = bases
            .iter()
            .map(|b| std::iter::once(b.clone()).chain(b.with::<Class, _>(held, |c| c.mro.clone())).collect())
            .collect();
        rows.push(bases.to_vec());
        let mut out = Vec::new();
        loop {
            rows.retain(|r| !r.is_empty());
            if rows.is_empty() {
                return Ok(out);
            }
            let next =
                rows.iter().map(|r| &r[0]).find(|c| !rows.iter().any(|r| r[1..].iter().any(|x| x.same(c)))).cloned();
            let Some(next) = next else {
                let mut names: Vec<&str> = Vec::new();
                for head in rows.iter().map(|r| self.class_name(&r[0]).text()) {
                    if !names.contains(&head) {
                        names.push(head);
                    }
                }
                let text =
                    format!("Cannot create a consistent method resolution\norder (MRO) for bases {}", names.join(", "));
                return Err(self.type_error(text));
            };
            for r in &mut rows {
                if r[0].same(&next) {
                    r.remove(0);
                }
            }
            out.push(next);
        }
    }
}
