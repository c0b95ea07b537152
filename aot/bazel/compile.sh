#!/bin/sh
# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
#
# Runs `tfnative compile` as an action of Bazel.
#
#   compile.sh COMPILER ARTIFACT INCLUDE LIBRARY ARGUMENT...
#
# COMPILER is a program that takes tfnative's arguments; if it is empty, the Python
# $TFNATIVE_PYTHON, or else python3, runs tfnative. ARTIFACT is the folder to write.
# Copies of its headers go to the folder INCLUDE, and one of its libraries, that with the
# same file name, to LIBRARY: Bazel links files that it knows by name before they exist.
set -eu

compiler=$1 artifact=$2 include=$3 library=$4
shift 4
python=${TFNATIVE_PYTHON:-python3}

fail() {
  printf 'tfnative_library: %s\n' "$@" >&2
  exit 1
}

if [ -z "$compiler" ]; then
  command -v "$python" >/dev/null ||
    fail "there is no Python $python." \
      "Name one that has tfnative: --action_env=TFNATIVE_PYTHON=/path/to/python"
  "$python" -c 'from importlib.util import find_spec as f
raise SystemExit(not (f("tfnative") and f("tfnative_aot") and f("tensorflow")))' ||
    fail "$(command -v "$python") has no tfnative that can compile." \
      "Install it there (pip install \"tfnative[aot]\"), or name another Python:" \
      "--action_env=TFNATIVE_PYTHON=/path/to/python"
fi

# Sandboxes keep the user's cache from being written to.
if [ -z "${TFNATIVE_CACHE:-}" ]; then
  TFNATIVE_CACHE=$(mktemp -d)
  export TFNATIVE_CACHE
  trap 'rm -rf "$TFNATIVE_CACHE"' EXIT
fi
export TF_CPP_MIN_LOG_LEVEL="${TF_CPP_MIN_LOG_LEVEL:-2}"

# What it shows is of interest only if it fails.
log=$artifact.log
if [ -n "$compiler" ]; then
  "$compiler" compile "$@" --output "$artifact"
else
  "$python" -m tfnative compile "$@" --output "$artifact"
fi >"$log" 2>&1 || {
  cat "$log" >&2
  fail "the model was not compiled"
}
rm -f "$log"

mkdir -p "$include" "$(dirname "$library")"
cp -R "$artifact/include/." "$include"
made=$artifact/${library##*/}
[ -f "$made" ] || fail "the compiler wrote no ${library##*/}: try static = True"
cp "$made" "$library"
