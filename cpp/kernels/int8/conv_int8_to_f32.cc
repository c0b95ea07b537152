// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Quantized convolutions whose results are floats.
#include "epilogue.h"
#include "int8/convolve.h"

using namespace TFN_NAMESPACE;

namespace {

struct Output {
  Clamp clamp;
  float* first;
};

void finish_floats(const void* results, const Int8Sums& tile) {
  const Output& out = *(const Output*)results;
  const Clamp clamp = out.clamp;
  for (int v = 0; v < tile.vectors && v * kLanes < tile.columns; ++v) {
    const Int8Channels channels = tile.channels[v];
    const int64_t left = tile.columns - v * kLanes;
    const size_t bytes = (left < kLanes ? (size_t)left : kLanes) * sizeof(float);
    for (int64_t i = 0; i < tile.pixels; ++i) {
      const Vec value = clamp(channels(tile.sums[i * tile.vectors + v]));
      float* const to = out.first + tile.at[i] + tile.channel + v * kLanes;
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
  const tfn_epilogue& epilogue = p.conv.epilogue;
  const int64_t (&out)[3] = p.conv.out;
  const Output results = {{broadcast(epilogue.low), broadcast(epilogue.high)}, o->out};
  convolve_int8(p, *o, part,
                {finish_floats, nullptr, &results,
                 out[0] * out[1] * out[2] * p.conv.out_channels});
}
