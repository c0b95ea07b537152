// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "estimate.h"

#include <gtest/gtest.h>

namespace tfnative::internal {
namespace {

tfn_variant variant(std::int64_t rows, const char* steps) {
  tfn_variant result = {};
  result.batch_size = rows;
  result.step_count = 2;
  result.steps = steps;
  return result;
}

constexpr char kOneRow[] = "0\tdot\t1000\tMatMul\ta\n0\tkernel\t0\tTanh\tb\n";
constexpr char kEightRows[] = "0\tdot\t8000\tMatMul\ta\n0\tkernel\t0\tTanh\tb\n";

TEST(EstimatedNanos, AreMoreForMoreWork) {
  EXPECT_LT(estimated_nanos(variant(1, kOneRow), 0),
            estimated_nanos(variant(8, kEightRows), 0));
}

TEST(EstimatedNanos, AreLessForEachRowOfALargeBatch) {
  EXPECT_GT(8 * estimated_nanos(variant(1, kOneRow), 0),
            estimated_nanos(variant(8, kEightRows), 0));
}

TEST(EstimatedNanos, HaveTheWeightsThatEachBatchReads) {
  const double few = estimated_nanos(variant(1, kOneRow), 1000);
  EXPECT_GT(estimated_nanos(variant(1, kOneRow), 1000000), few);
}

TEST(EstimatedNanos, NeedNoStepsToGrowWithRows) {
  EXPECT_LT(estimated_nanos(variant(1, nullptr), 0),
            estimated_nanos(variant(8, nullptr), 0));
  EXPECT_LT(estimated_nanos(variant(1, "nonsense"), 0),
            estimated_nanos(variant(8, "\t\n\n\t\tx"), 0));
}

}  // namespace
}  // namespace tfnative::internal
