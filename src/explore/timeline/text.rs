//! A timeline for a terminal: a row for each thread, one for the lock, a scale, a legend.

use super::{heading, length, process_heading, shown, ticks};
use crate::explore::trace::{Instant, Kind, Process, Slice, State, Timeline, Track};
use crate::world::Nanos;
use std::fmt::Write;

/// How it is written.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Columns there are.
    pub width: usize,
    pub colour: bool,
}

/// Columns that names may take.
const NAME_MAX: usize = 22;
const NAME_MIN: usize = 8;
/// Columns of pictures, at least: a narrower terminal breaks lines.
const CELLS_MIN: usize = 20;
/// Marks that are listed below the picture.
const MARKS_MAX: usize = 12;

/// The letter of the nth thread of a process, in the lock's row.
fn letter(n: usize) -> char {
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    letters.get(n).map_or('?', |c| *c as char)
}

/// One or more timelines below each other, with one scale.
pub fn text(timelines: &[&Timeline], style: Style) -> String {
    let end = timelines.iter().map(|t| t.end).max().unwrap_or(0).max(1);
    let names = timelines.iter().flat_map(|t| t.tracks()).map(|(_, t)| t.name.chars().count() + 2);
    let name = names.max().unwrap_or(0).clamp(NAME_MIN, NAME_MAX).min(style.width / 3);
    let cells = style.width.saturating_sub(name + 2).max(CELLS_MIN);
    let mut text = String::new();
    let picture = Picture { end, name, cells, colour: style.colour };
    for t in timelines {
        let _ = writeln!(text, "{}", broken(&heading(t), style.width));
        picture.draw(&mut text, t);
    }
    picture.legend(&mut text);
    text
}

/// Breaks a heading that is too long after its last comma that fits.
fn broken(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_string();
    }
    let fits = text.match_indices(", ").map(|(at, _)| at).filter(|at| text[..*at].chars().count() < width);
    match fits.last() {
        Some(at) => format!("{},\n  {}", clip(&text[..at], width - 1), clip(&text[at + 2..], width - 2)),
        None => clip(text, width),
    }
}

/// Cuts a text that is too long.
fn clip(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_string();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{kept}…")
}

struct Picture {
    end: Nanos,
    name: usize,
    cells: usize,
    colour: bool,
}

impl Picture {
    fn draw(&self, text: &mut String, t: &Timeline) {
        let mut marks: Vec<&Instant> = Vec::new();
        for process in &t.processes {
            if let Some(heading) = process_heading(t, process) {
                let _ = writeln!(text, "\n{heading}");
            } else {
                text.push('\n');
            }
            self.scale(text);
            let (tracks, hidden) = shown(process);
            if process.policy != "off" {
                self.lock(text, process, &tracks);
            }
            for (n, at) in tracks.iter().enumerate() {
                let track = &process.tracks[*at];
                let name = format!("{} {}", letter(n), track.name);
                self.row(text, &name, &self.states(track));
                marks.extend(track.instants.iter().filter(|i| i.kind == Kind::Mark));
            }
            self.instants(text, "requests", process, Kind::Request);
            self.instants(text, "marks", process, Kind::Mark);
            if hidden > 0 {
                let _ = writeln!(text, "{:>w$}  and {hidden} more threads", "", w = self.name);
            }
        }
        marks.sort_by_key(|m| m.at);
        for (n, mark) in marks.iter().enumerate().take(MARKS_MAX) {
            let line = mark.place.as_ref().map_or(String::new(), |p| format!(" (line {})", p.line));
            let gap = if n == 0 { "\n" } else { "" };
            let _ = writeln!(text, "{gap}{:>w$}  {}{line}", length(mark.at), mark.text, w = self.name);
        }
        if marks.len() > MARKS_MAX {
            let _ = writeln!(text, "{:>w$}  and {} more marks", "", marks.len() - MARKS_MAX, w = self.name);
        }
        text.push('\n');
    }

    /// The cells that `from..to` covers, each with how much of it.
    fn cover(&self, from: Nanos, to: Nanos, mut f: impl FnMut(usize, Nanos)) {
        let edge = |cell: usize| (cell as u128 * u128::from(self.end) / self.cells as u128) as Nanos;
        let first = (u128::from(from) * self.cells as u128 / u128::from(self.end)) as usize;
        for cell in first.min(self.cells - 1)..self.cells {
            let (lo, hi) = (edge(cell).max(from), edge(cell + 1).min(to));
            if lo >= to {
                break;
            }
            f(cell, hi.saturating_sub(lo));
        }
    }

    /// For each cell the choice that has most of its time.
    fn most<T: Copy + PartialEq>(&self, slices: impl Iterator<Item = (Nanos, Nanos, T)>) -> Vec<Option<T>> {
        let mut cells: Vec<Vec<(T, Nanos)>> = vec![Vec::new(); self.cells];
        for (from, to, what) in slices {
            self.cover(from, to, |cell, ns| match cells[cell].iter_mut().find(|(w, _)| *w == what) {
                Some(sum) => sum.1 += ns,
                None => cells[cell].push((what, ns)),
            });
        }
        // Of equals the first.
        let best = |cell: Vec<(T, Nanos)>| cell.into_iter().rev().max_by_key(|(_, ns)| *ns).map(|(what, _)| what);
        cells.into_iter().map(best).collect()
    }

    fn states(&self, track: &Track) -> Vec<(char, &'static str)> {
        let slice = |s: &Slice| (s.from, s.to, s.state);
        let cells = self.most(track.slices.iter().map(slice));
        cells.into_iter().map(|s| s.map_or((' ', ""), |s| (s.sign(), s.ansi()))).collect()
    }

    fn lock(&self, text: &mut String, process: &Process, tracks: &[usize]) {
        let cells = self.most(process.holds.iter().map(|h| (h.from, h.to, h.track)));
        // A cell in which the lock was free most of the time is free.
        let mut held = vec![0; self.cells];
        for hold in &process.holds {
            self.cover(hold.from, hold.to, |cell, ns| held[cell] += ns);
        }
        let width = self.end / self.cells as u64;
        let sign = |(cell, holder): (usize, Option<usize>)| match holder {
            Some(holder) if held[cell] * 2 >= width => {
                (tracks.iter().position(|t| *t == holder).map_or('?', letter), "1")
            }
            _ => (' ', ""),
        };
        let cells: Vec<_> = cells.into_iter().enumerate().map(sign).collect();
        self.row(text, "the lock", &cells);
    }

    fn instants(&self, text: &mut String, name: &str, process: &Process, kind: Kind) {
        let mut cells = vec![(' ', ""); self.cells];
        let mut any = false;
        for instant in process.tracks.iter().flat_map(|t| &t.instants).filter(|i| i.kind == kind) {
            self.cover(instant.at.min(self.end - 1), instant.at.min(self.end - 1) + 1, |cell, _| {
                cells[cell] = (if kind == Kind::Mark { '▲' } else { '!' }, "");
            });
            any = true;
        }
        if any {
            self.row(text, name, &cells);
        }
    }

    fn row(&self, text: &mut String, name: &str, cells: &[(char, &str)]) {
        let mut line = format!("{:<w$} │", clip(name, self.name), w = self.name);
        let mut last = "";
        for (sign, colour) in cells {
            if self.colour && *colour != last {
                let _ = write!(line, "\x1b[{}m", if colour.is_empty() { "0" } else { colour });
                last = colour;
            }
            line.push(*sign);
        }
        if !last.is_empty() {
            line.push_str("\x1b[0m");
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }

    fn scale(&self, text: &mut String) {
        let mut line = vec![' '; self.cells];
        let mut free = 0;
        for (at, label) in ticks(self.end, (self.cells / 9).max(2)) {
            let column = (u128::from(at) * self.cells as u128 / u128::from(self.end)) as usize;
            let fits = column + label.chars().count() <= self.cells;
            if column < free || !fits {
                continue;
            }
            for (i, c) in label.chars().enumerate() {
                line[column + i] = c;
            }
            free = column + label.chars().count() + 1;
        }
        let line: String = line.into_iter().collect();
        let _ = writeln!(text, "{:w$}  {}", "", line.trim_end(), w = self.name);
    }

    fn legend(&self, text: &mut String) {
        let says = [
            (State::Running, "runs with the lock"),
            (State::Holding, "in a native that keeps it"),
            (State::Ready, "waits for the lock"),
            (State::Blocked, "waits for something else"),
            (State::Outside, "works without the lock"),
        ];
        let width = self.name + 2 + self.cells;
        let (mut line, mut used) = (String::new(), 0);
        for (state, what) in says {
            let columns = what.chars().count() + 3;
            if used > 0 && used + 2 + columns > width {
                let _ = writeln!(text, "{line}");
                (line, used) = (String::new(), 0);
            }
            if used > 0 {
                line.push_str("  ");
                used += 2;
            }
            let (on, off) =
                if self.colour { (format!("\x1b[{}m", state.ansi()), "\x1b[0m") } else { (String::new(), "") };
            let sign = state.sign();
            let _ = write!(line, "{on}{sign}{sign}{off} {what}");
            used += columns;
        }
        let _ = writeln!(text, "{line}");
    }
}
