//! A timeline as an SVG picture; also what the HTML page shows first.

use super::{heading, length, process_heading, shown, ticks};
use crate::explore::trace::{Instant, Kind, Process, Slice, State, Timeline};
use crate::trace::Spot;
use crate::world::Nanos;
use std::fmt::Write;

/// Sizes in pixels.
const WIDTH: f64 = 1100.0;
const NAME: f64 = 170.0;
const RIGHT: f64 = 18.0;
const ROW: f64 = 24.0;
const BAR: f64 = 16.0;
/// What is narrower is not drawn by itself.
const NARROW: f64 = 0.35;
/// Characters of a name that fit its column.
const NAME_CHARS: usize = 23;
/// Marks whose texts are drawn.
const MARKS_MAX: usize = 40;

/// Colours of the threads in the lock's row, and in the page.
pub const THREADS: [&str; 10] =
    ["#4878cf", "#d65f5f", "#6acc65", "#b47cc7", "#c4ad66", "#77bedb", "#e8884a", "#8c613c", "#d684bd", "#7f7f7f"];

/// One or more timelines below each other with one scale.
pub fn svg(timelines: &[&Timeline]) -> String {
    let drawing = Drawing::of(timelines);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{h}\" viewBox=\"0 0 {WIDTH} {h}\" \
         font-family=\"system-ui, 'DejaVu Sans', sans-serif\" font-size=\"12\">\n<style>\n{}</style>\n\
         <rect class=\"ground\" width=\"{WIDTH}\" height=\"{h}\"/>\n{}</svg>\n",
        style(),
        drawing.text,
        h = drawing.y
    )
}

/// The colours, for a light ground and a dark one.
pub fn style() -> String {
    let mut light = String::from(
        ".ground{fill:#ffffff}text{fill:#24292f}.faint{fill:#6e7781}.grid{stroke:#e3e6ea}.arrow{stroke:#57606a}.ask{fill:#d9453d}.mark{fill:#8250df}\n",
    );
    let mut dark = String::from(
        ".ground{fill:#15191e}text{fill:#dfe4ea}.faint{fill:#8b949e}.grid{stroke:#2a3037}.arrow{stroke:#9aa4af}.ask{fill:#ff7b72}.mark{fill:#c297ff}\n",
    );
    for state in State::ALL {
        let (on_light, on_dark) = state.colours();
        let _ = write!(light, ".{}{{fill:{on_light}}}", state.word());
        let _ = write!(dark, ".{}{{fill:{on_dark}}}", state.word());
    }
    for (n, colour) in THREADS.iter().enumerate() {
        let _ = write!(light, ".t{n}{{fill:{colour}}}");
    }
    format!(
        "{light}\nrect{{shape-rendering:crispEdges}}.in{{fill:#ffffff;font-size:10px;pointer-events:none}}.head{{font-size:14px;font-weight:600}}\n@media (prefers-color-scheme: dark){{{dark}}}\n"
    )
}

/// Text inside XML.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if (c as u32) < 32 => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

fn clip(text: &str, chars: usize) -> String {
    if text.chars().count() <= chars {
        return text.to_string();
    }
    let kept: String = text.chars().take(chars.saturating_sub(1)).collect();
    format!("{kept}…")
}

fn at(place: Option<&Spot>) -> String {
    match place {
        None => String::new(),
        Some(p) if p.function.is_empty() || &*p.function == "<module>" => format!(", line {}", p.line),
        Some(p) => format!(", line {} in {}()", p.line, p.function),
    }
}

struct Drawing {
    text: String,
    y: f64,
    end: Nanos,
}

impl Drawing {
    fn of(timelines: &[&Timeline]) -> Drawing {
        let end = timelines.iter().map(|t| t.end).max().unwrap_or(0).max(1);
        let mut drawing = Drawing { text: String::new(), y: 12.0, end };
        for t in timelines {
            drawing.timeline(t);
        }
        drawing.legend();
        drawing
    }

    fn x(&self, at: Nanos) -> f64 {
        NAME + (WIDTH - NAME - RIGHT) * at as f64 / self.end as f64
    }

    fn put(&mut self, text: std::fmt::Arguments) {
        let _ = self.text.write_fmt(text);
        self.text.push('\n');
    }

    fn timeline(&mut self, t: &Timeline) {
        self.y += 14.0;
        let y = self.y;
        self.put(format_args!("<text class=\"head\" x=\"12\" y=\"{y}\">{}</text>", escape(&clip(&heading(t), 120))));
        self.y += 10.0;
        for process in &t.processes {
            self.process(t, process);
        }
        self.y += 8.0;
    }

    fn process(&mut self, t: &Timeline, process: &Process) {
        if let Some(name) = process_heading(t, process) {
            self.y += 18.0;
            let y = self.y;
            self.put(format_args!("<text x=\"12\" y=\"{y}\" font-weight=\"600\">{}</text>", escape(&clip(&name, 60))));
        }
        let (tracks, hidden) = shown(process);
        let marks = process.tracks.iter().flat_map(|t| &t.instants).filter(|i| i.kind == Kind::Mark);
        let marks: Vec<Instant> = marks.take(MARKS_MAX).cloned().collect();
        let lock = usize::from(process.policy != "off");
        let marks_row = usize::from(!marks.is_empty());
        let top = self.y + 22.0;
        self.scale(top, (lock + tracks.len() + marks_row) as f64 * ROW);
        self.y = top + 4.0;
        let lock_y = self.y;
        if lock == 1 {
            self.lock(process, &tracks);
        }
        let first = self.y;
        for (n, track) in tracks.iter().enumerate() {
            self.track(process, *track, n);
        }
        if lock == 1 {
            self.arrows(process, &tracks, first);
            self.asked(process, lock_y);
        }
        if marks_row == 1 {
            self.marks(&marks, first);
        }
        if hidden > 0 {
            let y = self.y + 14.0;
            self.put(format_args!("<text class=\"faint\" x=\"12\" y=\"{y}\">and {hidden} more threads</text>"));
            self.y += ROW;
        }
    }

    fn scale(&mut self, top: f64, height: f64) {
        for (at, label) in ticks(self.end, 10) {
            let (x, y) = (self.x(at), top - 5.0);
            let (bottom, anchor) = (top + height + 4.0, if x > WIDTH - 40.0 { "end" } else { "middle" });
            self.put(format_args!("<line class=\"grid\" x1=\"{x:.2}\" x2=\"{x:.2}\" y1=\"{top}\" y2=\"{bottom}\"/>"));
            self.put(format_args!(
                "<text class=\"faint\" x=\"{x:.2}\" y=\"{y}\" text-anchor=\"{anchor}\">{label}</text>"
            ));
        }
    }

    fn name(&mut self, name: &str) {
        let y = self.y + 13.0;
        let short = escape(&clip(name, NAME_CHARS));
        self.put(format_args!("<text x=\"12\" y=\"{y}\">{short}<title>{}</title></text>", escape(name)));
    }

    /// A bar with its explanation; a label inside if there is room.
    fn bar(&mut self, (from, to): (Nanos, Nanos), class: &str, label: &str, title: &str) {
        let (x, y) = (self.x(from), self.y + 1.0);
        let width = (self.x(to) - x).max(NARROW);
        let title = escape(title);
        self.put(format_args!(
            "<rect class=\"{class}\" x=\"{x:.2}\" y=\"{y}\" width=\"{width:.2}\" height=\"{BAR}\"><title>{title}</title></rect>"
        ));
        // About six pixels a character.
        let room = ((width - 8.0) / 6.0).max(0.0) as usize;
        if room >= 4 && !label.is_empty() {
            let label = escape(&clip(label, room));
            let (x, y) = (x + 4.0, y + 12.0);
            self.put(format_args!("<text class=\"in\" x=\"{x:.2}\" y=\"{y}\">{label}</text>"));
        }
    }

    fn lock(&mut self, process: &Process, tracks: &[usize]) {
        self.name("the lock");
        // Holds too narrow to be seen stand for what begins within the same pixel.
        let mut drawn = f64::MIN;
        for hold in &process.holds {
            let (from, to) = (self.x(hold.from), self.x(hold.to));
            if to - from < NARROW && from - drawn < NARROW {
                continue;
            }
            drawn = to;
            let n = tracks.iter().position(|t| *t == hold.track);
            let class = n.map_or("faint".to_string(), |n| format!("t{}", n % THREADS.len()));
            let name = &process.tracks[hold.track].name;
            let cause = match &*hold.cause {
                "request" => "let go when asked",
                "yield" => "yielded",
                "exit" => "ended",
                _ => "let go in order to wait",
            };
            let title = format!(
                "{name} had the lock for {} from {} on; {cause}",
                length(hold.to - hold.from),
                length(hold.from)
            );
            self.bar((hold.from, hold.to), &class, name, &title);
        }
        self.y += ROW;
    }

    fn track(&mut self, process: &Process, at: usize, n: usize) {
        let track = &process.tracks[at];
        let y = self.y + 4.0;
        self.put(format_args!("<rect class=\"t{}\" x=\"2\" y=\"{y}\" width=\"5\" height=\"10\"/>", n % THREADS.len()));
        self.name(&track.name);
        let mut slices = track.slices.iter().peekable();
        while let Some(slice) = slices.next() {
            // Slices that are too narrow merge into one that shows what most of them are.
            let mut group = vec![slice];
            if self.x(slice.to) - self.x(slice.from) < NARROW {
                while let Some(next) = slices.next_if(|s| {
                    self.x(s.to) - self.x(s.from) < NARROW && self.x(s.to) - self.x(slice.from) < 2.0 * NARROW
                }) {
                    group.push(next);
                }
            }
            self.slices(&track.name, &group);
        }
        self.y += ROW;
    }

    fn slices(&mut self, name: &str, group: &[&Slice]) {
        let Some(most) = group.iter().max_by_key(|s| s.to - s.from) else { return };
        let (from, to) = (group[0].from, group[group.len() - 1].to);
        let label = if matches!(most.state, State::Holding | State::Outside) { &*most.what } else { "" };
        self.bar((from, to), most.state.word(), label, &says(name, most));
    }

    /// From who let go to who got the lock.
    fn arrows(&mut self, process: &Process, tracks: &[usize], first: f64) {
        let row = |track: usize| tracks.iter().position(|t| *t == track).map(|n| first + n as f64 * ROW + 9.0);
        let mut last = f64::MIN;
        for pair in process.holds.windows(2) {
            let (Some(from), Some(to)) = (row(pair[0].track), row(pair[1].track)) else { continue };
            let x = self.x(pair[1].from);
            // More would be a grey area.
            if pair[0].track == pair[1].track || pair[1].from - pair[0].to > self.end / 500 || x - last < 6.0 {
                continue;
            }
            last = x;
            let tip = if to > from { to - 8.0 } else { to + 8.0 };
            let back = if to > from { tip - 4.0 } else { tip + 4.0 };
            let (a, b) = (x - 2.5, x + 2.5);
            self.put(format_args!(
                "<path class=\"arrow\" fill=\"none\" d=\"M{x:.2} {from} V{tip} M{a:.2} {back} L{x:.2} {tip} L{b:.2} {back}\"/>"
            ));
        }
    }

    /// Requests, as small triangles under the lock's bar.
    fn asked(&mut self, process: &Process, y: f64) {
        let y = y + BAR + 1.5;
        let mut last = f64::MIN;
        let mut all: Vec<(Nanos, String)> = Vec::new();
        for track in &process.tracks {
            for i in track.instants.iter().filter(|i| i.kind == Kind::Request) {
                let by = if i.text.is_empty() { String::new() } else { format!(" by {}", i.text) };
                all.push((i.at, format!("{} was asked to let go{by} at {}", track.name, length(i.at))));
            }
        }
        all.sort();
        for (at, title) in all {
            let x = self.x(at);
            if x - last < 3.0 {
                continue;
            }
            last = x;
            let (a, b, bottom) = (x - 3.0, x + 3.0, y + 5.0);
            let title = escape(&title);
            self.put(format_args!(
                "<path class=\"ask\" d=\"M{x:.2} {y} L{a:.2} {bottom} L{b:.2} {bottom} Z\"><title>{title}</title></path>"
            ));
        }
    }

    fn marks(&mut self, marks: &[Instant], first: f64) {
        self.name("marks");
        let (y, mut free) = (self.y + 13.0, 0.0);
        for mark in marks {
            let x = self.x(mark.at);
            let (top, bottom) = (first, y - 11.0);
            self.put(format_args!(
                "<line x1=\"{x:.2}\" x2=\"{x:.2}\" y1=\"{top}\" y2=\"{bottom}\" stroke=\"#8250df\" stroke-dasharray=\"2 3\"/>"
            ));
            let title = format!("{} at {}{}", mark.text, length(mark.at), at(mark.place.as_ref()));
            let (a, b, base) = (x - 4.0, x + 4.0, y - 3.0);
            self.put(format_args!(
                "<path class=\"mark\" d=\"M{x:.2} {bottom} L{a:.2} {base} L{b:.2} {base} Z\"><title>{}</title></path>",
                escape(&title)
            ));
            // The text, if it does not run into the one before or over the edge.
            let text = clip(&mark.text, 30);
            let width = text.chars().count() as f64 * 7.0;
            if x + 7.0 > free && x + 7.0 + width < WIDTH {
                let x = x + 7.0;
                self.put(format_args!("<text class=\"faint\" x=\"{x:.2}\" y=\"{y}\">{}</text>", escape(&text)));
                free = x + width + 8.0;
            }
        }
        self.y += ROW;
    }

    fn legend(&mut self) {
        self.y += 22.0;
        let (mut x, y) = (NAME, self.y);
        for state in State::ALL {
            let (top, word) = (y - 10.0, state.word());
            let (text, doc) = (x + 18.0, escape(state.doc()));
            self.put(format_args!("<rect class=\"{word}\" x=\"{x}\" y=\"{top}\" width=\"13\" height=\"12\"/>"));
            self.put(format_args!("<text class=\"faint\" x=\"{text}\" y=\"{y}\">{word}<title>{doc}</title></text>"));
            x += 40.0 + word.len() as f64 * 7.5;
        }
        let (top, bottom, b) = (y - 8.0, y - 1.0, x + 8.0);
        let (middle, text) = (x + 4.0, x + 14.0);
        self.put(format_args!("<path class=\"ask\" d=\"M{middle} {top} L{x} {bottom} L{b} {bottom} Z\"/>"));
        self.put(format_args!("<text class=\"faint\" x=\"{text}\" y=\"{y}\">request to let go</text>"));
        self.y += 14.0;
    }
}

/// A slice in words.
pub fn says(name: &str, slice: &Slice) -> String {
    let place = at(slice.place.as_ref());
    let what = match slice.state {
        State::Running => "ran with the lock".to_string(),
        State::Holding => format!("kept the lock in {}", if slice.what.is_empty() { "a native" } else { &slice.what }),
        State::Ready => "waited for the lock".to_string(),
        State::Blocked => format!("waited: {}", slice.what),
        State::Outside => format!("worked without the lock: {}", slice.what),
        State::Starting => "had not begun".to_string(),
    };
    format!("{name} {what}{place}; {} from {} on", length(slice.to - slice.from), length(slice.from))
}
