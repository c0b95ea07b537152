// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <complex>

#include "epilogue_cases.h"
#include "small_weights.h"

namespace tfnative::testing {
namespace {

struct Sizes {
  std::int64_t m, n, k;
};

// Around the edges of tiles, panels and blocks.
std::vector<Sizes> all_sizes() {
  std::vector<Sizes> sizes;
  for (std::int64_t m : {1, 2, 3, 5, 6, 7, 8, 13, 23, 24, 95, 97}) {
    for (std::int64_t n : {1, 3, 4, 8, 10, 15, 16, 17, 31, 33, 64, 100, 129}) {
      for (std::int64_t k : {0, 1, 5, 32}) sizes.push_back({m, n, k});
    }
  }
  return sizes;
}

const SmallKernels kSmall = {TFN_KERNEL(matmul_packed_f16),
                             TFN_KERNEL(matmul_packed_bf16),
                             TFN_KERNEL(matmul_packed_s8)};

// One epilogue after the other, as tests go through shapes.
const EpilogueCase& next_epilogue() {
  static const std::vector<EpilogueCase> cases = epilogue_cases();
  static std::size_t next = 0;
  return cases[next++ % cases.size()];
}

enum Order { kRowMajor, kColumnMajor };

tfn_matrix matrix(Order order, std::int64_t rows, std::int64_t cols) {
  return order == kRowMajor ? tfn_matrix{rows * cols, cols, 1}
                            : tfn_matrix{rows * cols, 1, rows};
}

std::string name(const tfn_matmul& p) {
  return "m=" + std::to_string(p.m) + " n=" + std::to_string(p.n) +
         " k=" + std::to_string(p.k) + " lhs " + std::to_string(p.lhs.row_stride) +
         "," + std::to_string(p.lhs.col_stride) + " out " +
         std::to_string(p.out.row_stride) + "," + std::to_string(p.out.col_stride);
}

// The column of an element of the output.
auto column_of(const tfn_matmul& p) {
  return [&p](std::int64_t i) {
    const bool row_major = p.out.col_stride == 1 && p.out.row_stride == p.n;
    return row_major ? i % p.n : i % (p.m * p.n) / p.out.col_stride;
  };
}

TEST(PackedMatmul, EqualsTheDefinition) {
  for (const Sizes& s : all_sizes()) {
    for (Order left : {kRowMajor, kColumnMajor}) {
      for (Order to : {kRowMajor, kColumnMajor}) {
        const tfn_matmul p = {1,
                              s.m,
                              s.n,
                              s.k,
                              matrix(left, s.m, s.k),
                              matrix(kRowMajor, s.k, s.n),
                              matrix(to, s.m, s.n),
                              kNoEpilogue};
        Aligned<float> lhs(s.m * s.k), rhs(s.k * s.n);
        Aligned<float> packed(packed_size(s.k, s.n, 1));
        fill(lhs, 1);
        fill(rhs, 2);
        pack(s.k, s.n, 1, rhs.data(), packed);
        const auto sums = multiply(p, lhs.data(), rhs.data(), s.m * s.n);
        for (const EpilogueCase& chosen : epilogue_cases()) {
          check_kernel(TFN_KERNEL(matmul_packed_f32), p, chosen, sums, lhs.data(),
                       packed.data(), s.n, column_of(p), 0, name(p));
        }
        check_small_kernels(kSmall, p, next_epilogue(), sums, lhs.data(), packed, s.n,
                            1, column_of(p), 0, name(p));
      }
    }
  }
}

TEST(Matmul, EqualsTheDefinitionForEveryOrderOfElements) {
  for (const Sizes& s : all_sizes()) {
    for (Order left : {kRowMajor, kColumnMajor}) {
      for (Order right : {kRowMajor, kColumnMajor}) {
        for (Order to : {kRowMajor, kColumnMajor}) {
          const tfn_matmul p = {2,
                                s.m,
                                s.n,
                                s.k,
                                matrix(left, s.m, s.k),
                                matrix(right, s.k, s.n),
                                matrix(to, s.m, s.n),
                                kNoEpilogue};
          Aligned<float> lhs(2 * s.m * s.k), rhs(2 * s.k * s.n);
          fill(lhs, 1);
          fill(rhs, 2);
          const auto sums = multiply(p, lhs.data(), rhs.data(), 2 * s.m * s.n);
          for (std::int32_t parts : {1, 2, 3}) {
            check_kernel(TFN_KERNEL(matmul_f32), p,
                         {kNoEpilogue, false, Addend::kNone, parts}, sums, lhs.data(),
                         rhs.data(), s.n, column_of(p),
                         TFN_MATMUL_SCRATCH_BYTES(2, s.m, s.n, s.k), name(p));
          }
        }
      }
    }
  }
}

// Sizes as they come, large enough to be packed, read directly, split into blocks.
TEST(Matmul, RandomShapes) {
  std::mt19937 engine(2026);
  const auto draw = [&](std::int64_t most) {
    return 1 + static_cast<std::int64_t>(engine() % static_cast<unsigned>(most));
  };
  for (int i = 0; i < 150; ++i) {
    const Sizes s = {draw(130), draw(90), draw(100)};
    const Order left = draw(2) == 1 ? kRowMajor : kColumnMajor;
    const Order right = draw(2) == 1 ? kRowMajor : kColumnMajor;
    const Order to = draw(2) == 1 ? kRowMajor : kColumnMajor;
    tfn_matmul p = {1,
                    s.m,
                    s.n,
                    s.k,
                    matrix(left, s.m, s.k),
                    matrix(right, s.k, s.n),
                    matrix(to, s.m, s.n),
                    kNoEpilogue};
    Aligned<float> lhs(s.m * s.k), rhs(s.k * s.n);
    fill(lhs, static_cast<unsigned>(i));
    fill(rhs, static_cast<unsigned>(i) + 1000);
    const auto sums = multiply(p, lhs.data(), rhs.data(), s.m * s.n);
    check_kernel(TFN_KERNEL(matmul_f32), p, {kNoEpilogue, false, Addend::kNone, 1},
                 sums, lhs.data(), rhs.data(), s.n, column_of(p),
                 TFN_MATMUL_SCRATCH_BYTES(1, s.m, s.n, s.k), name(p));
    if (right == kColumnMajor) continue;
    Aligned<float> packed(packed_size(s.k, s.n, 1));
    pack(s.k, s.n, 1, rhs.data(), packed);
    for (const EpilogueCase& chosen : epilogue_cases()) {
      check_kernel(TFN_KERNEL(matmul_packed_f32), p, chosen, sums, lhs.data(),
                   packed.data(), s.n, column_of(p), 0, name(p));
    }
    check_small_kernels(kSmall, p, next_epilogue(), sums, lhs.data(), packed, s.n, 1,
                        column_of(p), 0, name(p));
  }
}

// All 2^16 patterns of bits as one row of weights, times one.
template <typename Expected>
void check_widening(tfn_f32_kernel* kernel, Expected expected) {
  constexpr std::int64_t kAll = 1 << 16;
  const tfn_matmul p = {
      1, 1, kAll, 1, {1, 1, 1}, {kAll, kAll, 1}, {kAll, kAll, 1}, kNoEpilogue};
  const Aligned<std::uint16_t> weights(kAll);
  for (std::int64_t i = 0; i < kAll; ++i) weights[i] = static_cast<std::uint16_t>(i);
  const Aligned<float> one(1), out(kAll);
  one[0] = 1;
  const tfn_operands operands = {one.data(), weights.data(), nullptr, nullptr,
                                 out.data(), nullptr,        nullptr};
  kernel(&p, &operands, {0, 1});
  for (std::int64_t i = 0; i < kAll; ++i) {
    const double wanted = expected(static_cast<std::uint16_t>(i));
    if (!std::isfinite(wanted)) continue;
    ASSERT_EQ(wanted, out[i]) << i;
  }
}

TEST(PackedMatmul, EveryFiniteHalfIsWidenedExactly) {
  check_widening(TFN_KERNEL(matmul_packed_f16), [](std::uint16_t half) {
    const int exponent = half >> 10 & 31, mantissa = half & 1023;
    const double size = exponent == 31  ? INFINITY
                        : exponent == 0 ? std::ldexp(mantissa, -24)
                                        : std::ldexp(1024 + mantissa, exponent - 25);
    return half >> 15 ? -size : size;
  });
}

TEST(PackedMatmul, EveryFiniteBfloatIsWidenedExactly) {
  check_widening(TFN_KERNEL(matmul_packed_bf16), [](std::uint16_t bfloat) {
    const std::uint32_t bits = static_cast<std::uint32_t>(bfloat) << 16;
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return static_cast<double>(value);
  });
}

template <typename T>
void check_any(tfn_matmul_fn* kernel) {
  const tfn_matmul p = {2, 3, 5, 4, {12, 4, 1}, {20, 1, 4}, {15, 5, 1}, kNoEpilogue};
  std::vector<T> lhs(24), rhs(40), out(30), expected(30);
  for (std::size_t i = 0; i < lhs.size(); ++i) lhs[i] = static_cast<T>(i % 3);
  for (std::size_t i = 0; i < rhs.size(); ++i) rhs[i] = static_cast<T>(i % 4);
  for (std::size_t b = 0; b < 2; ++b) {
    for (std::size_t i = 0; i < 3; ++i) {
      for (std::size_t j = 0; j < 5; ++j) {
        T sum{};
        for (std::size_t k = 0; k < 4; ++k) {
          sum = static_cast<T>(sum + lhs[b * 12 + i * 4 + k] * rhs[b * 20 + k + j * 4]);
        }
        expected[b * 15 + i * 5 + j] = sum;
      }
    }
  }
  kernel(&p, lhs.data(), rhs.data(), out.data());
  EXPECT_EQ(expected, out);
}

TEST(MatmulOfAnyType, EqualsTheDefinition) {
  check_any<float>(TFN_KERNEL(matmul_any_f32));
  check_any<double>(TFN_KERNEL(matmul_any_f64));
  check_any<std::int8_t>(TFN_KERNEL(matmul_any_s8));
  check_any<std::int16_t>(TFN_KERNEL(matmul_any_s16));
  check_any<std::int32_t>(TFN_KERNEL(matmul_any_s32));
  check_any<std::int64_t>(TFN_KERNEL(matmul_any_s64));
  check_any<std::uint8_t>(TFN_KERNEL(matmul_any_u8));
  check_any<std::uint16_t>(TFN_KERNEL(matmul_any_u16));
  check_any<std::uint32_t>(TFN_KERNEL(matmul_any_u32));
  check_any<std::uint64_t>(TFN_KERNEL(matmul_any_u64));
  check_any<std::complex<float>>(TFN_KERNEL(matmul_any_c64));
  check_any<std::complex<double>>(TFN_KERNEL(matmul_any_c128));
}

TEST(MatmulOfAnyType, IntegersWrapAround) {
  const tfn_matmul p = {1, 1, 1, 2, {2, 2, 1}, {2, 1, 1}, {1, 1, 1}, kNoEpilogue};
  const std::int32_t lhs[] = {2147483647, 2147483647}, rhs[] = {2, 3};
  std::int32_t out = 0;
  TFN_KERNEL(matmul_any_s32)(&p, lhs, rhs, &out);
  EXPECT_EQ(out, 2147483643);  // 5 * (2^31 - 1) modulo 2^32
}

TEST(MatmulOfAnyType, HalfPrecisionRoundsOnce) {
  const tfn_matmul p = {1, 1, 1, 2, {2, 2, 1}, {2, 1, 1}, {1, 1, 1}, kNoEpilogue};
  // 1 * 1 + 2^-11 * 1 lies between two halves: ties go to the even one, 1.
  const std::uint16_t lhs[] = {0x3C00, 0x1000}, rhs[] = {0x3C00, 0x3C00};
  std::uint16_t out = 0;
  TFN_KERNEL(matmul_any_f16)(&p, lhs, rhs, &out);
  EXPECT_EQ(out, 0x3C00);
  const std::uint16_t lhs_b[] = {0x3F80, 0x3F80}, rhs_b[] = {0x3F80, 0x4000};
  TFN_KERNEL(matmul_any_bf16)(&p, lhs_b, rhs_b, &out);
  EXPECT_EQ(out, 0x4040);  // 1 + 2
}

// Every half: times one it must come back, subnormal numbers, infinities and NaNs
// included.
TEST(MatmulOfAnyType, EveryHalfIsConvertedExactly) {
  const tfn_matmul p = {1, 1, 1, 1, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, kNoEpilogue};
  const std::uint16_t one = 0x3C00;
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    std::uint16_t out = 0;
    TFN_KERNEL(matmul_any_f16)(&p, &half, &one, &out);
    const bool is_nan = (half & 0x7C00) == 0x7C00 && (half & 0x3FF) != 0;
    if (is_nan) {
      EXPECT_TRUE((out & 0x7C00) == 0x7C00 && (out & 0x3FF) != 0) << bits;
    } else {
      // 0 + -0 is 0.
      EXPECT_EQ(out, half == 0x8000 ? 0 : half) << bits;
    }
  }
}

TEST(MatmulOfAnyType, BooleansAreOrOfAnds) {
  const tfn_matmul p = {1, 1, 2, 2, {2, 2, 1}, {4, 2, 1}, {2, 2, 1}, kNoEpilogue};
  const bool lhs[] = {true, false}, rhs[] = {true, false, true, true};
  bool out[2] = {};
  TFN_KERNEL(matmul_any_pred)(&p, lhs, rhs, out);
  EXPECT_TRUE(out[0]);
  EXPECT_FALSE(out[1]);
}

}  // namespace
}  // namespace tfnative::testing
