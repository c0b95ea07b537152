// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Quantized convolutions whose results are floats.
#include "epilogue.h"
#include "int8/convolve.h"

using namespace TFN_NAMESPACE;

namespace {

void finish_floats(const tfn_conv_int8& p, const tfn_operands& o,
                   const Int8Sums& tile) {
  const Clamp clamp = {broadcast(p.conv.epilogue.low), broadcast(p.conv.epilogue.high)};
  for (int v = 0; v < tile.vectors && v * kLanes < tile.columns; ++v) {
    const Int8Channels channels(p, tile, v);
    const int64_t left = tile.columns - v * kLanes;
    const size_t bytes = (left < kLanes ? (size_t)left : kLanes) * sizeof(float);
    for (int r = 0; r < tile.rows; ++r) {
      const Vec value = clamp(channels(tile.sums[r * tile.vectors + v]));
      float* const to = o.out + tile.at[r] + v * kLanes;
      if (left >= kLanes) {
        store(to, value);
      } else {
        memcpy(to, &value, bytes);
      }
    }
  }
}

}  // namespace

void TFN_KERNEL(conv_int8_to_f32)(const void* params, const tfn_operands* o,
                                  tfn_part part) {
  const tfn_conv_int8& p = *(const tfn_conv_int8*)params;
  const int64_t (&out)[3] = p.conv.out;
  convolve_int8(p, *o, part, finish_floats,
                out[0] * out[1] * out[2] * p.conv.out_channels);
}
