#!/usr/bin/env python3
"""Kit against CPython 3.11 on the programs of benches/programs.

    cargo build --release
    python3 benches/compare.py [--pairs N] [--kit PATH] [--python PATH] [PROGRAM ...]

Each program runs in pairs, Kit and CPython one directly after the other and the first of a pair
alternating, so that a busy moment of the machine meets both. What counts is CPU time (user + system) of
the whole process, start-up included. A program's ratio is the median over its pairs of Kit's time
through CPython's; below 1, Kit is faster. The last line is the geometric mean of the ratios. The outputs
of both must be equal.

CPython is /usr/bin/python3.11 unless --python says otherwise; take the distribution's program, not a
version manager's shim, which costs 100 ms a start.
"""
import argparse
import math
import os
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent


def cpu_seconds(command):
    """Runs a command; gives its CPU time and its output."""
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        output = child.stdout.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {child.returncode}")
    return usage.ru_utime + usage.ru_stime, output


def measure(program, kit, python, pairs):
    """The medians of both, and of the pairs' ratios."""
    ours, theirs = [kit, "run", str(program)], [python, str(program)]
    kits, pythons = [], []
    for pair in range(pairs):
        for command in (ours, theirs) if pair % 2 == 0 else (theirs, ours):
            seconds, output = cpu_seconds(command)
            (kits if command is ours else pythons).append(seconds)
            if command is ours:
                kit_output = output
            else:
                python_output = output
        if kit_output != python_output:
            sys.exit(f"{program.name}: the outputs differ: {kit_output!r} and {python_output!r}")
    ratios = [k / p for k, p in zip(kits, pythons)]
    return statistics.median(kits), statistics.median(pythons), statistics.median(ratios)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs", nargs="*", metavar="PROGRAM", help="names such as fib; all if left out")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--kit", default=str(HERE.parent / "target" / "release" / "kit"))
    parser.add_argument("--python", default="/usr/bin/python3.11")
    options = parser.parse_args()
    programs = sorted((HERE / "programs").glob("*.kit"))
    if options.programs:
        programs = [HERE / "programs" / f"{name}.kit" for name in options.programs]
    print(f"{'program':<10} {'kit s':>8} {'CPython s':>10} {'ratio':>6}   ({options.pairs} pairs)")
    ratios = []
    for program in programs:
        kit, python, ratio = measure(program, options.kit, options.python, options.pairs)
        ratios.append(ratio)
        print(f"{program.stem:<10} {kit:>8.3f} {python:>10.3f} {ratio:>6.2f}", flush=True)
    mean = math.exp(statistics.fmean(math.log(r) for r in ratios))
    print(f"{'geometric mean':<30} {mean:>6.2f}")


main()
