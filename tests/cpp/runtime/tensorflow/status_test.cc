// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "tensorflow/status.h"

#include <gtest/gtest.h>

#include <utility>

#include "fake.h"

namespace tfnative::internal {
namespace {

TEST(TensorflowStatus, HasACodeForEachOfTensorflows) {
  const std::pair<int, Code> codes[] = {
      {1, Code::kCancelled},          {2, Code::kInternal},
      {3, Code::kInvalidArgument},    {4, Code::kDeadlineExceeded},
      {5, Code::kNotFound},           {6, Code::kFailedPrecondition},
      {7, Code::kFailedPrecondition}, {8, Code::kResourceExhausted},
      {9, Code::kFailedPrecondition}, {10, Code::kUnavailable},
      {11, Code::kInvalidArgument},   {12, Code::kUnimplemented},
      {13, Code::kInternal},          {14, Code::kUnavailable},
      {15, Code::kInternal},          {16, Code::kFailedPrecondition},
      {99, Code::kInternal},          {-1, Code::kInternal},
  };
  for (const auto& [theirs, ours] : codes) {
    EXPECT_EQ(code_from_tensorflow(theirs), ours) << theirs;
  }
}

TEST(TensorflowStatus, ThrowsWhatTensorflowSays) {
  const testing::Fake fake;
  const TensorflowLibrary library = open_tensorflow(FAKE_TENSORFLOW);
  {
    const TensorflowStatus status(library.api());
    EXPECT_TRUE(status.ok());
    status.check("model 'm'");
    fake.fail("TF_NewSession", 0, 8);
    library.api().TF_NewSession(nullptr, nullptr, status.get());
    EXPECT_FALSE(status.ok());
    const auto thrown = testing::thrown([&] { status.check("model 'm'"); });
    EXPECT_EQ(thrown.code, Code::kResourceExhausted);
    EXPECT_EQ(thrown.message, "model 'm': TF_NewSession fails");
  }
  EXPECT_EQ(fake.live(), 0);
}

}  // namespace
}  // namespace tfnative::internal
