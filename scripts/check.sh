#!/bin/bash
# All that must pass before a commit, the quick things first. The same as .ci/run, without the release
# build.
set -eu
cd "$(dirname "$0")/.."

cargo fmt --check
cargo test --test tidy
CLIPPY_CONF_DIR=scripts/lint cargo clippy --all-targets -- -D warnings
cargo test
