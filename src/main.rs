//! Kit's command line.
fn main() {
    let path = std::env::args().nth(1).expect("file");
    let sim = std::env::args().any(|a| a == "--sim");
    let config = kit::engine::Config {
        script: kit::engine::Script::File(path.into()),
        argv: vec!["x".into()],
        gil: kit::gil::GilConfig { signals: true, world: if sim { kit::gil::World::Sim { seed: None } } else { kit::gil::World::Real }, ..Default::default() },
        every_safe_point: false,
        stats: true,
        colour: false,
    };
    let o = kit::engine::run(config).expect("runs");
    if let Some(s) = o.stats { eprintln!("{}", s.render()); }
    std::process::exit(o.code);
}
