// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "workspace.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <limits>

#include "tfnative/error.hpp"

// Sanitizers end a process whose memory runs out, unless told otherwise.
extern "C" const char* __asan_default_options() {
  return "allocator_may_return_null=1";
}
extern "C" const char* __tsan_default_options() {
  return "allocator_may_return_null=1";
}

namespace tfnative::internal {
namespace {

TEST(Workspace, IsAlignedAndKeptBetweenCalls) {
  WorkspacePool pool;
  char* first;
  {
    Workspace workspace(pool);
    first = workspace.reserve(1000);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(first) % 64, 0u);
    std::memset(first, 1, 1000);
  }
  Workspace again(pool);
  EXPECT_EQ(again.reserve(500), first);
}

TEST(Workspace, IsNullForNothing) {
  WorkspacePool pool;
  Workspace workspace(pool);
  EXPECT_EQ(workspace.reserve(0), nullptr);
}

TEST(Workspace, TwoAtOnceAreDifferent) {
  WorkspacePool pool;
  Workspace a(pool), b(pool);
  EXPECT_NE(a.reserve(10), b.reserve(10));
}

TEST(Workspace, TooMuchMemoryIsAnError) {
  WorkspacePool pool;
  Workspace workspace(pool);
  try {
    workspace.reserve(std::size_t{1} << 60);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::kResourceExhausted);
  }
  EXPECT_NE(workspace.reserve(10), nullptr);
}

}  // namespace
}  // namespace tfnative::internal
