#!/usr/bin/env python3
"""Two builds of Kit compared by the instructions that the programs of benches/programs take.

    python3 benches/instructions.py OLD NEW [PROGRAM ...]

OLD and NEW are kit programs built with --release. Counts are those of `valgrind --tool=callgrind`; they do not
depend on what else the machine does, so a difference of one per cent is one. Under valgrind a program runs some
thirty times slower, so the numbers in the programs are made smaller (`SMALLER`), and what a build takes for an
empty script is taken off its counts. A build that does not run under valgrind cannot be
counted; the report names it.

The last line is the geometric mean of NEW through OLD. The exit code is 1 if a program takes more than 5 % more
instructions than before, 0 otherwise; without valgrind nothing is compared, and that is said.
"""
import math
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

PROGRAMS = pathlib.Path(__file__).resolve().parent / "programs"
#: The line of each program that says how much work there is, and the same with less.
SMALLER = {
    "fib": ("fib(32)", "fib(18)"),
    "nbody": ("0.01, 50000", "0.01, 400"),
    "shuffle": ("1000, 1000000", "1000, 20000"),
    "sieve": ("sieve(1000000)", "sieve(30000)"),
    "sumsq": ("sumsq(1400000)", "sumsq(40000)"),
    "trees": ("make(15)", "make(9)"),
}
LIMIT = 1.05


def instructions(kit, script):
    """How many instructions `kit run script` takes, and what it prints."""
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", kit, "run", str(script)]
    done = subprocess.run(command, capture_output=True, text=True)
    count = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode != 0 or not count:
        why = re.search(r"Process terminating .*", done.stderr)
        sys.exit(f"{kit} does not run {script.name} under valgrind: {why[0] if why else done.stderr[-400:]}")
    return int(count[1]), done.stdout


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    if not shutil.which("valgrind"):
        print("skipped: there is no valgrind")
        return 0
    builds, names = sys.argv[1:3], sys.argv[3:] or sorted(p.stem for p in PROGRAMS.glob("*.kit"))
    ratios = []
    with tempfile.TemporaryDirectory() as folder:
        empty = pathlib.Path(folder) / "empty.kit"
        empty.write_text("pass\n")
        start = [instructions(kit, empty)[0] for kit in builds]
        print(f"{'program':10} {'old':>14} {'new':>14}  ratio\n{'(start)':10} {start[0]:14,} {start[1]:14,}")
        for name in names:
            text = (PROGRAMS / f"{name}.kit").read_text()
            much, less = SMALLER.get(name, ("", ""))
            if much not in text:
                sys.exit(f"{name}.kit no longer says {much!r}: adapt SMALLER")
            script = pathlib.Path(folder) / f"{name}.kit"
            script.write_text(text.replace(much, less))
            (old, shown), (new, also) = (instructions(kit, script) for kit in builds)
            if shown != also:
                sys.exit(f"{name}: the outputs differ: {shown!r} and {also!r}")
            old, new = old - start[0], new - start[1]
            ratios.append(new / old)
            mark = "  slower" if ratios[-1] > LIMIT else ""
            print(f"{name:10} {old:14,} {new:14,}  {ratios[-1]:.3f}{mark}")
    print(f"geometric mean {math.exp(sum(map(math.log, ratios)) / len(ratios)):.3f}")
    return int(max(ratios) > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
