// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cfloat>
#include <cstring>

#include "epilogue_cases.h"
#include "reference_int8.h"

namespace tfnative::testing {
namespace {

struct Sizes {
  std::int64_t m, n, k;
};

// How the rows of a matrix lie: dense, with a gap behind each, or as columns.
enum class Order { kDense, kGaps, kColumns };

tfn_matrix matrix(Order order, std::int64_t rows, std::int64_t cols) {
  if (order == Order::kColumns) return {rows * cols, 1, rows};
  const std::int64_t stride = order == Order::kGaps ? cols + 3 : cols;
  return {rows * stride, stride, 1};
}

tfn_matmul product(const Sizes& s, Order left, Order to) {
  return {1,          s.m, s.n, s.k, matrix(left, s.m, s.k), {}, matrix(to, s.m, s.n),
          kNoEpilogue};
}

Int8Matrix random_weights(const Sizes& s, std::mt19937& engine) {
  Int8Matrix result = {s.k, s.n, {}, {}};
  for (std::int64_t i = 0; i < s.k * s.n; ++i) {
    result.weights.push_back(
        static_cast<std::int8_t>(static_cast<int>(engine() % 255) - 127));
  }
  for (std::int64_t j = 0; j < s.n; ++j) {
    result.scales.push_back(j % 7 == 3 ? 0
                                       : 0.001f * static_cast<float>(engine() % 99));
  }
  return result;
}

// Rows of very different sizes, some of them of one sign.
void fill_rows(const Aligned<float>& lhs, const tfn_matmul& p, std::mt19937& engine) {
  std::normal_distribution<float> normal;
  for (std::int64_t i = 0; i < lhs.size(); ++i) lhs[i] = normal(engine);
  for (std::int64_t i = 0; i < p.m; ++i) {
    const float scale = std::ldexp(1.0f, static_cast<int>(engine() % 60) - 30);
    for (std::int64_t k = 0; k < p.k; ++k) {
      float& x = lhs[i * p.lhs.row_stride + k * p.lhs.col_stride];
      x = scale * (i % 3 == 2 ? std::abs(x) : x);
    }
  }
}

bool same(float a, float b) {
  return std::memcmp(&a, &b, sizeof a) == 0 || (std::isnan(a) && std::isnan(b));
}

// Runs the kernel in parts and compares bits, in places that are results.
void check(tfn_matmul p, const EpilogueCase& chosen, const Aligned<float>& lhs,
           const Int8Matrix& rhs, const std::string& what) {
  const std::int64_t size = p.out.batch_stride;
  const std::vector<float> sums = multiply_int8(p, lhs.data(), rhs, size);
  const Aligned<char> packed(packed_bytes(rhs));
  pack_int8(rhs, packed);
  const Aligned<float> out(size), other(size), bias(p.n + TFN_PANEL);
  fill(out, 9);
  fill(other, 10);
  fill(bias, 11);
  const Aligned<char> scratch(
      static_cast<std::int64_t>(TFN_MATMUL_INT8_SCRATCH_BYTES(p.m, p.k)));
  const float* const addend = chosen.addend == Addend::kNone     ? nullptr
                              : chosen.addend == Addend::kOutput ? out.data()
                                                                 : other.data();
  const std::vector<float> before(out.data(), out.data() + size);
  const float* const added = chosen.addend == Addend::kOutput ? before.data() : addend;
  p.epilogue = chosen.epilogue;
  const tfn_operands operands = {lhs.data(),
                                 reinterpret_cast<const float*>(packed.data()),
                                 chosen.bias ? bias.data() : nullptr,
                                 addend,
                                 out.data(),
                                 scratch.data()};
  for (std::int32_t part = 0; part < chosen.parts; ++part) {
    TFN_KERNEL(matmul_int8_dynamic)(&p, &operands, {part, chosen.parts});
  }
  for (std::int64_t i = 0; i < p.m; ++i) {
    for (std::int64_t j = 0; j < p.n; ++j) {
      const std::int64_t at = i * p.out.row_stride + j * p.out.col_stride;
      volatile float wanted = sums[static_cast<std::size_t>(at)];
      if (chosen.bias) wanted = wanted + bias[j];
      if (added) wanted = wanted + added[at];
      if (chosen.epilogue.activation == TFN_LINEAR) {
        wanted = wanted < chosen.epilogue.low ? chosen.epilogue.low : wanted;
        wanted = wanted > chosen.epilogue.high ? chosen.epilogue.high : wanted;
        ASSERT_TRUE(same(wanted, out[at]))
            << what << " at " << i << ", " << j << ": " << wanted << " and " << out[at];
      } else {
        const double exact = finished(chosen.epilogue, wanted);
        ASSERT_NEAR(exact, out[at], 1e-6 * std::max(1.0, std::abs(exact))) << what;
      }
    }
  }
}

std::string name(const Sizes& s) {
  return "m=" + std::to_string(s.m) + " n=" + std::to_string(s.n) +
         " k=" + std::to_string(s.k);
}

constexpr EpilogueCase kPlain = {kNoEpilogue, false, Addend::kNone, 1};

TEST(Int8Matmul, EqualsTheDefinitionToTheLastBit) {
  std::mt19937 engine(5);
  for (std::int64_t m : {1, 2, 3, 6, 7, 9, 97}) {
    for (std::int64_t n : {1, 4, 15, 16, 17, 40, 130}) {
      for (std::int64_t k : {0, 1, 3, 4, 5, 16, 67}) {
        const Sizes s = {m, n, k};
        const tfn_matmul p = product(s, Order::kDense, Order::kDense);
        const Aligned<float> lhs(m * k);
        fill_rows(lhs, p, engine);
        const Int8Matrix rhs = random_weights(s, engine);
        check(p, kPlain, lhs, rhs, name(s));
      }
    }
  }
}

TEST(Int8Matmul, AnyOrderEpilogueAndNumberOfParts) {
  std::mt19937 engine(6);
  for (const Sizes& s : {Sizes{13, 50, 30}, Sizes{100, 20, 9}, Sizes{1, 70, 33}}) {
    for (Order left : {Order::kDense, Order::kGaps, Order::kColumns}) {
      for (Order to : {Order::kDense, Order::kGaps, Order::kColumns}) {
        const tfn_matmul p = product(s, left, to);
        const Aligned<float> lhs(p.lhs.batch_stride);
        fill_rows(lhs, p, engine);
        const Int8Matrix rhs = random_weights(s, engine);
        for (const EpilogueCase& chosen : epilogue_cases()) {
          check(p, chosen, lhs, rhs, name(s));
        }
      }
    }
  }
}

TEST(Int8Matmul, TheLargestNumbersDoNotSaturate) {
  for (std::int64_t k : {4, 130, 4096, TFN_INT8_MOST_K}) {
    const Sizes s = {7, 19, k};
    Int8Matrix rhs = {k, s.n, {}, std::vector<float>(static_cast<std::size_t>(s.n), 1)};
    for (std::int64_t i = 0; i < k * s.n; ++i)
      rhs.weights.push_back(i % 2 ? 127 : -127);
    const tfn_matmul p = product(s, Order::kDense, Order::kDense);
    const Aligned<float> lhs(s.m * k);
    for (std::int64_t i = 0; i < lhs.size(); ++i) lhs[i] = i / k % 2 ? -255 : 255;
    check(p, kPlain, lhs, rhs, name(s));
  }
}

TEST(Int8Matmul, RowsOfAnySizeGiveFiniteResults) {
  const Sizes s = {10, 18, 21};
  const tfn_matmul p = product(s, Order::kDense, Order::kDense);
  std::mt19937 engine(7);
  const Int8Matrix rhs = random_weights(s, engine);
  const float sizes[] = {0, FLT_TRUE_MIN, FLT_MIN, 0x1p-117f, 0x1.fp-118f, 1e-35f,
                         1, FLT_MAX / 4,  FLT_MAX, -FLT_MAX};
  const Aligned<float> lhs(s.m * s.k);
  for (std::int64_t i = 0; i < lhs.size(); ++i) {
    const std::int64_t k = i % s.k;
    lhs[i] = sizes[i / s.k] * (k == 0   ? 1
                               : k == 1 ? -1
                                        : 0.01f * static_cast<float>(k));
  }
  check(p, kPlain, lhs, rhs, name(s));
  for (float x : multiply_int8(p, lhs.data(), rhs, s.m * s.n)) {
    EXPECT_FALSE(std::isnan(x));
  }
}

TEST(Int8Matmul, WhatIsNotFiniteStaysInItsRow) {
  const Sizes s = {4, 33, 70};
  const tfn_matmul p = product(s, Order::kDense, Order::kDense);
  std::mt19937 engine(8);
  const Int8Matrix rhs = random_weights(s, engine);
  for (float bad : {NAN, INFINITY, -INFINITY}) {
    for (std::int64_t place : {0, 35, 69}) {
      const Aligned<float> lhs(s.m * s.k);
      fill_rows(lhs, p, engine);
      lhs[s.k + place] = bad;
      check(p, kPlain, lhs, rhs, name(s));
      std::int64_t i = 0;
      for (float x : multiply_int8(p, lhs.data(), rhs, s.m * s.n)) {
        EXPECT_EQ(i++ / s.n == 1, std::isnan(x));
      }
    }
  }
}

TEST(Int8Matmul, ScalesOfAnySizeGiveNoNaN) {
  const Sizes s = {3, 5, 8};
  const tfn_matmul p = product(s, Order::kDense, Order::kDense);
  std::mt19937 engine(9);
  Int8Matrix rhs = random_weights(s, engine);
  rhs.scales = {FLT_MAX, FLT_MIN, 1e-30f, 1e30f, 0};
  const Aligned<float> lhs(s.m * s.k);
  fill_rows(lhs, p, engine);
  for (std::int64_t k = 0; k < s.k; ++k) {
    lhs[k] *= 1e-20f, lhs[s.k + k] = k == 0 ? 1e38f : 0, lhs[2 * s.k + k] = 0;
  }
  for (std::int64_t j = 0; j < s.n; ++j) rhs.weights[static_cast<std::size_t>(j)] = 0;
  check(p, kPlain, lhs, rhs, name(s));
  for (float x : multiply_int8(p, lhs.data(), rhs, s.m * s.n)) {
    EXPECT_FALSE(std::isnan(x));
  }
}

}  // namespace
}  // namespace tfnative::testing
