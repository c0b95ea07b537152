// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tfnative/model.hpp"

namespace tfnative {
namespace {

// "affine" is compiled for 1, 4 and 16 rows.
TEST(ExpectedNanos, IsTheSumOverTheBatchesThatRowsAreSplitInto) {
  const Model model = Model::load(FAKE_ARTIFACT);
  const Signature& affine = model.signature("affine");
  model.warmup();
  const std::int64_t largest = model.expected_nanos(affine, 16);
  ASSERT_GT(largest, 0);
  for (const std::int64_t batches : {2, 3, 10}) {
    const auto found = static_cast<double>(model.expected_nanos(affine, 16 * batches));
    // Each is rounded down to whole nanoseconds.
    EXPECT_NEAR(found, static_cast<double>(batches * largest),
                static_cast<double>(batches));
  }
  const std::int64_t rest = model.expected_nanos(affine, 1);
  EXPECT_NEAR(static_cast<double>(model.expected_nanos(affine, 33)),
              static_cast<double>(2 * largest + rest), 3);
}

// A run takes 25 ms, and 60 ms are enough: three runs, which is also the least.
TEST(ExpectedNanos, AreMeasuredInAsManyRunsAsTakeLongEnoughTogether) {
  const Model slow =
      Model::load(std::string(FOREIGN_ARTIFACTS) + "/libforeign_slow.so");
  slow.warmup();
  const float x[3] = {};
  float y[3] = {};
  const std::vector<std::int64_t> shape = {1, 3};
  const TensorView in[] = {{x, DType::kFloat32, shape}};
  const MutableTensorView out[] = {{y, DType::kFloat32, shape}};
  slow.run(slow.signature("same"), in, out);
  EXPECT_EQ(y[0], 4);
}

}  // namespace
}  // namespace tfnative
