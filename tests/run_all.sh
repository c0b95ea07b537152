#!/usr/bin/env bash
# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
#
# Makes each target that is named, one after the other, until one fails; shows how
# long each took, and compares the sum with what all tests may take on two cores.
# Targets between which there is a plus, as in `setup,lint+test-cpp`, are made at the
# same time, those between which there is a comma one after the other: pip keeps one
# core busy, so that compilers may have the other. What is made beside the last of them
# is shown when it has ended.
# Where nobody waits for it (CI=true), half more than the limit is a failure: machines
# differ by as much, and what takes longer on each of them should not land.
set -uo pipefail

budget=${TFNATIVE_TEST_BUDGET_SECONDS:-1200}
limit=${TFNATIVE_TEST_LIMIT_SECONDS:-1800}
notes=$(mktemp -d)
trap 'for group in $(jobs -p); do kill -- "-$group"; done; rm -rf "$notes"' EXIT
begin=$SECONDS
failed=0

# Makes the targets of a list with commas, until one fails.
in_turn() {
  local target before code
  for target in ${1//,/ }; do
    before=$SECONDS code=0
    "${MAKE:-make}" --no-print-directory "$target" || code=$?
    printf '%6d s  %s\n' $((SECONDS - before)) "$target" >>"$notes/took"
    [ "$code" = 0 ] || { echo "$target" >>"$notes/failed" && return "$code"; }
  done
}

# Makes lists with a plus between them at the same time.
at_once() {
  local list index code=0 jobs=() lists
  IFS=+ read -ra lists <<<"$1"
  local last=$((${#lists[@]} - 1))
  set -m # Each is a group of processes, which can be ended.
  for list in "${lists[@]:0:last}"; do
    in_turn "$list" >"$notes/$list.log" 2>&1 </dev/null &
    jobs+=($!)
  done
  set +m
  in_turn "${lists[last]}" || code=$?
  for index in "${!jobs[@]}"; do
    wait "${jobs[index]}" || code=$?
    cat "$notes/${lists[index]}.log"
  done
  return "$code"
}

for step in "$@"; do
  at_once "$step" || failed=$?
  [ "$failed" = 0 ] || break
done

total=$((SECONDS - begin))
echo
echo "How long it took:"
cat "$notes/took"
printf '%6d s  in all, of %d s; never more than %d s\n' "$total" "$budget" "$limit"
if [ "$failed" != 0 ]; then
  sed 's/^/FAILED: make /' "$notes/failed"
elif [ "$total" -gt "$limit" ]; then
  echo "OVER THE LIMIT by $((total - limit)) s"
  [ "${CI:-}" != true ] || [ "$total" -le $((limit * 3 / 2)) ] || failed=1
elif [ "$total" -gt "$budget" ]; then
  echo "OVER THE BUDGET by $((total - budget)) s"
fi
exit "$failed"
