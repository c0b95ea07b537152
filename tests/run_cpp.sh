#!/usr/bin/env bash
# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
#
# Builds and runs the C++ tests in each of $PRESETS, if GoogleTest can be had.
set -euo pipefail
cd "$(dirname "$0")/.."

has_googletest() {
  echo '#include <gtest/gtest.h>' | ${CXX:-c++} -E -x c++ - >/dev/null 2>&1 ||
    timeout 20 git ls-remote -q https://github.com/google/googletest.git HEAD \
      >/dev/null 2>&1
}

if ! has_googletest; then
  echo "skipped: the C++ tests need GoogleTest (apt-get install libgtest-dev)"
  exit 0
fi
for preset in ${PRESETS:-dev}; do
  echo "C++ tests: $preset"
  cmake --preset "$preset" --log-level=ERROR >/dev/null
  cmake --build --preset "$preset" -- --quiet
  log="build/$preset/tests.log"
  ctest --preset "$preset" >"$log" 2>&1 || { cat "$log" && exit 1; }
  grep -E "tests passed|\((Skipped|Not Run)" "$log"
done
