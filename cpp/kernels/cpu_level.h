/* SPDX-FileCopyrightText: The tfnative authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The x86-64 psABI level of this machine. Included by emitted C only.
 */
#ifndef TFNATIVE_CPU_LEVEL_H_
#define TFNATIVE_CPU_LEVEL_H_

#include <stdint.h>

#if defined(__x86_64__)

#include <cpuid.h>

static inline int32_t tfn_detect_level(void) {
  unsigned a, b, c, d, xcr0 = 0, high;
  /* SSE3, SSSE3, CMPXCHG16B, SSE4.1, SSE4.2, POPCNT; LAHF. */
  const unsigned v2 = 1u | 1u << 9 | 1u << 13 | 1u << 19 | 1u << 20 | 1u << 23;
  /* FMA, MOVBE, OSXSAVE, AVX, F16C; BMI1, AVX2, BMI2; LZCNT. */
  const unsigned v3 = 1u << 12 | 1u << 22 | 1u << 27 | 1u << 28 | 1u << 29;
  const unsigned v3_b = 1u << 3 | 1u << 5 | 1u << 8;
  /* AVX512F, DQ, CD, BW, VL. */
  const unsigned v4_b = 1u << 16 | 1u << 17 | 1u << 28 | 1u << 30 | 1u << 31;
  unsigned c1, c_extended;
  if (!__get_cpuid(1, &a, &b, &c1, &d)) return 1;
  if (!__get_cpuid(0x80000001u, &a, &b, &c_extended, &d)) return 1;
  if ((c1 & v2) != v2 || !(c_extended & 1u)) return 1;
  if ((c1 & v3) != v3 || !(c_extended & 1u << 5)) return 2;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (b & v3_b) != v3_b) return 2;
  /* The operating system must save the registers, too. */
  __asm__("xgetbv" : "=a"(xcr0), "=d"(high) : "c"(0));
  if ((xcr0 & 0x6u) != 0x6u) return 2;
  if ((b & v4_b) != v4_b || (xcr0 & 0xe6u) != 0xe6u) return 3;
  return 4;
}

#else

static inline int32_t tfn_detect_level(void) { return 0; }

#endif

/* The level, found once: CPUID takes microseconds in a virtual machine. Threads
 * that race store the same number. */
static inline int32_t tfn_host_level(void) {
  static int32_t known = -1;
  int32_t level = __atomic_load_n(&known, __ATOMIC_RELAXED);
  if (level < 0) {
    level = tfn_detect_level();
    __atomic_store_n(&known, level, __ATOMIC_RELAXED);
  }
  return level;
}

#endif /* TFNATIVE_CPU_LEVEL_H_ */
