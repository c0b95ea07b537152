/* SPDX-FileCopyrightText: The tfnative authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Functions that XLA's code calls and that not every compiler's library has: GCC has
 * those for bfloat16 from version 13 on, and old C libraries do not round to even.
 *
 * C, included once in an artifact, for no CPU level in particular. Each function is
 * there where a TFN_NEEDS_ macro asks for it. They are weak: several models, and the
 * compiler's library, may have them, too.
 *
 * LLVM passes and returns 16-bit floats in the low half of a register that has a float
 * otherwise. So these functions say float, which all compilers know, and mean its bits.
 */
#ifndef TFNATIVE_BUILTINS_H_
#define TFNATIVE_BUILTINS_H_

#include <stdint.h>

#define TFN_BUILTIN __attribute__((weak, used))

/* A number of which every part is an integer: (-1)^sign * fraction * 2^(power - 52),
 * with a fraction in [2^52, 2^53), or 0. */
typedef struct {
  uint32_t sign;
  int power;
  uint64_t fraction;
} tfn_parts;

enum { TFN_INFINITE = 1 << 20, TFN_NOT_A_NUMBER = TFN_INFINITE + 1 };

static inline float tfn_float_of(uint32_t bits) {
  float value;
  __builtin_memcpy(&value, &bits, sizeof value);
  return value;
}

static inline uint32_t tfn_bits_of(float value) {
  uint32_t bits;
  __builtin_memcpy(&bits, &value, sizeof bits);
  return bits;
}

static inline tfn_parts tfn_take_apart(uint32_t sign, int exponent, int least,
                                       int special, uint64_t fraction) {
  tfn_parts parts = {sign, exponent, fraction};
  if (exponent == special) {
    parts.power = fraction ? TFN_NOT_A_NUMBER : TFN_INFINITE;
    return parts;
  }
  if (exponent > least) {
    parts.fraction |= (uint64_t)1 << 52;
    return parts;
  }
  parts.power = least + 1;
  while (parts.fraction && !(parts.fraction >> 52)) {
    parts.fraction <<= 1;
    --parts.power;
  }
  return parts;
}

static inline tfn_parts tfn_parts_of_float(uint32_t bits) {
  return tfn_take_apart(bits >> 31, (int)((bits >> 23) & 0xff) - 127, -127, 128,
                        (uint64_t)(bits & 0x7fffff) << 29);
}

static inline tfn_parts tfn_parts_of_double(double value) {
  uint64_t bits;
  __builtin_memcpy(&bits, &value, sizeof bits);
  return tfn_take_apart((uint32_t)(bits >> 63), (int)((bits >> 52) & 0x7ff) - 1023,
                        -1023, 1024, bits & (((uint64_t)1 << 52) - 1));
}

/* The nearest number with `bits` bits of fraction and exponents up to `most`, the even
 * one of two. */
static inline uint32_t tfn_narrow(tfn_parts of, int bits, int most) {
  const uint32_t sign = of.sign << 15;
  const uint32_t infinite = (uint32_t)(2 * most + 1) << bits;
  if (of.power == TFN_NOT_A_NUMBER)
    return sign | infinite | 1u << (bits - 1) | (uint32_t)(of.fraction >> (52 - bits));
  if (of.power > most) return sign | infinite;
  const int least = 1 - most;
  int dropped = 52 - bits;
  if (of.power < least) dropped += least - of.power;
  if (dropped > 53) return sign;
  const uint64_t half = (uint64_t)1 << (dropped - 1);
  const uint64_t rest = of.fraction & ((half << 1) - 1);
  uint32_t kept = (uint32_t)(of.fraction >> dropped);
  kept += rest > half || (rest == half && (kept & 1));
  /* The fraction's first bit, if it is there, counts one more exponent. */
  if (of.power >= least) kept += (uint32_t)(of.power - least) << bits;
  return sign | kept;
}

#if defined(TFN_NEEDS___truncsfbf2)
TFN_BUILTIN float __truncsfbf2(float value) {
  return tfn_float_of(tfn_narrow(tfn_parts_of_float(tfn_bits_of(value)), 7, 127));
}
#endif

#if defined(TFN_NEEDS___truncdfbf2)
TFN_BUILTIN float __truncdfbf2(double value) {
  return tfn_float_of(tfn_narrow(tfn_parts_of_double(value), 7, 127));
}
#endif

#if defined(TFN_NEEDS___truncsfhf2)
TFN_BUILTIN float __truncsfhf2(float value) {
  return tfn_float_of(tfn_narrow(tfn_parts_of_float(tfn_bits_of(value)), 10, 15));
}
#endif

#if defined(TFN_NEEDS___truncdfhf2)
TFN_BUILTIN float __truncdfhf2(double value) {
  return tfn_float_of(tfn_narrow(tfn_parts_of_double(value), 10, 15));
}
#endif

#if defined(TFN_NEEDS___aeabi_d2h)
/* Arm's own name, and its way of passing floats in integer registers. */
TFN_BUILTIN __attribute__((pcs("aapcs"))) uint32_t __aeabi_d2h(double value) {
  return tfn_narrow(tfn_parts_of_double(value), 10, 15);
}
#endif

#if defined(TFN_NEEDS___extendhfsf2)
TFN_BUILTIN float __extendhfsf2(float value) {
  const uint32_t bits = tfn_bits_of(value) & 0xffff;
  const uint32_t sign = (bits & 0x8000) << 16;
  uint32_t fraction = bits & 0x3ff;
  uint32_t exponent = (bits >> 10) & 0x1f;
  if (exponent == 0x1f) {
    const uint32_t quiet = fraction ? 1u << 22 : 0;
    return tfn_float_of(sign | 0x7f800000 | quiet | fraction << 13);
  }
  exponent += 127 - 15;
  if (exponent == 127 - 15) {
    if (fraction == 0) return tfn_float_of(sign);
    for (++exponent; !(fraction & 0x400); --exponent) fraction <<= 1;
    fraction &= 0x3ff;
  }
  return tfn_float_of(sign | exponent << 23 | fraction << 13);
}
#endif

#if defined(TFN_NEEDS_roundeven)
TFN_BUILTIN double roundeven(double value) {
  const double shift = 4503599627370496.0; /* From here on, all are whole. */
  const double size = __builtin_fabs(value);
  if (!(size < shift)) return value;
  volatile double shifted = size + shift;
  return __builtin_copysign(shifted - shift, value);
}
#endif

#if defined(TFN_NEEDS_roundevenf)
TFN_BUILTIN float roundevenf(float value) {
  const float shift = 8388608.0f;
  const float size = __builtin_fabsf(value);
  if (!(size < shift)) return value;
  volatile float shifted = size + shift;
  return __builtin_copysignf(shifted - shift, value);
}
#endif

#if defined(_WIN32)
/* LLVM computes sine and cosine in one call, which Microsoft's library does not have.
 * A compiler must not do so here: it does not see that both are of the same number. */
#if defined(TFN_NEEDS_sincosf)
float sinf(float);
float cosf(float);
TFN_BUILTIN void sincosf(float value, float* sine, float* cosine) {
  volatile float angle = value;
  *sine = sinf(angle);
  *cosine = cosf(angle);
}
#endif
#if defined(TFN_NEEDS_sincos)
double sin(double);
double cos(double);
TFN_BUILTIN void sincos(double value, double* sine, double* cosine) {
  volatile double angle = value;
  *sine = sin(angle);
  *cosine = cos(angle);
}
#endif
#endif

#endif /* TFNATIVE_BUILTINS_H_ */
