#!/usr/bin/env bash
# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
#
# Makes each target that is named, one after the other, until one fails; shows how
# long each took, and compares the sum with what all tests may take on two cores.
# Where nobody waits for it (CI=true), half more than the limit is a failure: machines
# differ by as much, and what takes longer on each of them should not land.
set -uo pipefail

budget=${TFNATIVE_TEST_BUDGET_SECONDS:-1200}
limit=${TFNATIVE_TEST_LIMIT_SECONDS:-1800}
begin=$SECONDS
failed=0
took=()
for target in "$@"; do
  before=$SECONDS
  "${MAKE:-make}" --no-print-directory "$target" || failed=$?
  took+=("$(printf '%6d s  %s' $((SECONDS - before)) "$target")")
  [ "$failed" = 0 ] || break
done

total=$((SECONDS - begin))
echo
echo "How long it took:"
printf '%s\n' "${took[@]}"
printf '%6d s  in all, of %d s; never more than %d s\n' "$total" "$budget" "$limit"
if [ "$failed" != 0 ]; then
  echo "FAILED: make $target"
elif [ "$total" -gt "$limit" ]; then
  echo "OVER THE LIMIT by $((total - limit)) s"
  [ "${CI:-}" != true ] || [ "$total" -le $((limit * 3 / 2)) ] || failed=1
elif [ "$total" -gt "$budget" ]; then
  echo "OVER THE BUDGET by $((total - budget)) s"
fi
exit "$failed"
