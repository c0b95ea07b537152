// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Inputs that may be smaller than the signature's.
#include <gtest/gtest.h>

#include <numeric>

#include "harness.h"

namespace tfnative {
namespace {

using Shape = std::vector<std::int64_t>;

constexpr std::int64_t kHigh = 3, kWide = 4, kLong = 2;

// Two inputs, (rows, 3, 4) and (rows, 2); the outputs are the inputs as they came.
BatchFunction both() {
  BatchFunction result;
  result.name = "function 'both'";
  result.inputs = {{"a", DType::kFloat32, {kBatch, kHigh, kWide}},
                   {"b", DType::kFloat32, {kBatch, kLong}}};
  result.outputs = result.inputs;
  result.default_max_batch_size = 4;
  result.run = [](auto in, auto out) {
    for (std::size_t i = 0; i < 2; ++i) {
      const ShapeView shape = in[i].shape;
      const std::int64_t count = std::accumulate(shape.begin(), shape.end(),
                                                 std::int64_t{1}, std::multiplies<>());
      std::copy_n(static_cast<const float*>(in[i].data), count,
                  static_cast<float*>(out[i].data));
    }
  };
  return result;
}

// What a request of one row gets back; nothing if it is refused.
struct Padded {
  std::vector<float> a, b;
};

Padded padded(const Shape& a_shape, const Shape& b_shape) {
  BatchOptions options;
  options.pad_variable_length_inputs = true;
  Batcher batcher(both(), options, BatchScheduler());
  std::vector<float> a(100), b(100);
  std::iota(a.begin(), a.end(), 1.0f);
  std::iota(b.begin(), b.end(), 201.0f);
  Padded found = {std::vector<float>(kHigh * kWide), std::vector<float>(kLong)};
  const Shape a_whole = {1, kHigh, kWide}, b_whole = {1, kLong};
  const TensorView in[] = {{a.data(), DType::kFloat32, a_shape},
                           {b.data(), DType::kFloat32, b_shape}};
  const MutableTensorView out[] = {{found.a.data(), DType::kFloat32, a_whole},
                                   {found.b.data(), DType::kFloat32, b_whole}};
  try {
    batcher.predict(in, out);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::kInvalidArgument) << error.what();
    return {};
  }
  return found;
}

// The corner has the numbers from `first` on, the rest has the first of them.
std::vector<float> expected(float first, std::int64_t high, std::int64_t wide,
                            std::int64_t most_high, std::int64_t most_wide) {
  std::vector<float> result;
  for (std::int64_t y = 0; y < most_high; ++y) {
    for (std::int64_t x = 0; x < most_wide; ++x) {
      const bool is_there = y < high && x < wide;
      result.push_back(is_there ? first + static_cast<float>(y * wide + x) : first);
    }
  }
  return result;
}

// Every size of every dimension, up to one more than fits: those that fit are padded,
// whichever of them is smaller, in whichever input.
TEST(VariableLength, EachSizeFitsThatIsNotLargerThanTheSignatures) {
  for (std::int64_t high = 0; high <= kHigh + 1; ++high) {
    for (std::int64_t wide = 0; wide <= kWide + 1; ++wide) {
      for (std::int64_t length = 0; length <= kLong + 1; ++length) {
        const std::string what = std::to_string(high) + "x" + std::to_string(wide) +
                                 " and " + std::to_string(length);
        const bool fits = high >= 1 && high <= kHigh && wide >= 1 && wide <= kWide &&
                          length >= 1 && length <= kLong;
        const Padded found = padded({1, high, wide}, {1, length});
        if (!fits) {
          EXPECT_TRUE(found.a.empty()) << what;
          continue;
        }
        EXPECT_EQ(found.a, expected(1, high, wide, kHigh, kWide)) << what;
        EXPECT_EQ(found.b, expected(201, 1, length, 1, kLong)) << what;
      }
    }
  }
}

}  // namespace
}  // namespace tfnative
