//! `kit test` as a user meets it: the built binary on the fixtures of `tests/ktest/`.

#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // tests start processes

use serde_json::Value as Json;
use std::process::Command;

fn run(args: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kit"));
    command.arg("test").args(args).current_dir(env!("CARGO_MANIFEST_DIR"));
    command.env_remove("KIT_GIL").env_remove("KIT_SWITCH_INTERVAL");
    let output = command.output().expect("kit starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

/// The result as data, with the exit code checked against it.
fn data(args: &[&str]) -> (i32, Json) {
    let mut all = vec!["--json"];
    all.extend(args);
    let (code, out, err) = run(&all);
    let data: Json = serde_json::from_str(&out).unwrap_or_else(|e| panic!("{e}\n{out}\n{err}"));
    assert_eq!(data["exit_code"], code);
    (code, data)
}

fn test<'a>(data: &'a Json, name: &str) -> &'a Json {
    let tests = data["tests"].as_array().expect("a list");
    tests.iter().find(|t| t["name"] == name).unwrap_or_else(|| panic!("{name} in {data}"))
}

fn text<'a>(data: &'a Json, name: &str) -> &'a str {
    test(data, name)["text"].as_str().expect("a text")
}

#[test]
fn passing_tests_in_both_worlds() {
    for world in [&["tests/ktest"][..], &["--sim", "tests/ktest"], &["-j", "2", "tests/ktest"]] {
        let (code, out, err) = run(world);
        assert_eq!(code, 0, "{out}{err}");
        assert!(out.contains("collected 6 tests") && out.contains("test_good.kit ......  "), "{out}");
        assert!(out.contains("[100%]") && out.contains("= 6 passed in "), "{out}");
        assert!(!out.contains('\x1b') && err.is_empty(), "{out}{err}");
    }
}

#[test]
fn a_failed_assertion_tells_its_parts() {
    let (code, d) = data(&["tests/ktest/failing.kit"]);
    assert_eq!(code, 1);
    let after = |name: &str| text(&d, name).split_once("AssertionError: ").expect("its error").1.to_string();
    assert_eq!(after("test_sum"), "assert 4 == 5\n  where 4 = 3 + 1\n  where 5 = f(3)\n");
    assert!(text(&d, "test_sum").contains("    assert a + 1 == f(b)\n"));
    assert_eq!(
        after("test_parts"),
        "assert 3 == 3 and 2 == 2 and not (3 == 3)\n  where 3 = p.x\n  where [1, 2] = d['k']\n  \
         where 2 = d[\"k\"][1]\n  where 3 = f(1)\n"
    );
    assert_eq!(after("test_chain_and_message"), "x is 5\nassert 1 < 5 < 3\n");
    assert!(after("test_lists").ends_with("\n  they differ at index 17: 17 and 0\n"));
    assert_eq!(after("test_once"), "assert 'x' not in 'xyz'\n");
    assert_eq!(after("test_did_not_raise"), "DID NOT RAISE <class 'KeyError'>\n");
    assert_eq!(test(&d, "test_parts")["stdout"], "to stdout\n");
    assert_eq!(test(&d, "test_parts")["stderr"], "to stderr\n");
    assert_eq!(test(&d, "test_skipped")["verdict"], "skipped");
}

#[test]
fn without_kit_test_an_assertion_is_bare() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kit"));
    let output = command.args(["run", "-c", "assert 1 + 1 == 3"]).output().expect("kit starts");
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(err.ends_with("AssertionError\n"), "{err}");
}

#[test]
fn selection() {
    let names = |args: &[&str]| -> Vec<String> {
        let d = data(args).1;
        let tests = d["tests"].as_array().expect("a list").clone();
        tests.iter().map(|t| t["name"].as_str().expect("a name").to_string()).collect()
    };
    assert_eq!(names(&["tests/ktest", "-k", "raises or approx"]), ["test_raises", "test_approx"]);
    assert_eq!(names(&["tests/ktest", "-k", "fresh and not again"]), ["TestClass::test_fresh"]);
    assert_eq!(names(&["tests/ktest/test_good.kit::test_approx"]), ["test_approx"]);
    assert_eq!(names(&["tests/ktest/test_good.kit::TestClass"]).len(), 2);
    assert_eq!(names(&["-x", "tests/ktest/failing.kit"]), ["test_sum"]);
}

#[test]
fn exit_codes_of_what_is_not_there() {
    for (args, says) in [
        (&["tests/ktest", "-k", "nothing_like_it"][..], "no tests ran"),
        (&["no/such/folder"], "no file or folder 'no/such/folder'"),
        (&["tests/ktest/test_good.kit::nope"], "no test 'nope'"),
        (&["-k", "a and", "tests/ktest"], "a name is missing"),
        (&["--seed", "1"], "--sim"),
        (&["--gil", "nope"], "unknown lock policy"),
    ] {
        let (code, out, err) = run(args);
        assert_eq!(code, 2, "{args:?} {out}{err}");
        assert!((out + &err).contains(says), "{args:?}");
    }
}

#[test]
fn a_file_that_does_not_compile_is_an_error_and_the_rest_runs() {
    let (code, out, _) = run(&["tests/ktest/broken.kit", "tests/ktest/test_good.kit"]);
    assert_eq!(code, 1);
    assert!(out.contains("ERROR collecting tests/ktest/broken.kit") && out.contains("broken.kit:1:12"), "{out}");
    assert!(out.contains("6 passed, 1 error in"), "{out}");
}

#[test]
fn tests_that_hang_or_die_fail() {
    let (code, d) = data(&["--timeout", "3", "tests/ktest/dying.kit"]);
    assert_eq!(code, 1);
    assert_eq!(test(&d, "test_fine")["verdict"], "passed");
    assert!(text(&d, "test_hangs").contains("did not end within 3 s"));
    assert!(text(&d, "test_deadlock").contains("deadlock"));
    assert!(text(&d, "test_leaves").contains("SystemExit: 3"));
}

/// In simulation a planted slow-down of 30 ms is found to the nanosecond, and its line is named.
#[test]
fn a_planted_slow_down_is_found_and_its_line_named() {
    let (code, d) = data(&["--sim", "tests/ktest/slow.kit"]);
    assert_eq!(code, 1);
    let report = text(&d, "test_dinner");
    for part in ["expected 0.400 s, took 0.430000000 s", "0.430 s  slept", "line 11 in fry() (0.130 s)", "likely:"] {
        assert!(report.contains(part), "{part} in\n{report}");
    }
    assert!(text(&d, "test_too_short").contains("expected at least 0.500 s, took 0.300000000 s"));
    assert_eq!(test(&d, "test_exact")["verdict"], "passed");
    assert_eq!(test(&d, "test_exact")["elapsed_ns"], 300_000_000);
    let (_, d) = data(&["tests/ktest/slow.kit::test_exact"]);
    assert!(text(&d, "test_exact").contains("exact durations exist only with --sim"));
}

/// What the machine leaves open is tried again, never passed, and has an exit code of its own.
#[test]
fn inconclusive_is_neither_passed_nor_failed() {
    let (code, d) = data(&["tests/ktest/unsure.kit"]);
    assert_eq!(code, 75);
    let unsure = test(&d, "test_unsure");
    assert_eq!((&unsure["verdict"], &unsure["attempts"]), (&Json::from("inconclusive"), &Json::from(2)));
    assert_eq!(test(&d, "test_fine")["verdict"], "passed");
    let (code, out, _) = run(&["--strict-timing", "tests/ktest/unsure.kit"]);
    assert!(code == 1 && out.contains("1 failed, 1 passed in"), "{out}");
}

#[test]
fn the_articles_claims_hold_in_simulation() {
    let (code, d) = data(&["--sim", "scripts/tests"]);
    assert_eq!(code, 0, "{d}");
    assert_eq!(d["counts"]["passed"], 10);
}
