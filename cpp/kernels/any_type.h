// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Arithmetic on every element type, for the kernels that are right and not fast.
// An element type has a type that sums are kept in, and conversions between the two.
#pragma once

#include <stdint.h>
#include <string.h>

namespace {

inline float from_bits(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

inline uint32_t to_bits(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

// IEEE 754 binary16 to binary32 is exact: the exponent is shifted by multiplication,
// which also brings subnormal numbers into normal form.
inline float half_to_float(uint16_t half) {
  const uint32_t sign = (uint32_t)(half & 0x8000u) << 16;
  const uint32_t rest = (uint32_t)(half & 0x7FFFu) << 13;
  if ((half & 0x7C00u) == 0x7C00u) return from_bits(sign | 0x7F800000u | rest);
  return from_bits(sign | to_bits(from_bits(rest) * 0x1p112f));
}

// Rounds to the nearest, ties to even.
inline uint16_t float_to_half(float value) {
  const uint32_t bits = to_bits(value), sign = bits >> 16 & 0x8000u;
  uint32_t rest = bits & 0x7FFFFFFFu;
  if (rest > 0x7F800000u) return (uint16_t)(sign | 0x7E00u);   // NaN
  if (rest >= 0x477FF000u) return (uint16_t)(sign | 0x7C00u);  // Infinity
  if (rest < 0x38800000u) {
    // Subnormal: the addition rounds at the last place that is left.
    return (uint16_t)(sign | (to_bits(from_bits(rest) + 0.5f) - to_bits(0.5f)));
  }
  rest += 0xFFFu + (rest >> 13 & 1u);
  return (uint16_t)(sign | ((rest - 0x38000000u) >> 13));
}

inline uint16_t float_to_bfloat(float value) {
  const uint32_t bits = to_bits(value);
  if ((bits & 0x7FFFFFFFu) > 0x7F800000u) return (uint16_t)(bits >> 16 | 0x40u);
  return (uint16_t)((bits + 0x7FFFu + (bits >> 16 & 1u)) >> 16);
}

template <typename T>
struct Complex {
  T re, im;
};

template <typename T>
inline void multiply_add(T& sum, T a, T b) {
  sum = (T)(sum + a * b);
}
// Products of small unsigned types promote to int, which must not overflow.
inline void multiply_add(uint16_t& sum, uint16_t a, uint16_t b) {
  sum = (uint16_t)(sum + (uint32_t)a * b);
}
inline void multiply_add(int16_t& sum, int16_t a, int16_t b) {
  sum = (int16_t)(sum + (int32_t)a * b);
}
// Signed integers wrap around, as TensorFlow's do.
inline void multiply_add(int32_t& sum, int32_t a, int32_t b) {
  sum = (int32_t)((uint32_t)sum + (uint32_t)a * (uint32_t)b);
}
inline void multiply_add(int64_t& sum, int64_t a, int64_t b) {
  sum = (int64_t)((uint64_t)sum + (uint64_t)a * (uint64_t)b);
}
inline void multiply_add(bool& sum, bool a, bool b) { sum |= a && b; }
template <typename T>
inline void multiply_add(Complex<T>& sum, Complex<T> a, Complex<T> b) {
  sum.re += a.re * b.re - a.im * b.im;
  sum.im += a.re * b.im + a.im * b.re;
}

template <typename T>
inline void add(T& sum, T x) {
  multiply_add(sum, x, (T)1);
}
template <typename T>
inline void add(Complex<T>& sum, Complex<T> x) {
  sum.re += x.re;
  sum.im += x.im;
}

// Several sums of products side by side, each in pieces, so that errors of floats
// hardly grow with the number of products.
template <typename Sum, int kCount>
class Sums {
 public:
  // Each of the next products goes into one of these.
  Sum part[kCount] = {};

  // After a product for each of the sums.
  void next() {
    if (--left_ == 0) keep();
  }

  // After the last product.
  void finish() {
    keep();
    for (int i = 0; i < kCount; ++i) {
      part[i] = all_[i];
      add(part[i], pieces_[i]);
    }
  }

 private:
  static constexpr int64_t kTogether = 256;
  static constexpr int kPiecesTogether = 16;

  void keep() {
    move(part, pieces_);
    left_ = kTogether;
    if (--pieces_left_ > 0) return;
    move(pieces_, all_);
    pieces_left_ = kPiecesTogether;
  }

  static void move(Sum* from, Sum* to) {
    for (int i = 0; i < kCount; ++i) {
      add(to[i], from[i]);
      from[i] = Sum{};
    }
  }

  Sum pieces_[kCount] = {}, all_[kCount] = {};
  int64_t left_ = kTogether;
  int pieces_left_ = kPiecesTogether;
};

// An element type that sums are kept in as it is.
template <typename T>
struct Plain {
  typedef T Element;
  typedef T Sum;
  static Sum widen(Element value) { return value; }
  static Element narrow(Sum value) { return value; }
};

struct Half {
  typedef uint16_t Element;
  typedef float Sum;
  static Sum widen(Element value) { return half_to_float(value); }
  static Element narrow(Sum value) { return float_to_half(value); }
};

struct Bfloat {
  typedef uint16_t Element;
  typedef float Sum;
  static Sum widen(Element value) { return from_bits((uint32_t)value << 16); }
  static Element narrow(Sum value) { return float_to_bfloat(value); }
};

}  // namespace

// X(name in kernels.h, type)
#define TFN_ANY_TYPES(X)          \
  X(f32, Plain<float>)            \
  X(f64, Plain<double>)           \
  X(f16, Half)                    \
  X(bf16, Bfloat)                 \
  X(s8, Plain<int8_t>)            \
  X(s16, Plain<int16_t>)          \
  X(s32, Plain<int32_t>)          \
  X(s64, Plain<int64_t>)          \
  X(u8, Plain<uint8_t>)           \
  X(u16, Plain<uint16_t>)         \
  X(u32, Plain<uint32_t>)         \
  X(u64, Plain<uint64_t>)         \
  X(c64, Plain<Complex<float>>)   \
  X(c128, Plain<Complex<double>>) \
  X(pred, Plain<bool>)
