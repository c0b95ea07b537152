/* SPDX-FileCopyrightText: The tfnative authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The x86-64 psABI level of this machine, and the features that CPU levels may need
 * beside it. Included by emitted C only.
 */
#ifndef TFNATIVE_CPU_LEVEL_H_
#define TFNATIVE_CPU_LEVEL_H_

#include <stddef.h>
#include <stdint.h>

#include "tfnative/abi.h"

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

#ifdef __cplusplus
extern "C" {
#endif
#if defined(__aarch64__) && defined(__linux__)
unsigned long getauxval(unsigned long type);
#elif defined(__aarch64__) && defined(__APPLE__)
int sysctlbyname(const char* name, void* value, size_t* bytes, void* new_value,
                 size_t new_bytes);
#endif
#ifdef __cplusplus
}
#endif

/* The features of abi.h that this machine has, of those whose registers the operating
 * system saves, whether or not it gives the permission that one of them needs. */
static inline int32_t tfn_detect_features(void) {
  int32_t features = 0;
#if defined(__x86_64__)
  const int32_t level = tfn_host_level();
  unsigned highest, a, b, c, d;
  if (level < 3 || !__get_cpuid_count(7, 0, &highest, &b, &c, &d)) return 0;
  if (level >= 4 && (c & 1u << 11)) features |= TFN_AVX512_VNNI;
  if (level >= 4 && (d & 3u << 24) == 3u << 24) { /* AMX-TILE, AMX-INT8 */
    unsigned xcr0, high;
    __asm__("xgetbv" : "=a"(xcr0), "=d"(high) : "c"(0));
    if ((xcr0 & 3u << 17) == 3u << 17) features |= TFN_AMX_INT8;
  }
  if (highest >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & 1u << 4))
    features |= TFN_AVX_VNNI;
#elif defined(__aarch64__) && defined(__linux__)
  const unsigned long capabilities = 16, dotprod = 1ul << 20; /* AT_HWCAP, ASIMDDP */
  const unsigned long more = 26, i8mm = 1ul << 13;            /* AT_HWCAP2, I8MM */
  if (getauxval(capabilities) & dotprod) features |= TFN_DOTPROD;
  if (getauxval(more) & i8mm) features |= TFN_I8MM;
#elif defined(__aarch64__) && defined(__APPLE__)
  int32_t has = 0;
  size_t bytes = sizeof has;
  if (sysctlbyname("hw.optional.arm.FEAT_DotProd", &has, &bytes, 0, 0) == 0 && has)
    features |= TFN_DOTPROD;
  bytes = sizeof has;
  if (sysctlbyname("hw.optional.arm.FEAT_I8MM", &has, &bytes, 0, 0) == 0 && has)
    features |= TFN_I8MM;
#endif
  return features;
}

/* Whether this process may use the matrix unit. Asks Linux for the permission, from
 * which on it wants more room on stacks for signals: only to be called for what uses
 * it. */
static inline int tfn_may_use_amx(void) {
#if defined(__x86_64__) && defined(__linux__)
  static int32_t known = -1;
  int32_t granted = __atomic_load_n(&known, __ATOMIC_RELAXED);
  if (granted < 0) {
    /* arch_prctl(ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA), without a C library. */
    long result = 158;
    __asm__ volatile("syscall"
                     : "+a"(result)
                     : "D"(0x1023L), "S"(18L)
                     : "rcx", "r11", "memory");
    granted = result == 0;
    __atomic_store_n(&known, granted, __ATOMIC_RELAXED);
  }
  return granted;
#else
  return 0;
#endif
}

/* Whether this machine has what a CPU level needs (tfn_cpu_level.x86_level), and this
 * process may use it. */
static inline int tfn_host_has(int32_t needs) {
  static int32_t known = -1;
  int32_t features = __atomic_load_n(&known, __ATOMIC_RELAXED);
  if (features < 0) {
    features = tfn_detect_features();
    __atomic_store_n(&known, features, __ATOMIC_RELAXED);
  }
  if ((needs & TFN_PSABI_LEVEL) > tfn_host_level()) return 0;
  if (needs & ~TFN_PSABI_LEVEL & ~features) return 0;
  return !(needs & TFN_AMX_INT8) || tfn_may_use_amx();
}

#endif /* TFNATIVE_CPU_LEVEL_H_ */
