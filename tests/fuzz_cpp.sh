#!/usr/bin/env bash
# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
#
# Gives any bytes to what reads libraries and tf.Example messages, for $1 seconds each:
# with libFuzzer where Clang has it, else with what damages the corpus by itself. Inputs
# that end a fuzzer are kept in build/, and belong into the corpus once it is mended.
set -euo pipefail
cd "$(dirname "$0")/.."
limit=${1:-60}

has_libfuzzer() {
  local probe='extern "C" int LLVMFuzzerTestOneInput(const char*, long) { return 0; }'
  echo "$probe" | clang++ -fsanitize=fuzzer -x c++ - -o /dev/null 2>/dev/null
}

if has_libfuzzer; then
  cmake --preset fuzz --log-level=ERROR >/dev/null
  cmake --build --preset fuzz -- --quiet
  for name in artifact example; do
    mkdir -p "build/fuzz/found/$name"
    "build/fuzz/tests/cpp/fuzz/fuzz_$name" -max_total_time="$limit" -max_len=16384 \
      -artifact_prefix="build/fuzz/crash-$name-" -print_final_stats=1 \
      "build/fuzz/found/$name" "tests/fuzz/cpp/corpus/$name"
  done
else
  echo "There is no libFuzzer (apt-get install clang): inputs are damaged blindly"
  cmake --preset asan --log-level=ERROR >/dev/null
  cmake --build --preset asan --target fuzz_artifact fuzz_example -- --quiet
  for name in artifact example; do
    "build/asan/tests/cpp/fuzz/fuzz_$name" "$limit" "tests/fuzz/cpp/corpus/$name"
  done
fi
