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

int main(int argc, char** argv) {
  const char* const level = TEXT(TFN_LEVEL);
  if (level[0] == 'v' && tfn_host_level() < level[1] - '0') {
    std::printf("SKIPPED: kernels of level %s: this CPU has level v%d\n", level,
                tfn_host_level());
    return 0;
  }
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
