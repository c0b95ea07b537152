// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Functions of vectors of floats. NaN stays NaN.
#pragma once

#include "simd.h"

namespace TFN_NAMESPACE {

typedef int32_t IntVec __attribute__((vector_size(kLanes * 4)));

// exp(x) = 2^t with t = x / ln(2), which is n, a whole number, and a rest of at most
// half. The polynomial for 2^rest is fitted to that range, to 8e-8 of its value. The
// relative error of all is 1e-7 and |x| * 1e-7.
inline Vec exp(Vec x) {
  Vec t = x * broadcast(1.44269504f);
  const Vec low = broadcast(-126), high = broadcast(127);
  t = t < low ? low : t;
  t = t > high ? high : t;
  // Adding 1.5 * 2^23 rounds to a whole number, which is then in the low bits.
  const Vec magic = broadcast(12582912.0f);
  const Vec shifted = t + magic;
  const Vec rest = t - (shifted - magic);
  Vec p = broadcast(1.327647129e-3f);
  p = p * rest + broadcast(9.675540961e-3f);
  p = p * rest + broadcast(5.550713092e-2f);
  p = p * rest + broadcast(2.402212024e-1f);
  p = p * rest + broadcast(6.931469440e-1f);
  p = p * rest + broadcast(1.0000001192f);
  IntVec bits;
  memcpy(&bits, &shifted, sizeof bits);
  bits = (bits + 127) << 23;
  Vec scale;
  memcpy(&scale, &bits, sizeof scale);
  return p * scale;
}

inline Vec sigmoid(Vec x) { return broadcast(1) / (broadcast(1) + exp(-x)); }

// A quotient of polynomials, fitted to the range in which tanh in float is not 1 (the
// coefficients that Eigen and XLA use).
inline Vec tanh(Vec x) {
  const Vec limit = broadcast(7.99881172f);
  x = x < -limit ? -limit : x;
  x = x > limit ? limit : x;
  const Vec s = x * x;
  Vec p = broadcast(-2.76076847742355e-16f);
  p = p * s + broadcast(2.00018790482477e-13f);
  p = p * s + broadcast(-8.60467152213735e-11f);
  p = p * s + broadcast(5.12229709037114e-08f);
  p = p * s + broadcast(1.48572235717979e-05f);
  p = p * s + broadcast(6.37261928875436e-04f);
  p = p * s + broadcast(4.89352455891786e-03f);
  Vec q = broadcast(1.19825839466702e-06f);
  q = q * s + broadcast(1.18534705686654e-04f);
  q = q * s + broadcast(2.26843463243900e-03f);
  q = q * s + broadcast(4.89352518554385e-03f);
  return x * p / q;
}

}  // namespace TFN_NAMESPACE
