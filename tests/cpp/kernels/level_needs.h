// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// What a CPU must have for the kernels of a level.
#ifndef TFNATIVE_TESTS_LEVEL_NEEDS_H_
#define TFNATIVE_TESTS_LEVEL_NEEDS_H_

#include <cstring>

#include "cpu_level.h"

// What the kernels that a program tests were compiled for.
extern const char kTestedLevel[];

// As tfn_cpu_level says it; 0 for levels that any CPU runs.
inline int needs_of_level(const char* level) {
  if (level[0] != 'v') return 0;
  const int psabi = level[1] - '0';
  if (std::strstr(level, "amx")) return psabi | TFN_AVX512_VNNI | TFN_AMX_INT8;
  const bool vnni = std::strstr(level, "vnni") != nullptr;
  return psabi | (vnni ? psabi == 3 ? TFN_AVX_VNNI : TFN_AVX512_VNNI : 0);
}

#endif  // TFNATIVE_TESTS_LEVEL_NEEDS_H_
