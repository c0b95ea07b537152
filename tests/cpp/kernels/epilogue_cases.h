// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// What an f32 kernel may be asked to do with its sums, and in how many parts: each
// test of a kernel goes through all of them.
#pragma once

#include <gtest/gtest.h>

#include "reference.h"

namespace tfnative::testing {

constexpr tfn_epilogue kNoEpilogue = {TFN_LINEAR, -INFINITY, INFINITY};

enum class Addend { kNone, kOther, kOutput };

struct EpilogueCase {
  tfn_epilogue epilogue;
  bool bias;
  Addend addend;
  std::int32_t parts;
};

inline std::vector<EpilogueCase> epilogue_cases() {
  return {
      {kNoEpilogue, false, Addend::kNone, 1},
      {{TFN_LINEAR, 0, 6}, true, Addend::kNone, 2},
      {{TFN_LINEAR, 0, INFINITY}, true, Addend::kOther, 3},
      {kNoEpilogue, false, Addend::kOutput, 2},
      {{TFN_SWISH, -INFINITY, INFINITY}, true, Addend::kNone, 1},
      {{TFN_SIGMOID, -INFINITY, INFINITY}, false, Addend::kOther, 2},
      {{TFN_TANH, -2, INFINITY}, true, Addend::kOutput, 1},
  };
}

inline double finished(const tfn_epilogue& p, double x) {
  x = std::min(std::max(x, static_cast<double>(p.low)), static_cast<double>(p.high));
  if (p.activation == TFN_SIGMOID) return 1 / (1 + std::exp(-x));
  if (p.activation == TFN_SWISH) return x / (1 + std::exp(-x));
  return p.activation == TFN_TANH ? std::tanh(x) : x;
}

// Runs `kernel` and compares with `sums`, the results before the epilogue. `channel`
// is that of each result, of `channels`; `scratch_bytes` is what one part needs,
// a sum may be off by `tolerance`, and weights in s8 are multiplied with `scale`.
template <typename Params, typename Channel>
void check_kernel(tfn_f32_kernel* kernel, Params params, const EpilogueCase& chosen,
                  const std::vector<double>& sums, const float* lhs, const void* rhs,
                  std::int64_t channels, Channel channel, std::size_t scratch_bytes,
                  const std::string& what, double tolerance = 0,
                  const float* scale = nullptr) {
  const auto size = static_cast<std::int64_t>(sums.size());
  Aligned<float> out(size), other(size), bias(channels + TFN_PANEL);
  fill(out, 9);
  fill(other, 10);
  fill(bias, 11);
  const Aligned<char> scratch(static_cast<std::int64_t>(scratch_bytes));
  const float* const addend = chosen.addend == Addend::kNone     ? nullptr
                              : chosen.addend == Addend::kOutput ? out.data()
                                                                 : other.data();
  params.epilogue = chosen.epilogue;
  std::vector<double> expected;
  for (std::int64_t i = 0; i < size; ++i) {
    const double sum = sums[static_cast<std::size_t>(i)] +
                       (chosen.bias ? bias[channel(i)] : 0) + (addend ? addend[i] : 0);
    expected.push_back(finished(chosen.epilogue, sum));
  }
  const tfn_operands operands = {
      lhs,    rhs,        chosen.bias ? bias.data() : nullptr,
      addend, out.data(), scratch.data(),
      scale};
  for (std::int32_t part = 0; part < chosen.parts; ++part) {
    kernel(&params, &operands, {part, chosen.parts});
  }
  const bool exact = chosen.epilogue.activation == TFN_LINEAR;
  for (std::int64_t i = 0; i < size; ++i) {
    const double wanted = expected[static_cast<std::size_t>(i)];
    const double rounding = exact ? 0 : 1e-6 * std::max(1.0, std::abs(wanted));
    const double allowed = tolerance + rounding;
    if (std::abs(wanted - out[i]) <= allowed) continue;  // Quicker than to ask.
    ASSERT_NEAR(wanted, out[i], allowed)
        << what << " at " << i << ", activation " << chosen.epilogue.activation
        << " in " << chosen.parts << " parts";
  }
}

}  // namespace tfnative::testing
