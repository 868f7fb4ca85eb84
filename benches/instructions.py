#!/usr/bin/env python3
"""Two builds of Kit compared by the instructions that the programs of benches/programs take.

    python3 benches/instructions.py OLD NEW [PROGRAM ...]

Counts do not depend on what else the machine does, so a difference of one per cent is one. They are those of
`valgrind --tool=none` where its `-v` counts, else of `valgrind --tool=callgrind` without its file; without valgrind
the comparison is skipped, and says so. Under valgrind a program is 20 to 50 times slower, so the programs run with
the small arguments of `SIZES`, and what a build takes for an empty script is taken off both counts.

The last line is the geometric mean of NEW through OLD; the exit code is 1 if a program got slower by more
than 5 %.
"""
import math
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

PROGRAMS = pathlib.Path(__file__).resolve().parent / "programs"
