// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Which input positions a convolution reads.
#pragma once

#include "kernels.h"

namespace {

// The position that place `k` of the kernel reads for output `o` in dimension `d`,
// or -1 if that is padding or a hole of the input's dilation.
inline int64_t input_position(const tfn_conv& p, int d, int64_t o, int64_t k) {
  const int64_t spread = o * p.stride[d] - p.padding_low[d] + k * p.window_dilation[d];
  if (spread < 0) return -1;
  int64_t position = spread;
  if (p.base_dilation[d] != 1) {
    if (spread % p.base_dilation[d] != 0) return -1;
    position = spread / p.base_dilation[d];
  }
  return position < p.in[d] ? position : -1;
}

inline int64_t pixels(const int64_t (&sizes)[3]) {
  return sizes[0] * sizes[1] * sizes[2];
}

}  // namespace
