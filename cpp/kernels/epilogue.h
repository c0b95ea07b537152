// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// What happens to sums in registers before they are stored: tfn_epilogue.
#pragma once

#include "simd_math.h"

namespace TFN_NAMESPACE {

// A comparison with NaN is false, so that NaN passes.
struct Clamp {
  Vec low, high;

  Vec operator()(Vec x) const {
    x = x < low ? low : x;
    return x > high ? high : x;
  }
};

class Epilogue {
 public:
  Epilogue(const tfn_epilogue& p, const tfn_operands& operands)
      : scale_(operands.scale),
        bias_(operands.bias),
        addend_(operands.addend),
        out_(operands.out),
        low_(p.low),
        high_(p.high),
        activation_(p.activation) {}

  // The scales of the channels from `channel` on, or null.
  const float* scale(int64_t channel) const {
    return scale_ ? scale_ + channel : nullptr;
  }

  // The biases of the channels from `channel` on, or null.
  const float* bias(int64_t channel) const { return bias_ ? bias_ + channel : nullptr; }

  // The addend of the result that is stored to `to`, or null.
  const float* addend(const float* to) const {
    return addend_ ? addend_ + (to - out_) : nullptr;
  }

  bool has_addend() const { return addend_ != nullptr; }

  Clamp clamp() const { return {broadcast(low_), broadcast(high_)}; }

  bool has_activation() const { return activation_ != TFN_LINEAR; }

  // Applies the activation in place, to so many vectors in each row. Out of line and
  // many at once, since one vector alone would wait for its own results.
  void activate(float* const* row, int rows, int vectors) const;

  // All of it for fewer results than a vector has: `sum` holds `count` of them, whose
  // places are `stride` apart.
  void finish(Vec sum, int64_t channel, float* to, int64_t stride,
              int64_t count) const {
    if (scale_) sum *= load(scale_ + channel);
    if (bias_) sum += load(bias_ + channel);
    if (const float* const more = addend(to)) {
      float line[kLanes] = {};
      for (int64_t i = 0; i < count; ++i) line[i] = more[i * stride];
      sum += load(line);
    }
    float line[kLanes];
    store(line, clamp()(sum));
    float* const row = line;
    if (has_activation()) activate(&row, 1, 1);
    for (int64_t i = 0; i < count; ++i) to[i * stride] = line[i];
  }

 private:
  const float* const scale_;
  const float* const bias_;
  const float* const addend_;
  const float* const out_;
  const float low_, high_;
  const int32_t activation_;
};

}  // namespace TFN_NAMESPACE
