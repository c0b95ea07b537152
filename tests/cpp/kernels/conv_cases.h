// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Convolutions to test kernels with.
#pragma once

#include "epilogue_cases.h"

namespace tfnative::testing {

// The output size that XLA would infer.
inline void set_output(tfn_conv& p, const std::int64_t (&padding_high)[3]) {
  for (int d = 0; d < 3; ++d) {
    const std::int64_t spread =
        (p.in[d] - 1) * p.base_dilation[d] + 1 + p.padding_low[d] + padding_high[d];
    const std::int64_t reach = (p.kernel[d] - 1) * p.window_dilation[d] + 1;
    p.out[d] = spread < reach ? 0 : (spread - reach) / p.stride[d] + 1;
  }
}

inline tfn_conv convolution(std::int64_t batch, std::int64_t in_channels,
                            std::int64_t out_channels, std::int64_t groups,
                            const std::int64_t (&in)[3],
                            const std::int64_t (&kernel)[3]) {
  tfn_conv p = {};
  p.batch = batch;
  p.in_channels = in_channels;
  p.out_channels = out_channels;
  p.groups = groups;
  for (int d = 0; d < 3; ++d) {
    p.in[d] = in[d];
    p.kernel[d] = kernel[d];
    p.stride[d] = p.base_dilation[d] = p.window_dilation[d] = 1;
  }
  p.epilogue = kNoEpilogue;
  return p;
}

inline std::string name(const tfn_conv& p) {
  std::string text = "batch " + std::to_string(p.batch) + ", channels " +
                     std::to_string(p.in_channels) + " to " +
                     std::to_string(p.out_channels) + " in " +
                     std::to_string(p.groups) + " groups";
  for (int d = 0; d < 3; ++d) {
    text += "; in " + std::to_string(p.in[d]) + " kernel " +
            std::to_string(p.kernel[d]) + " stride " + std::to_string(p.stride[d]) +
            " padding " + std::to_string(p.padding_low[d]) + " base " +
            std::to_string(p.base_dilation[d]) + " window " +
            std::to_string(p.window_dilation[d]) + " out " + std::to_string(p.out[d]);
  }
  return text;
}

}  // namespace tfnative::testing
