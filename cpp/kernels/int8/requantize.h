// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// From floats to the bytes of quantized arrays, with the same bits on every machine.
#pragma once

#include "int8/gemm/floats.h"
#include "quantized.h"

namespace TFN_NAMESPACE {

// Whole numbers of a result: round(x) + zero, between two bounds.
class Requantize {
 public:
  explicit Requantize(const tfn_requantize& p)
      : least_(broadcast((float)(p.low - p.zero))),
        most_(broadcast((float)(p.high - p.zero))),
        zero_less_bits_(p.zero - kBitsOfMagic - IntVec{}) {}

  // `x` must not be a product that is not rounded yet: see rounded().
  INLINE IntVec operator()(Vec x) const {
    const Vec shifted = larger(smaller(x, most_), least_) + broadcast(kMagic);
    IntVec bits;
    memcpy(&bits, &shifted, sizeof bits);
    return bits + zero_less_bits_;
  }

 private:
  // Adding 1.5 * 2^23 rounds to a whole number, which is then in the low bits.
  static constexpr float kMagic = 12582912.0f;
  static constexpr int32_t kBitsOfMagic = 0x4B400000;

  const Vec least_, most_;
  const IntVec zero_less_bits_;
};

}  // namespace TFN_NAMESPACE
