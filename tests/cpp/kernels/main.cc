// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Runs the tests if this CPU has the level that the kernels were compiled for.
#include <gtest/gtest.h>

#include <cstdio>

#include "level_needs.h"

int main(int argc, char** argv) {
  if (!tfn_host_has(needs_of_level(kTestedLevel))) {
    std::printf("SKIPPED: kernels of level %s: this CPU has level v%d, features %#x\n",
                kTestedLevel, tfn_host_level(),
                static_cast<unsigned>(tfn_detect_features()));
    return 0;
  }
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
