// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Quantized convolutions whose results are bytes.
#include "int8/convolve.h"
#include "int8/requantize.h"
#include "int8/store_bytes.h"

using namespace TFN_NAMESPACE;

namespace {

// What is added to results before they are rounded.
struct Addend {
  const uint8_t* bytes;  // Or null.
  IntVec zero;
  Vec scale;

  INLINE Vec operator()(int64_t at) const {
    return rounded(__builtin_convertvector(load_bytes(bytes + at) - zero, Vec) * scale);
  }
};

// Results of a row that have room for whole vectors.
INLINE void finish_whole(const IntVec* sums, const Int8Channels* channels,
                         const Requantize& requantize, const Addend& addend, int64_t at,
                         uint8_t* out) {
  IntVec q[kByteVectors];
  UNROLL for (int v = 0; v < kByteVectors; ++v) {
    Vec x = channels[v](sums[v]);
    if (addend.bytes) x += addend(at + v * kLanes);
    q[v] = requantize(x);
  }
  store_bytes(out + at, q);
}

// Fewer results, or not all vectors.
__attribute__((noinline)) void finish_partly(const IntVec* sums, int vectors,
                                             const Int8Channels* channels,
                                             const Requantize& requantize,
                                             Addend addend, int64_t at, int64_t count,
                                             uint8_t* out) {
  uint8_t added[kBytesTogether] = {}, results[kBytesTogether];
  IntVec all[kByteVectors] = {};
  for (int v = 0; v < vectors; ++v) all[v] = sums[v];
  if (addend.bytes) memcpy(added, addend.bytes + at, (size_t)count);
  if (addend.bytes) addend.bytes = added;
  finish_whole(all, channels, requantize, addend, 0, results);
  memcpy(out + at, results, (size_t)count);
}

__attribute__((noinline)) void look_up(const uint8_t* table, const Int8Sums& tile,
                                       uint8_t* out) {
  const int64_t most = tile.vectors * kLanes;
  const int64_t count = tile.columns < most ? tile.columns : most;
  for (int r = 0; r < tile.rows; ++r) {
    uint8_t* const row = out + tile.at[r];
    for (int64_t i = 0; i < count; ++i) row[i] = table[row[i]];
  }
}

void finish_bytes(const tfn_conv_int8& p, const tfn_operands& o, const Int8Sums& tile) {
  const Requantize requantize(p.result);
  const Addend addend = {(const uint8_t*)o.addend, p.addend_zero - IntVec{},
                         broadcast(p.addend_scale)};
  uint8_t* const out = (uint8_t*)o.out;
  for (int v = 0; v < tile.vectors && v * kLanes < tile.columns; v += kByteVectors) {
    const int vectors = tile.vectors - v < kByteVectors ? 1 : kByteVectors;
    const Int8Channels channels[] = {{p, tile, v}, {p, tile, vectors == 1 ? v : v + 1}};
    const int64_t most = vectors * kLanes, left = tile.columns - v * kLanes;
    const int64_t count = left < most ? left : most;
    for (int r = 0; r < tile.rows; ++r) {
      const IntVec* const sums = tile.sums + r * tile.vectors + v;
      const int64_t at = tile.at[r] + v * kLanes;
      if (count == kBytesTogether) {
        finish_whole(sums, channels, requantize, addend, at, out);
      } else {
        finish_partly(sums, vectors, channels, requantize, addend, at, count, out);
      }
    }
  }
  if (p.result.table) look_up(p.result.table, tile, out);
}

}  // namespace

void TFN_KERNEL(conv_int8)(const void* params, const tfn_operands* o, tfn_part part) {
  const tfn_conv_int8& p = *(const tfn_conv_int8*)params;
  const int64_t (&out)[3] = p.conv.out;
  convolve_int8(p, *o, part, finish_bytes,
                TFN_INT8_ROW_BYTES(out[0] * out[1] * out[2] * p.conv.out_channels));
}
