//! f-strings.

use super::Res;
use super::unit::Unit;
use crate::bytecode::{Count, Imm, Instr, Reg};
use crate::source::Span;
use crate::syntax::ast::*;

/// More pieces than this are joined in two steps, so that they need few registers.
const WINDOW: usize = 32;

impl<'a> Unit<'a> {
    #[inline(never)]
    pub fn fstring(&mut self, parts: &'a [FPart], dst: Reg, span: Span) -> Res {
        match parts {
            [] => self.load_text("", dst, span),
            [FPart::Text(text)] => self.load_text(text, dst, span),
            [FPart::Field(field)] => return self.field(field, dst),
            _ => {
                let mark = self.mark();
                let base = self.temps(0);
                let mut n = 0;
                for part in parts {
                    if n == WINDOW {
                        self.release(mark);
                        let dst = self.temp();
                        self.emit(span, Instr::BuildStr { dst, base, n: Count(n as u16) });
                        n = 1;
                    }
                    let to = self.temp();
                    match part {
                        FPart::Text(text) => self.load_text(text, to, span),
                        FPart::Field(field) => self.field(field, to)?,
                    }
                    n += 1;
                }
                self.release(mark);
                self.emit(span, Instr::BuildStr { dst, base, n: Count(n as u16) });
            }
        }
        Ok(())
    }

    /// One `{value!conversion:spec}`.
    fn field(&mut self, field: &'a FField, dst: Reg) -> Res {
        let mark = self.mark();
        let span = field.span;
        let mut src = self.operand_in(field.value, dst)?;
        if let Some(conversion) = field.conversion {
            let how = Imm(match conversion {
                Conversion::Str => 0,
                Conversion::Repr => 1,
                Conversion::Ascii => 2,
            });
            if field.spec.is_none() {
                // What a conversion gives is a str, and an empty spec leaves it as it is.
                self.emit(span, Instr::Convert { dst, src, how });
                self.release(mark);
                return Ok(());
            }
            let text = self.draft(dst);
            self.emit(span, Instr::Convert { dst: text, src, how });
            src = text;
        }
        let spec = self.temp();
        match &field.spec {
            Some(parts) => self.fstring(parts, spec, span)?,
            None => self.emit(span, Instr::Unset { dst: spec }),
        }
        self.release(mark);
        self.emit(span, Instr::Format { dst, src, spec });
        Ok(())
    }
}
