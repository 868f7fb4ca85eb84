#!/usr/bin/env python3
"""Writes the expectations at the end of scripts in tests/lang from what CPython 3.11 prints.

    python3.11 scripts/oracle.py [FILE ...]     without files: every script that has no expectation yet

A script keeps its expectations in one block of comments at its end: `# expect: LINE` for each line of
standard output, `# expect error: TEXT` for what the last line of standard error contains, `# exit: N`.
The block of a script that is named here is replaced. Scripts that import `kit`, are marked
`# cpython: differs` or lie in tests/lang/differs are left alone: their answers are written by hand.

`python3.11 scripts/oracle.py --run FILE [ARGS]` runs a script as the comparison does: `.kit` files can
be imported.
"""
import importlib.machinery as machinery
import pathlib
import re
import signal
import subprocess
import sys

LANG = pathlib.Path(__file__).resolve().parent.parent / "tests" / "lang"
MARK = re.compile(r"# (expect( error)?|exit):")


def run_script():
    """Runs a script in this very __main__, with an importer that knows `.kit`."""
    # Who starts tests in the background of a shell has Ctrl-C ignored, and Python leaves it so.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    hook = machinery.FileFinder.path_hook(
        (machinery.ExtensionFileLoader, machinery.EXTENSION_SUFFIXES),
        (machinery.SourceFileLoader, [".py", ".kit"]),
    )
    sys.path_hooks.insert(0, hook)
    sys.path_importer_cache.clear()
    sys.dont_write_bytecode = True
    sys.argv = sys.argv[2:]
    path = sys.argv[0]
    sys.path[0] = str(pathlib.Path(path).parent)
    code = compile(pathlib.Path(path).read_bytes(), path, "exec")
    names = globals()
    for name in [n for n in names if not n.startswith("__")]:
        del names[name]
    names["__file__"], names["__doc__"] = path, None
    exec(code, names)


def split(text):
    """The script, and whether a block of expectations followed it."""
    lines = text.rstrip("\n").split("\n")
    end = len(lines)
    while end and MARK.match(lines[end - 1]):
        end -= 1
    return "\n".join(lines[:end]).rstrip("\n"), end < len(lines)


def by_hand(path, text):
    differs = "differs" in path.parts or "# cpython: differs" in text
    return differs or re.search(r"^\s*(import|from) kit\b", text, re.M)


def write(path):
    text = path.read_text()
    body, _ = split(text)
    args = re.search(r"^# args: (.*)$", text, re.M)
    command = [sys.executable, "-W", "ignore", __file__, "--run", str(path), *(args[1].split() if args else [])]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, input="", cwd=LANG.parent.parent)
    block = [f"# expect: {line}".rstrip() for line in done.stdout.splitlines()]
    if done.stderr:
        block.append(f"# expect error: {done.stderr.rstrip().splitlines()[-1]}")
    if done.returncode or done.stderr:
        block.append(f"# exit: {done.returncode}")
    path.write_text(body + "\n\n" + "\n".join(block) + "\n")
    print(f"{path}: {len(block)} lines" + (", AN ERROR" if done.stderr else ""))


def main():
    named = [pathlib.Path(a).resolve() for a in sys.argv[1:]]
    for path in named or sorted(LANG.rglob("*.kit")):
        text = path.read_text()
        if not by_hand(path, text) and "/modules/" not in str(path) and (named or not split(text)[1]):
            write(path)


if sys.argv[1:2] == ["--run"]:
    run_script()
else:
    main()
