//! What a copy of this binary is started for: the first frame on its channel, as JSON.
//!
//! A *job* names its role (the child process of a script, one test, one run of a sweep) and carries the
//! whole configuration, so that a child inherits policy, interval, world and script without arguments that
//! a script's user would see in a process list. What follows the first frame belongs to the role.

use super::config::{Config, Script};
use super::template;
use crate::gil::World;
use crate::world::channel::Channel;
use crate::world::child::{self, Child, OnExit, Spec, Stream};
use crate::world::disk::Writes;
use crate::world::host;
use serde_json::{Value as Json, json};
use std::io;

/// The hidden command that makes `kit` a worker. The command line dispatches it to the roles.
pub const COMMAND: &str = "__worker";

/// A job.
#[derive(Clone, Debug)]
pub struct Job {
    /// A row of the command line's table of roles.
    pub role: &'static str,
    pub config: Config,
    /// What else the role must know.
    pub extra: Json,
    /// What a template for this job's worker must know; without it the worker starts from the beginning.
    pub template: Option<Json>,
}

/// A job as its worker receives it.
#[derive(Debug)]
pub struct Received {
    pub role: String,
    pub config: Config,
    pub extra: Json,
    pub channel: Channel,
}

impl Job {
    /// Starts a copy of this binary on the job. Our end of the channel is in the `Child`.
    pub fn start(&self, stdout: Stream, stderr: Stream, on_exit: OnExit) -> io::Result<Child> {
        let template = self.template.as_ref().map(|extra| self.frame(template::ROLE, extra));
        let spec = Spec { args: vec![COMMAND.to_string()], env: vec![], stdout, stderr, template };
        let child = child::start(spec, on_exit)?;
        if let Some(channel) = &child.channel {
            sent(channel.send(&self.frame(self.role, &self.extra)))?;
        }
        Ok(child)
    }

    fn frame(&self, role: &str, extra: &Json) -> Vec<u8> {
        let config = config_json(&self.config);
        json!({ "parent": host::process_id(), "role": role, "config": config, "extra": extra }).to_string().into()
    }
}

/// The result of sending to a child, where a child that has ended meanwhile is no error: `on_exit` tells of
/// it, and nobody waits for what it never sent.
pub fn sent(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(e) if matches!(e.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset) => Ok(()),
        other => other,
    }
}

/// For the person who typed the hidden command.
pub fn by_hand() -> String {
    format!("'{COMMAND}' is how kit starts itself; it is not a command to type")
}

/// In the worker: takes the channel. An error is a text for the person who typed the hidden command by hand.
pub fn channel() -> Result<Channel, String> {
    Channel::inherited().map_err(|_| by_hand())
}

/// Reads the job, ties this process's life to its parent's. `None`: the other end is closed.
pub fn receive(channel: Channel) -> Result<Option<Received>, String> {
    let Some(frame) = channel.receive().map_err(|_| by_hand())? else { return Ok(None) };
    let job: Json = serde_json::from_slice(&frame).map_err(|_| by_hand())?;
    let parent = job["parent"].as_u64().and_then(|p| u32::try_from(p).ok()).ok_or_else(by_hand)?;
    child::die_with_parent(parent).map_err(|e| format!("this process cannot be tied to its parent: {e}"))?;
    Ok(Some(Received {
        role: job["role"].as_str().ok_or_else(by_hand)?.to_string(),
        config: config_from(&job["config"]).ok_or_else(by_hand)?,
        extra: job["extra"].clone(),
        channel,
    }))
}

fn config_json(c: &Config) -> Json {
    let script = match &c.script {
        Script::File(path) => json!({ "file": path.to_string_lossy() }),
        Script::Text { name, bytes } => json!({ "name": name, "text": String::from_utf8_lossy(bytes) }),
    };
    let (sim, seed) = match c.gil.world {
        World::Real => (false, None),
        World::Sim { seed } => (true, seed),
    };
    json!({
        "script": script,
        "argv": c.argv,
        "params": c.params,
        "gil": c.gil.policy,
        "interval_us": c.gil.interval_us,
        "sim": sim,
        "seed": seed,
        "unit_cost": c.gil.unit_cost,
        "signals": c.gil.signals,
        "every_safe_point": c.every_safe_point,
        "stats": c.stats,
        "trace": c.trace,
        "counts": c.counts,
        "sim_fs": c.sim_fs.word(),
        "colour": c.colour,
    })
}

fn config_from(j: &Json) -> Option<Config> {
    let script = match j["script"]["file"].as_str() {
        Some(file) => Script::File(file.into()),
        None => Script::Text {
            name: j["script"]["name"].as_str()?.to_string(),
            bytes: j["script"]["text"].as_str()?.as_bytes().to_vec(),
        },
    };
    let argv = j["argv"].as_array()?.iter().map(|a| a.as_str().map(str::to_string)).collect::<Option<Vec<_>>>()?;
    let params = serde_json::from_value(j["params"].clone()).ok()?;
    let world = if j["sim"].as_bool()? { World::Sim { seed: j["seed"].as_u64() } } else { World::Real };
    Some(Config {
        script,
        argv,
        params,
        gil: crate::gil::GilConfig {
            policy: j["gil"].as_str()?.to_string(),
            interval_us: j["interval_us"].as_u64(),
            world,
            unit_cost: j["unit_cost"].as_u64()?,
            signals: j["signals"].as_bool()?,
            // The process makes its own.
            trace: None,
        },
        every_safe_point: j["every_safe_point"].as_bool()?,
        stats: j["stats"].as_bool()?,
        trace: j["trace"].as_str().map(Into::into),
        counts: j["counts"].as_str().map(Into::into),
        sim_fs: Writes::named(j["sim_fs"].as_str()?)?,
        colour: j["colour"].as_bool()?,
    })
}

#[cfg(test)]
mod tests {
    use super::{config_from, config_json};
    use crate::engine::{Config, Script};
    use crate::gil::{GilConfig, World};
    use crate::world::disk::Writes;

    #[test]
    fn a_configuration_travels_whole() {
        for script in [
            Script::File("a/b.kit".into()),
            Script::Text { name: "<string>".into(), bytes: "print('ä')".as_bytes().to_vec() },
        ] {
            let gil = GilConfig {
                policy: "cpython".into(),
                interval_us: Some(700),
                world: World::Sim { seed: Some(u64::MAX) },
                unit_cost: 3,
                signals: true,
                trace: None,
            };
            let argv = vec!["-c".to_string(), String::new()];
            let params = vec![("n".to_string(), "1,2".to_string())];
            let c = Config {
                script,
                argv,
                params,
                gil,
                every_safe_point: true,
                stats: true,
                trace: Some("/tmp/t".into()),
                counts: Some("/tmp/c".into()),
                sim_fs: Writes::Deny,
                colour: true,
            };
            let back = config_from(&config_json(&c)).unwrap();
            assert_eq!(format!("{back:?}"), format!("{c:?}"));
        }
    }
}
