// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// The weights of `fill` in types that take less space, in which they are the same.
#pragma once

#include <cstring>
#include <type_traits>

#include "epilogue_cases.h"

namespace tfnative::testing {

// Both widths of exponents hold eighths; the bits are rounded by nobody.
inline std::uint16_t exact_bfloat(float x) {
  std::uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  EXPECT_EQ(bits & 0xFFFF, 0U) << x << " is no bfloat16";
  return static_cast<std::uint16_t>(bits >> 16);
}

inline std::uint16_t exact_half(float x) {
  if (x == 0) return std::signbit(x) ? 0x8000 : 0;
  int exponent = 0;
  const double fraction = std::frexp(std::fabs(static_cast<double>(x)), &exponent);
  const double mantissa = (2 * fraction - 1) * 1024;
  EXPECT_EQ(mantissa, std::floor(mantissa)) << x << " is no float16";
  const int bits = (exponent - 1 + 15) << 10 | static_cast<int>(mantissa);
  return static_cast<std::uint16_t>(bits | (std::signbit(x) ? 0x8000 : 0));
}

// A power of two for each channel, so that eighths are whole numbers of them.
inline float scale_of(std::int64_t channel) {
  return std::ldexp(1.0F, -3 - static_cast<int>(channel % TFN_PANEL % 3));
}

// A kernel for each type of weights.
struct SmallKernels {
  tfn_f32_kernel *f16, *bf16, *s8;
};

// Whether it is their turn: of each kind of shapes there are many, and five is prime to
// the numbers of them.
inline bool is_their_turn() {
  static int turn = 0;
  return turn++ % 5 == 0;
}

// As check_kernel, which tries all epilogues on weights in f32, for one of them and
// the others. `packed`: these weights. `channels`: of a group; there are `groups`.
template <typename Params, typename Channel>
void check_small_kernels(const SmallKernels& kernels, const Params& params,
                         const EpilogueCase& chosen, const std::vector<double>& sums,
                         const float* lhs, const Aligned<float>& packed,
                         std::int64_t channels, std::int64_t groups, Channel channel,
                         std::size_t scratch_bytes, const std::string& what) {
  if (!is_their_turn()) return;
  const Aligned<std::uint16_t> half(packed.size()), bfloat(packed.size());
  const Aligned<std::int8_t> bytes(packed.size());
  for (std::int64_t i = 0; i < packed.size(); ++i) {
    half[i] = exact_half(packed[i]);
    bfloat[i] = exact_bfloat(packed[i]);
    bytes[i] = static_cast<std::int8_t>(packed[i] / scale_of(i % TFN_PANEL));
  }
  const Aligned<float> scale(channels * groups + TFN_PANEL);
  for (std::int64_t i = 0; i < scale.size(); ++i) scale[i] = scale_of(i % channels);
  const auto check = [&](tfn_f32_kernel* kernel, const void* rhs, const char* type,
                         const float* scales) {
    check_kernel(kernel, params, chosen, sums, lhs, rhs, channels * groups, channel,
                 scratch_bytes, what + " " + type, 0, scales);
  };
  check(kernels.f16, half.data(), "f16", nullptr);
  check(kernels.bf16, bfloat.data(), "bf16", nullptr);
  check(kernels.s8, bytes.data(), "s8", scale.data());
}

}  // namespace tfnative::testing
