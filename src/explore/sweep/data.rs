//! A sweep for programs: JSON (one document with all runs) and CSV (one line for each run). Times are in
//! seconds, intervals in microseconds.

use super::columns::Column;
use super::figures::FIGURES;
use super::{Combination, Sweep};
use crate::engine::Script;
use crate::explore::statistics::Summary;
use crate::gil::World;
use crate::world::host;
use serde_json::{Map, Value as Json, json};

impl Sweep {
    pub fn json(&self) -> Json {
        let columns = self.columns();
        let script = match &self.config.script {
            Script::File(path) => path.to_string_lossy().into_owned(),
            Script::Text { name, .. } => name.clone(),
        };
        let column = |c: &Column| json!({ "key": c.key, "better": c.better.map(|b| b.word()) });
        json!({
            "kit": env!("CARGO_PKG_VERSION"),
            "script": script,
            "args": self.config.argv.get(1..).unwrap_or_default(),
            "simulated": self.config.gil.world != World::Real,
            "cores": host::cores(),
            "repeat": self.plan.repeat,
            "columns": columns.iter().map(column).collect::<Vec<_>>(),
            "combinations": (0..self.plan.combinations.len()).map(|at| self.row(&columns, at)).collect::<Vec<_>>(),
            "runs": (0..self.plan.runs.len()).map(|at| self.run(at)).collect::<Vec<_>>(),
            "best": columns.iter().filter_map(best).collect::<Vec<_>>(),
            "warnings": self.warnings(),
        })
    }

    fn row(&self, columns: &[Column], at: usize) -> Json {
        let mut row = settings(&self.plan.combinations[at]);
        let cell = |c: &Column| c.cells[at].as_ref().map(|s| (c.key.clone(), summary(s)));
        row.insert("summary".to_string(), Json::Object(columns.iter().filter_map(cell).collect()));
        Json::Object(row)
    }

    fn run(&self, at: usize) -> Json {
        let (run, measured) = (&self.plan.runs[at], &self.measured[at]);
        let figures = FIGURES.iter().zip(&measured.figures).map(|(f, v)| (f.key.to_string(), json!(v)));
        let metrics = measured.metrics.iter().map(|(name, m)| (name.clone(), json!(m.value)));
        json!({
            "combination": run.combination,
            "repeat": run.repeat + 1,
            "seed": run.seed,
            "figures": Json::Object(figures.collect()),
            "metrics": Json::Object(metrics.collect()),
            "stats": measured.stats,
            "children": measured.children,
        })
    }

    /// With a heading line; columns of parameters and metrics are `param.NAME` and `metric.NAME`.
    pub fn csv(&self) -> String {
        let metrics = self.metrics();
        let mut heading: Vec<String> = ["run", "repeat", "seed", "gil", "interval_us"].map(String::from).to_vec();
        heading.extend(self.plan.combinations[0].params.iter().map(|(name, _)| format!("param.{name}")));
        heading.extend(FIGURES.iter().map(|f| f.key.to_string()));
        heading.extend(metrics.keys().map(|name| format!("metric.{name}")));
        let mut text = line(&heading);
        for (at, (run, measured)) in self.plan.runs.iter().zip(&self.measured).enumerate() {
            let combination = &self.plan.combinations[run.combination];
            let or_empty = |n: Option<u64>| n.map_or(String::new(), |n| n.to_string());
            let mut row = vec![(at + 1).to_string(), (run.repeat + 1).to_string(), or_empty(run.seed)];
            row.extend([combination.policy.to_string(), or_empty(combination.interval_us)]);
            row.extend(combination.params.iter().map(|(_, value)| value.clone()));
            row.extend(measured.figures.iter().map(f64::to_string));
            let metric = |name: &&str| measured.metrics.get(*name).map_or(String::new(), |m| m.value.to_string());
            row.extend(metrics.keys().map(metric));
            text.push_str(&line(&row));
        }
        text
    }
}

fn settings(c: &Combination) -> Map<String, Json> {
    let params = c.params.iter().map(|(name, value)| (name.clone(), json!(value)));
    let mut row = Map::new();
    row.insert("gil".to_string(), json!(c.policy));
    row.insert("interval_us".to_string(), json!(c.interval_us));
    row.insert("params".to_string(), Json::Object(params.collect()));
    row
}

fn summary(s: &Summary) -> Json {
    json!({ "runs": s.runs, "median": s.median, "q1": s.q1, "q3": s.q3, "min": s.min, "max": s.max })
}

fn best(column: &Column) -> Option<Json> {
    let best = column.best()?;
    Some(json!({ "column": column.key, "combinations": best.at, "within_spread": best.alike }))
}

/// One line as RFC 4180 has it, but with a plain line end.
fn line(fields: &[String]) -> String {
    let quoted = |field: &String| match field.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", field.replace('"', "\"\"")),
        false => field.clone(),
    };
    format!("{}\n", fields.iter().map(quoted).collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn fields_are_quoted_where_they_must_be() {
        let fields = ["a", "b c", "d,e", "f\"g", ""].map(String::from);
        assert_eq!(line(&fields), "a,b c,\"d,e\",\"f\"\"g\",\n");
    }
}
