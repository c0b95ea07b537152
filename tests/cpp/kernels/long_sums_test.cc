// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Sums that are longer than what is summed in registers: none of their products is
// lost or counted twice, and their errors stay small.
#include <gtest/gtest.h>

#include "conv_cases.h"
#include "small_weights.h"

namespace tfnative::testing {
namespace {

constexpr std::int64_t kAroundPieces[] = {255, 256, 257, 511, 512, 513, 1025};

tfn_matmul product(std::int64_t m, std::int64_t n, std::int64_t k, bool left_in_rows) {
  const tfn_matrix left =
      left_in_rows ? tfn_matrix{m * k, k, 1} : tfn_matrix{m * k, 1, m};
  return {1, m, n, k, left, {k * n, n, 1}, {m * n, n, 1}, kNoEpilogue};
}

TEST(LongSums, OfProductsEqualTheDefinition) {
  const SmallKernels small = {TFN_KERNEL(matmul_packed_f16),
                              TFN_KERNEL(matmul_packed_bf16),
                              TFN_KERNEL(matmul_packed_s8)};
  for (const std::int64_t k : kAroundPieces) {
    for (const std::int64_t m : {1, 2, 3, 4, 5, 6, 13}) {
      for (const std::int64_t n : {1, 7, 16, 33, 130}) {
        for (const bool left_in_rows : {true, false}) {
          const tfn_matmul p = product(m, n, k, left_in_rows);
          const Aligned<float> lhs(m * k), rhs(k * n), packed(packed_size(k, n, 1));
          fill(lhs, 3);
          fill(rhs, 4);
          pack(k, n, 1, rhs.data(), packed);
          const auto sums = multiply(p, lhs.data(), rhs.data(), m * n);
          const auto column = [n](std::int64_t i) { return i % n; };
          const std::string what = "m=" + std::to_string(m) +
                                   " n=" + std::to_string(n) +
                                   " k=" + std::to_string(k);
          const EpilogueCase chosen = {{TFN_LINEAR, -9, 9}, true, Addend::kOther, 2};
          check_kernel(TFN_KERNEL(matmul_packed_f32), p, chosen, sums, lhs.data(),
                       packed.data(), n, column, 0, what);
          check_kernel(TFN_KERNEL(matmul_f32), p,
                       {kNoEpilogue, false, Addend::kNone, 1}, sums, lhs.data(),
                       rhs.data(), n, column, TFN_MATMUL_SCRATCH_BYTES(1, m, n, k),
                       what);
          check_small_kernels(small, p, chosen, sums, lhs.data(), packed, n, 1, column,
                              0, what);
        }
      }
    }
  }
}

TEST(LongSums, OfConvolutionsEqualTheDefinition) {
  for (const std::int64_t channels : {28, 86, 100, 255, 256, 257, 600}) {
    tfn_conv p = convolution(1, channels, 19, 1, {1, 5, 4}, {1, 3, 3});
    p.padding_low[1] = p.padding_low[2] = 1;
    set_output(p, {0, 1, 1});
    const Aligned<float> input(volume(p.in) * channels), weights(9 * channels * 19);
    const Aligned<float> packed(packed_size(9 * channels, 19, 1));
    fill(input, 5);
    fill(weights, 6);
    pack(9 * channels, 19, 1, weights.data(), packed);
    check_kernel(
        TFN_KERNEL(conv_f32), p, {kNoEpilogue, true, Addend::kNone, 2},
        convolve(p, input.data(), weights.data()), input.data(), packed.data(), 19,
        [](std::int64_t i) { return i % 19; },
        TFN_CONV_SCRATCH_BYTES(volume(p.out), 9, channels), name(p));
  }
}

// Positive numbers of which each sum is rounded.
void fill_positive(const Aligned<float>& array, unsigned seed) {
  std::mt19937 engine(seed);
  for (std::int64_t i = 0; i < array.size(); ++i) {
    array[i] = std::ldexp(static_cast<float>(engine() % 0xFFFFFF + 1), -24);
  }
}

// The largest error of products of so many numbers, to the true sums.
double largest_error(const tfn_matmul& p) {
  const Aligned<float> lhs(p.m * p.k), rhs(p.k * p.n), out(p.m * p.n);
  const Aligned<float> packed(packed_size(p.k, p.n, 1));
  const Aligned<char> scratch(
      static_cast<std::int64_t>(TFN_MATMUL_SCRATCH_BYTES(1, p.m, p.n, p.k)));
  fill_positive(lhs, 7);
  fill_positive(rhs, 8);
  pack(p.k, p.n, 1, rhs.data(), packed);
  const auto sums = multiply(p, lhs.data(), rhs.data(), p.m * p.n);
  double largest = 0;
  const auto run = [&](tfn_f32_kernel* kernel, const float* right) {
    const tfn_operands operands = {lhs.data(), right,          nullptr, nullptr,
                                   out.data(), scratch.data(), nullptr};
    kernel(&p, &operands, {0, 1});
    for (std::int64_t i = 0; i < out.size(); ++i) {
      const double wanted = sums[static_cast<std::size_t>(i)];
      largest = std::max(largest, std::abs(out[i] - wanted) / wanted);
    }
  };
  run(TFN_KERNEL(matmul_f32), rhs.data());
  run(TFN_KERNEL(matmul_packed_f32), packed.data());
  return largest;
}

// One accumulator for all of it has errors of up to 3e-6 here. Those of libraries
// which go through a product in blocks are as small as ours.
TEST(LongSums, KeepTheirErrorsSmall) {
  EXPECT_LE(largest_error(product(6, 35, 20000, true)), 8e-7);
}

// As a dense layer that is given an image of 224 x 224 x 3. Its 588 pieces, added one
// after the other, lose 1e-6.
TEST(LongSums, OfAnImageKeepTheirErrorsSmall) {
  for (const std::int64_t rows : {1, 6}) {
    EXPECT_LE(largest_error(product(rows, 35, 224 * 224 * 3, true)), 5e-7) << rows;
  }
}

// A request alone has a vector where several have a matrix.
TEST(LongSums, OfAVectorHaveTheBitsOfAMatrix) {
  for (const std::int64_t n : {1, 2, 3, 5, 16, 31, 64, 131, 300}) {
    for (const std::int64_t k : {1, 256, 600, 4096, 4097, 9000}) {
      const Aligned<float> lhs(3 * k), rhs(k * n), rows(3 * n), row(n);
      const Aligned<char> scratch(
          static_cast<std::int64_t>(TFN_MATMUL_SCRATCH_BYTES(1, 3, n, k)));
      fill_positive(lhs, 1);
      fill_positive(rhs, 2);
      const auto run = [&](const tfn_matmul& p, float* out) {
        const tfn_operands operands = {lhs.data(), rhs.data(),     nullptr, nullptr,
                                       out,        scratch.data(), nullptr};
        TFN_KERNEL(matmul_f32)(&p, &operands, {0, 1});
      };
      run(product(3, n, k, true), rows.data());
      run(product(1, n, k, true), row.data());
      for (std::int64_t j = 0; j < n; ++j)
        ASSERT_EQ(rows[j], row[j]) << j << " of " << n;
      // The same as the column of a matrix whose columns are requests.
      const tfn_matmul column = {1,         n,         1,         k,
                                 {0, 1, n}, {0, 1, 1}, {0, 1, 1}, kNoEpilogue};
      const tfn_operands operands = {rhs.data(), lhs.data(),     nullptr, nullptr,
                                     row.data(), scratch.data(), nullptr};
      TFN_KERNEL(matmul_f32)(&column, &operands, {0, 1});
      for (std::int64_t j = 0; j < n; ++j)
        ASSERT_EQ(rows[j], row[j]) << j << " of " << n;
    }
  }
}

// Those that are right and not fast.
TEST(LongSums, OfAnyTypeKeepTheirErrorsSmall) {
  constexpr std::int64_t kLength = 30000;
  constexpr double kAllowed = 1e-5;  // One accumulator loses 2e-4.
  const tfn_matmul p = product(2, 3, kLength, true);
  const Aligned<float> lhs(2 * kLength), rhs(kLength * 3), out(6);
  std::fill(lhs.data(), lhs.data() + lhs.size(), 0.1F);
  std::fill(rhs.data(), rhs.data() + rhs.size(), 0.3F);
  const double wanted = kLength * static_cast<double>(0.1F) * static_cast<double>(0.3F);
  TFN_KERNEL(matmul_any_f32)(&p, lhs.data(), rhs.data(), out.data());
  for (std::int64_t i = 0; i < out.size(); ++i) {
    ASSERT_NEAR(wanted, out[i], kAllowed * wanted);
  }
  tfn_conv c = convolution(1, 3, 1, 1, {1, 100, 100}, {1, 100, 100});
  set_output(c, {0, 0, 0});
  TFN_KERNEL(conv_any_f32)(&c, lhs.data(), rhs.data(), out.data());
  ASSERT_NEAR(wanted, out[0], kAllowed * wanted);
}

// Of equal numbers, all errors have the same sign: one accumulator loses 5e-3 of it.
TEST(LongSums, OfEqualNumbersAreNearTheTrueOnes) {
  constexpr std::int64_t kPlaces = 300000;
  constexpr double kAllowed = 4e-6;
  for (const std::int64_t channels : {1, 3, 20, 70}) {
    for (const std::int64_t width : {kPlaces, kPlaces / 500}) {
      tfn_reduce_window p = {TFN_REDUCE_SUM, 0,         1,         1,
                             channels,       {1, 1, 1}, {1, 1, 1}, {1, 1, 1},
                             {1, 1, 1},      {0, 0, 0}, {1, 1, 1}};
      p.in[1] = p.kernel[1] = kPlaces / width;
      p.in[2] = p.kernel[2] = width;
      const Aligned<float> input(kPlaces * channels), output(channels);
      std::fill(input.data(), input.data() + input.size(), 0.1F);
      const tfn_operands operands = {input.data(),  nullptr, nullptr, nullptr,
                                     output.data(), nullptr, nullptr};
      TFN_KERNEL(reduce_window_f32)(&p, &operands, {0, 1});
      const double wanted = kPlaces * static_cast<double>(0.1F);
      for (std::int64_t i = 0; i < channels; ++i) {
        ASSERT_NEAR(wanted, output[i], kAllowed * wanted) << channels << " " << width;
      }
    }
  }
}

}  // namespace
}  // namespace tfnative::testing
