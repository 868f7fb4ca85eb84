#!/bin/sh
# Runs every script of tests/lang and tests/programs under CPython 3.11 and under kit and shows where they
# differ: a short unified diff each, a summary, exit code 1. Where no CPython 3.11 is found it says so, exit code 0.
#
#   scripts/oracle.sh [FILE ...]        KIT=path/to/kit KIT_ORACLE=path/to/python3.11 scripts/oracle.sh
#
# Left out, because their answers are written by hand: tests/lang/differs, scripts that import kit or are marked
# "# cpython: differs" or "# sim only". Of standard error only the line that names the error is compared.
set -u
cd "$(dirname "$0")/.." || exit 2
root=$PWD

python=
for name in "${KIT_ORACLE:-}" /usr/bin/python3.11 python3.11 python3; do
    [ -n "$name" ] || continue
    case $("$name" --version 2>/dev/null) in
        "Python 3.11."*) python=$name; break ;;
    esac
done
if [ -z "$python" ]; then
    echo "skipped: no CPython 3.11 found (looked at KIT_ORACLE, /usr/bin/python3.11, python3.11 and python3)"
    exit 0
fi

kit=${KIT:-}
for name in target/release/kit target/debug/kit; do
    [ -n "$kit" ] || [ ! -x "$name" ] || kit=$root/$name
done
if [ -z "$kit" ]; then
    echo "no kit found: run cargo build first, or set KIT" >&2
    exit 2
fi

work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
mkdir "$work/files"
unset KIT_GIL KIT_SWITCH_INTERVAL PYTHONPATH
export NO_COLOR=1 PYTHONIOENCODING=utf-8 PYTHONDONTWRITEBYTECODE=1 KIT_TEST_DIR="$work/files"

# The line of a report that names the error; the layout around it is each program's own.
said() {
    grep -E '^[A-Za-z_][A-Za-z0-9_.]*(:|$)' "$1" | tail -n 1
}

# answer NAME COMMAND ...: standard output, exit code and the last line of standard error go to one file.
answer() {
    to=$work/$1
    shift
    timeout 60 "$@" </dev/null >"$to.out" 2>"$to.err"
    code=$?
    # Blanks at the ends of lines do not count; addresses of objects are nobody's answer.
    { cat "$to.out"; echo "exit code $code"; [ "$code" = 0 ] || said "$to.err"; } |
        sed -e 's/[ 	]*$//' -e 's/ at 0x[0-9a-f]*/ at 0x…/g' >"$to"
}

if [ $# -eq 0 ]; then
    set -- $(find tests/lang tests/programs -name '*.kit' ! -path '*/modules/*' ! -path '*/differs/*' | sort)
fi

same=0 differ=0 left=0
for file in "$@"; do
    case $file in */differs/*) left=$((left + 1)); continue ;; esac
    if grep -Eq '^# (cpython: differs|sim only)|^ *(import|from) kit([ .,]|$)' "$file"; then
        left=$((left + 1))
        continue
    fi
    args=$(sed -n 's/^# args: //p' "$file")
    # shellcheck disable=SC2086 # several arguments
    answer cpython "$python" -W ignore scripts/oracle.py --run "$file" $args
    # shellcheck disable=SC2086
    answer kit "$kit" run "$file" $args
    if cmp -s "$work/cpython" "$work/kit"; then
        same=$((same + 1))
    else
        differ=$((differ + 1))
        echo "== $file"
        diff -U 1 "$work/cpython" "$work/kit" | sed -e 1,2d | head -n 12
    fi
done
echo "$("$python" --version): $same scripts agree, $differ differ, $left left out (their answers are written by hand)"
[ "$differ" -eq 0 ]
