// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Runs the tests if this CPU has the level that the kernels were compiled for.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstring>

#include "cpu_level.h"
#include "kernels.h"

#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)

// What the CPU must have, as tfn_cpu_level says it.
static int needs(const char* level) {
  if (level[0] != 'v') return 0;
  const int psabi = level[1] - '0';
  if (std::strstr(level, "amx")) return psabi | TFN_AVX512_VNNI | TFN_AMX_INT8;
  const bool vnni = std::strstr(level, "vnni") != nullptr;
  return psabi | (vnni ? psabi == 3 ? TFN_AVX_VNNI : TFN_AVX512_VNNI : 0);
}

int main(int argc, char** argv) {
  const char* const level = TEXT(TFN_LEVEL);
  if (!tfn_host_has(needs(level))) {
    std::printf("SKIPPED: kernels of level %s: this CPU has level v%d, features %#x\n",
                level, tfn_host_level(), static_cast<unsigned>(tfn_detect_features()));
    return 0;
  }
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
