// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "base/process.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace tfnative::internal {
namespace {

TEST(ProcessId, IsThatOfThisProcessAndOfAForkedChild) {
  ASSERT_EQ(process_id(), ::getpid());
  const pid_t child = ::fork();
  if (child == 0) ::_exit(process_id() == ::getpid() ? 0 : 1);
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace tfnative::internal
