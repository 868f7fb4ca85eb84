//! A timeline as one HTML file that loads nothing: the data, a canvas to draw them, zoom and hover.

use super::svg::{THREADS, escape};
use super::{heading, process_heading, shown};
use crate::explore::trace::{Kind, Process, State, Timeline};
use serde_json::{Value as Json, json};

const PAGE: &str = include_str!("page.html");

/// The page for one or more timelines.
pub fn html(timelines: &[&Timeline]) -> String {
    let title: Vec<String> = timelines.iter().map(|t| t.script.clone()).collect();
    let data = json!({
        "end": timelines.iter().map(|t| t.end).max().unwrap_or(0).max(1),
        "states": State::ALL.iter().map(|s| json!([s.word(), s.doc(), s.colours().0, s.colours().1])).collect::<Vec<_>>(),
        "threads": THREADS,
        "runs": timelines.iter().map(|t| run(t)).collect::<Vec<_>>(),
    });
    // What ends a script element may not stand in one.
    let data = data.to_string().replace("</", "<\\/").replace("<!--", "<\\!--");
    PAGE.replace("@TITLE@", &escape(&title.join(", "))).replace("@DATA@", &data)
}

fn run(t: &Timeline) -> Json {
    json!({ "heading": heading(t), "processes": t.processes.iter().map(|p| process(t, p)).collect::<Vec<_>>() })
}

fn process(t: &Timeline, p: &Process) -> Json {
    let (tracks, hidden) = shown(p);
    let place = |n: usize| tracks.iter().position(|t| *t == n);
    let row = |n: &usize| {
        let track = &p.tracks[*n];
        // Numbers, not objects: a long run has many slices.
        let slices = track.slices.iter().map(|s| {
            let line = s.place.as_ref().map_or(0, |p| p.line);
            let function = s.place.as_ref().map_or("", |p| &*p.function);
            json!([s.from, s.to - s.from, s.state as u32, &*s.what, line, function])
        });
        let instants = track
            .instants
            .iter()
            .map(|i| json!([i.at, i.kind.word(), &*i.text, i.place.as_ref().map_or(0, |p| p.line)]));
        json!({ "name": track.name, "slices": slices.collect::<Vec<_>>(), "instants": instants.collect::<Vec<_>>() })
    };
    let holds =
        p.holds.iter().map(|h| json!([h.from, h.to - h.from, place(h.track), p.tracks[h.track].name, &*h.cause]));
    let marks = p.tracks.iter().flat_map(|t| &t.instants).any(|i| i.kind == Kind::Mark);
    json!({
        "heading": process_heading(t, p),
        "lock": p.policy != "off",
        "marks": marks,
        "hidden": hidden,
        "tracks": tracks.iter().map(row).collect::<Vec<_>>(),
        "holds": holds.collect::<Vec<_>>(),
    })
}
