#!/usr/bin/env bash
# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
#
# Builds and runs the C++ tests in each of $PRESETS, if GoogleTest can be had: all, or
# $TESTS alone. Says how long that took, which tests were slowest, and which were skipped.
set -euo pipefail
cd "$(dirname "$0")/.."
tests=${TESTS:-}
jobs=$(getconf _NPROCESSORS_ONLN)

has_googletest() {
  echo '#include <gtest/gtest.h>' | ${CXX:-c++} -E -x c++ - >/dev/null 2>&1 ||
    timeout 20 git ls-remote -q https://github.com/google/googletest.git HEAD \
      >/dev/null 2>&1
}

# What GoogleTest recorded of each test: seconds, program:suite.name, result.
recorded() {
  local file field='="([^"]*)".*'
  local test=".*<testcase name$field result$field time$field classname$field"
  for file in "$1"/*_test.xml; do
    sed -nE "s/$test/\\3 $(basename "$file" _test.xml):\\4.\\1 \\2/p" "$file"
  done
}

build() {
  cmake --preset "$1" --log-level=ERROR >/dev/null
  cmake --build --preset "$1" ${tests:+--target "${tests}_test"} -- --quiet
}

run() {
  local log="build/$1/tests.log" records="$PWD/build/$1/records"
  rm -rf "$records"
  GTEST_OUTPUT="xml:$records/" ctest --preset "$1" --parallel "$jobs" \
    ${tests:+--tests-regex "^${tests}\$"} >"$log" 2>&1 || { cat "$log" && return 1; }
  sed -nE 's/^ *[0-9]+\/[0-9]+ Test +#[0-9]+: /  /p; /tests passed/p' "$log"
  recorded "$records" | sort -rn | sed -nE '1,5s/(\S+) (\S+) .*/  slow: \1 s \2/p'
  recorded "$records" | sed -nE 's/^\S+ (\S+) skipped$/  skipped: \1/p'
}

if ! has_googletest; then
  echo "skipped: the C++ tests need GoogleTest (apt-get install libgtest-dev)"
  exit 0
fi
for preset in ${PRESETS:-dev}; do
  SECONDS=0
  build "$preset"
  echo "C++ tests: $preset: built in $SECONDS s"
  SECONDS=0
  run "$preset"
  echo "C++ tests: $preset: run in $SECONDS s"
done
