/* SPDX-FileCopyrightText: The tfnative authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * How a thread computes with numbers too small to be normal. TensorFlow's threads
 * take them as zeros, and give zeros for them, so a run does so, too, and leaves the
 * thread as it was. Included by emitted C only.
 */
#ifndef TFNATIVE_FLOAT_MODE_H_
#define TFNATIVE_FLOAT_MODE_H_

#include <stdint.h>

/* The bits of the control register that flush results and operands to zero. */
#if defined(__x86_64__)
#define TFN_FLUSH_BITS 0x8040u
#elif defined(__aarch64__) || (defined(__arm__) && defined(__ARM_FP))
#define TFN_FLUSH_BITS 0x1000000u
#else
#define TFN_FLUSH_BITS 0u
#endif

static inline uint64_t tfn_float_mode(void) {
#if defined(__x86_64__)
  uint32_t mode;
  __asm__ volatile("stmxcsr %0" : "=m"(mode) : : "memory");
  return mode;
#elif defined(__aarch64__)
  uint64_t mode;
  __asm__ volatile("mrs %0, fpcr" : "=r"(mode) : : "memory");
  return mode;
#elif defined(__arm__) && defined(__ARM_FP)
  uint32_t mode;
  __asm__ volatile("vmrs %0, fpscr" : "=r"(mode) : : "memory");
  return mode;
#else
  return 0;
#endif
}

static inline void tfn_set_float_mode(uint64_t mode) {
#if defined(__x86_64__)
  const uint32_t bits = (uint32_t)mode;
  __asm__ volatile("ldmxcsr %0" : : "m"(bits) : "memory");
#elif defined(__aarch64__)
  __asm__ volatile("msr fpcr, %0" : : "r"(mode) : "memory");
#elif defined(__arm__) && defined(__ARM_FP)
  __asm__ volatile("vmsr fpscr, %0" : : "r"((uint32_t)mode) : "memory");
#else
  (void)mode;
#endif
}

/* Returns the mode that the thread had, for tfn_set_float_mode. */
static inline uint64_t tfn_flush_denormals(void) {
  const uint64_t before = tfn_float_mode();
  tfn_set_float_mode(before | TFN_FLUSH_BITS);
  return before;
}

#endif /* TFNATIVE_FLOAT_MODE_H_ */
