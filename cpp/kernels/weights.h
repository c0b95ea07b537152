/* SPDX-FileCopyrightText: The tfnative authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Checks weights that are apart before they are used. Included by emitted C only.
 */
#ifndef TFNATIVE_WEIGHTS_H_
#define TFNATIVE_WEIGHTS_H_

#include <stdint.h>
#include <string.h>

#include "tfnative/abi.h"

/* SHA-256: FIPS 180-4. */
static inline uint32_t tfn_rotate(uint32_t x, int bits) {
  return x >> bits | x << (32 - bits);
}

static void tfn_sha256_block(uint32_t state[8], const uint8_t* block) {
  static const uint32_t k[64] = {
      0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
      0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
      0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
      0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
      0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
      0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
      0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
      0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
      0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
      0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
      0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};
  uint32_t w[64], v[8];
  for (int i = 0; i < 16; ++i) {
    w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
           (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
  }
  for (int i = 16; i < 64; ++i) {
    const uint32_t a = w[i - 15], b = w[i - 2];
    w[i] = w[i - 16] + (tfn_rotate(a, 7) ^ tfn_rotate(a, 18) ^ a >> 3) + w[i - 7] +
           (tfn_rotate(b, 17) ^ tfn_rotate(b, 19) ^ b >> 10);
  }
  memcpy(v, state, sizeof v);
  for (int i = 0; i < 64; ++i) {
    const uint32_t s1 =
        tfn_rotate(v[4], 6) ^ tfn_rotate(v[4], 11) ^ tfn_rotate(v[4], 25);
    const uint32_t s0 =
        tfn_rotate(v[0], 2) ^ tfn_rotate(v[0], 13) ^ tfn_rotate(v[0], 22);
    const uint32_t t1 = v[7] + s1 + ((v[4] & v[5]) ^ (~v[4] & v[6])) + k[i] + w[i];
    const uint32_t t2 = s0 + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
    memmove(v + 1, v, 7 * sizeof v[0]);
    v[4] += t1;
    v[0] = t1 + t2;
  }
  for (int i = 0; i < 8; ++i) state[i] += v[i];
}

static inline void tfn_sha256(const uint8_t* data, uint64_t bytes, uint8_t digest[32]) {
  uint32_t state[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                       0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  uint64_t left = bytes;
  for (; left >= 64; left -= 64, data += 64) tfn_sha256_block(state, data);
  uint8_t last[128] = {0};
  memcpy(last, data, left);
  last[left] = 0x80;
  const int size = left < 56 ? 64 : 128;
  for (int i = 0; i < 8; ++i) last[size - 1 - i] = (uint8_t)(bytes * 8 >> 8 * i);
  for (int at = 0; at < size; at += 64) tfn_sha256_block(state, last + at);
  for (int i = 0; i < 32; ++i) digest[i] = (uint8_t)(state[i / 4] >> 8 * (3 - i % 4));
}

/* 0, or what is wrong with weights: TFN_WEIGHTS_*. */
static inline int32_t tfn_check_weights(const void* weights, uint64_t bytes,
                                        uint64_t expected,
                                        const uint8_t expected_digest[32]) {
  uint8_t digest[32];
  if (weights == 0 || (uintptr_t)weights % TFN_ALIGNMENT != 0)
    return TFN_WEIGHTS_NOT_ALIGNED;
  if (bytes != expected) return TFN_WEIGHTS_OTHER_SIZE;
  tfn_sha256((const uint8_t*)weights, bytes, digest);
  return memcmp(digest, expected_digest, 32) == 0 ? 0 : TFN_WEIGHTS_OTHER_DIGEST;
}

#endif /* TFNATIVE_WEIGHTS_H_ */
