//! Which tests there are: files by their name, functions by theirs, in order of definition.

use super::{Broken, Plan, Test};
use crate::engine::trial;
use crate::world::host;
use std::path::Path;

/// Folders that are not looked into, besides hidden ones.
const PASSED_OVER: &[&str] = &["target", "build", "dist", "node_modules", "venv"];

/// What was found below the paths.
#[derive(Debug, Default)]
pub struct Collected {
    pub tests: Vec<Test>,
    pub broken: Vec<Broken>,
}

/// Collects below each path: a folder, a file, or `file.kit::test_name`. An error is wrong usage.
pub fn collect(paths: &[String], plan: &Plan) -> Result<Collected, String> {
    let mut all = Collected::default();
    for path in paths {
        let (file, name) = match path.split_once("::") {
            Some((file, name)) => (file, Some(name)),
            None => (path.as_str(), None),
        };
        if host::is_dir(Path::new(file)) && name.is_none() {
            let mut files = Vec::new();
            below(file, &mut files).map_err(|e| format!("can't read the folder '{file}': {e}"))?;
            files.iter().for_each(|f| all.add(f, None, plan));
        } else if host::is_file(Path::new(file)) {
            let before = (all.tests.len(), all.broken.len());
            all.add(file, name, plan);
            if let Some(name) = name
                && before == (all.tests.len(), all.broken.len())
                && !all.tests.iter().any(|t| t.file == file && matches(t, name))
            {
                return Err(format!("no test '{name}' in {file}"));
            }
        } else {
            return Err(format!("no file or folder '{file}'"));
        }
    }
    Ok(all)
}

/// Is it the test of this name, or one of the class of this name?
fn matches(test: &Test, name: &str) -> bool {
    test.name == name || test.name.split_once("::").is_some_and(|(class, _)| class == name)
}

impl Collected {
    fn add(&mut self, file: &str, only: Option<&str>, plan: &Plan) {
        match trial::outline(&plan.config_for(file)) {
            Ok(found) => {
                for (name, line) in found {
                    let test = Test { file: file.to_string(), name, line };
                    if only.is_none_or(|only| matches(&test, only)) && !self.tests.contains(&test) {
                        self.tests.push(test);
                    }
                }
            }
            Err(e) if self.broken.iter().all(|b| b.file != file) => {
                self.broken.push(Broken { file: file.to_string(), text: e.render(plan.config.colour) });
            }
            Err(_) => {}
        }
    }
}

/// The test files below a folder, sorted.
fn below(folder: &str, files: &mut Vec<String>) -> std::io::Result<()> {
    for name in host::list_dir(Path::new(folder))? {
        let path = match folder {
            "." => name.clone(),
            _ => format!("{}/{name}", folder.trim_end_matches('/')),
        };
        if host::is_dir(Path::new(&path)) {
            if !name.starts_with('.') && !PASSED_OVER.contains(&name.as_str()) {
                below(&path, files)?;
            }
        } else if is_test_file(&name) {
            files.push(path);
        }
    }
    Ok(())
}

fn is_test_file(name: &str) -> bool {
    name.strip_suffix(".kit").is_some_and(|stem| stem.starts_with("test_") || stem.ends_with("_test"))
}

#[cfg(test)]
mod tests {
    use super::is_test_file;

    #[test]
    fn names_of_test_files() {
        for (name, is) in [
            ("test_a.kit", true),
            ("a_test.kit", true),
            ("test.kit", false),
            ("testa.kit", false),
            ("test_a.py", false),
            ("a.kit", false),
        ] {
            assert_eq!(is_test_file(name), is, "{name}");
        }
    }
}
