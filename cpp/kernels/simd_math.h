// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Functions of vectors of floats, good to a few units in the last place. NaN stays NaN.
#pragma once

#include "simd.h"

namespace TFN_NAMESPACE {

typedef int32_t IntVec __attribute__((vector_size(kLanes * 4)));

// exp(x) = 2^n * exp(r) with a whole n and |r| <= ln(2) / 2, where the first terms of
// the series of exp, adjusted for that range (the cephes library's), do.
inline Vec exp(Vec x) {
  const Vec low = broadcast(-87.33654f), high = broadcast(88.37626f);
  x = x < low ? low : x;
  x = x > high ? high : x;
  // Adding 1.5 * 2^23 rounds to a whole number, which is then in the low bits.
  const Vec magic = broadcast(12582912.0f);
  const Vec shifted = x * broadcast(1.44269504f) + magic;
  const Vec n = shifted - magic;
  Vec r = x - n * broadcast(0.693359375f);
  r = r - n * broadcast(-2.12194440e-4f);
  Vec p = broadcast(1.9875691500e-4f);
  p = p * r + broadcast(1.3981999507e-3f);
  p = p * r + broadcast(8.3334519073e-3f);
  p = p * r + broadcast(4.1665795894e-2f);
  p = p * r + broadcast(1.6666665459e-1f);
  p = p * r + broadcast(5.0000001201e-1f);
  p = p * (r * r) + r + broadcast(1);
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
