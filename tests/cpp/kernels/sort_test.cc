// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <limits>
#include <numeric>

#include "reference.h"

namespace tfnative::testing {
namespace {

void less(char* result, const void*, const void** params, const void*, const void*,
          const void*) {
  *result =
      *static_cast<const float*>(params[0]) < *static_cast<const float*>(params[1]);
}

TEST(Sort, SortsLinesStablyAndMovesOtherArraysAlong) {
  for (std::int64_t length : {1, 2, 7, 8, 9, 100}) {
    const std::int64_t outer = 2, inner = 3;
    Aligned<float> keys(outer * length * inner);
    Aligned<std::int64_t> values(keys.size());
    fill(keys, 4);
    std::iota(values.data(), values.data() + values.size(), 0);
    const std::vector<float> before(keys.data(), keys.data() + keys.size());
    const std::int32_t bytes[] = {4, 8};
    const tfn_sort p = {outer, length, inner, 2, bytes};
    void* const arrays[] = {keys.data(), values.data()};
    Aligned<char> scratch(TFN_SORT_SCRATCH_BYTES(length, 2));
    TFN_KERNEL(sort)(&p, arrays, less, scratch.data());
    for (std::int64_t o = 0; o < outer; ++o) {
      for (std::int64_t i = 0; i < inner; ++i) {
        std::vector<std::int64_t> order;
        for (std::int64_t l = 0; l < length; ++l) {
          order.push_back((o * length + l) * inner + i);
        }
        const std::vector<std::int64_t> places = order;
        std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) {
          return before[static_cast<std::size_t>(a)] <
                 before[static_cast<std::size_t>(b)];
        });
        for (std::size_t l = 0; l < order.size(); ++l) {
          EXPECT_EQ(values[places[l]], order[l]);
          EXPECT_EQ(keys[places[l]], before[static_cast<std::size_t>(order[l])]);
        }
      }
    }
  }
}

TEST(TopK, FindsTheLargestWithTiesByIndex) {
  const std::int64_t batch = 3, length = 50;
  Aligned<float> values(batch * length);
  fill(values, 5);
  for (std::int64_t k : {1, 7, 50}) {
    Aligned<float> out(batch * k);
    Aligned<std::int32_t> indices(batch * k);
    Aligned<char> scratch(TFN_TOPK_SCRATCH_BYTES(length));
    TFN_KERNEL(topk_f32)
    (batch, length, k, values.data(), out.data(), indices.data(), scratch.data());
    for (std::int64_t b = 0; b < batch; ++b) {
      const float* row = values.data() + b * length;
      std::vector<std::int32_t> order(length);
      std::iota(order.begin(), order.end(), 0);
      std::stable_sort(order.begin(), order.end(),
                       [&](auto x, auto y) { return row[x] > row[y]; });
      for (std::int64_t i = 0; i < k; ++i) {
        EXPECT_EQ(indices[b * k + i], order[static_cast<std::size_t>(i)]);
        EXPECT_EQ(out[b * k + i], row[order[static_cast<std::size_t>(i)]]);
      }
    }
  }
}

TEST(TopK, OrdersInfinitiesAndZerosAsTensorFlowDoes) {
  const float inf = std::numeric_limits<float>::infinity();
  float values[] = {-0.0f, -inf, 1.0f, 0.0f, -1.0f, inf};
  const std::int32_t expected[] = {5, 2, 0, 3, 4, 1};
  float out[6];
  std::int32_t indices[6], scratch[3 * 6];
  TFN_KERNEL(topk_f32)(1, 6, 6, values, out, indices, scratch);
  for (int i = 0; i < 6; ++i) EXPECT_EQ(indices[i], expected[i]) << i;
  TFN_KERNEL(topk_f32)(1, 6, 6, values, values, nullptr, scratch);
  for (int i = 0; i < 6; ++i) EXPECT_EQ(values[i], out[i]) << i;
}

// What GNU's sort, which TensorFlow calls, makes of it in TensorFlow 2.21.
TEST(TopK, OrdersRowsWithNanAsTensorFlowDoes) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float values[] = {2.0f, -1.0f, 1.0f, nan, 0.5f};
  float out[5];
  std::int32_t indices[5], scratch[3 * 5];
  TFN_KERNEL(topk_f32)(1, 5, 5, values, out, indices, scratch);
  const std::int32_t all[] = {0, 2, 1, 3, 4};
  for (int i = 0; i < 5; ++i) EXPECT_EQ(indices[i], all[i]) << i;
}

}  // namespace
}  // namespace tfnative::testing
