// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// amx_permission: says whether this process may use the matrix unit of x86-64. With an
// argument, after it has given a stack for signals that is too small for its registers,
// for which Linux refuses the permission.
#include <signal.h>

#include <cstdio>

#include "cpu_level.h"

int main(int argc, char**) {
  alignas(64) static char small[4096];
  stack_t stack = {};
  stack.ss_sp = small;
  stack.ss_size = sizeof small;
  if (argc > 1 && sigaltstack(&stack, nullptr) != 0) return 2;
  constexpr int kWithout = 4 | TFN_AVX512_VNNI;
  const bool before = tfn_host_has(kWithout) != 0;
  const bool with = tfn_host_has(kWithout | TFN_AMX_INT8) != 0;
  const bool after = tfn_host_has(kWithout) != 0;
  std::printf("%d %d %d", before, with, after);
  return 0;
}
