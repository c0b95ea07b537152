// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Quantized convolutions whose results are bytes.
#include "int8/convolve.h"
#include "int8/result_bytes.h"

using namespace TFN_NAMESPACE;

namespace {

// What is added to results before they are rounded.
class Addend {
 public:
  Addend(const tfn_conv_int8& p, const void* bytes)
      : bytes_((const uint8_t*)bytes),
        zero_(p.addend_zero - IntVec{}),
        scale_(broadcast(p.addend_scale)) {}

  const uint8_t* bytes() const { return bytes_; }  // Or null.

  // Of the result at a place of the output, of which there are `count`.
  INLINE Vec at(const uint8_t* from, int64_t count) const {
    const IntVec q = load_bytes(from, count);
    return rounded(__builtin_convertvector(q - zero_, Vec) * scale_);
  }

 private:
  const uint8_t* const bytes_;
  const IntVec zero_;
  const Vec scale_;
};

// Some vectors of columns of a tile.
template <int N>
class Columns {
 public:
  INLINE Columns(const tfn_conv_int8& p, const Int8Sums& tile, int vector) {
    UNROLL for (int v = 0; v < N; ++v) {
      channels_[v] = Int8Channels(p, tile, vector + v);
    }
  }

  // Results of a row, and what is added to them, if it is not null.
  INLINE void finish(const IntVec* sums, const ResultBytes& results,
                     const Addend& addend, const uint8_t* added, int64_t count,
                     uint8_t* to) const {
    Vec x[N];
    UNROLL for (int v = 0; v < N; ++v) x[v] = channels_[v](sums[v]);
    if (added) {
      UNROLL for (int v = 0; v < N; ++v) {
        x[v] += addend.at(added + v * kLanes, count - v * kLanes);
      }
    }
    results.store(x, to, count);
  }

  // Fewer results than vectors have, where parts of vectors cannot be stored.
  __attribute__((noinline)) void finish_partly(const IntVec* sums,
                                               const ResultBytes& results,
                                               const Addend& addend,
                                               const uint8_t* added, int64_t count,
                                               uint8_t* to) const {
    uint8_t copy[N * kLanes] = {}, all[N * kLanes];
    if (added) memcpy(copy, added, (size_t)count);
    finish(sums, results, addend, added ? copy : nullptr, N * kLanes, all);
    memcpy(to, all, (size_t)count);
  }

 private:
  Int8Channels channels_[N];
};

// The output, and what makes bytes of it.
struct Output {
  const ResultBytes results;
  const Addend addend;
  uint8_t* const bytes;
};

template <int N>
INLINE void finish_columns(const tfn_conv_int8& p, const Int8Sums& tile, int vector,
                           const Output& out) {
  const Columns<N> columns(p, tile, vector);
  const uint8_t* const addend = out.addend.bytes();
  const int64_t left = tile.columns - vector * kLanes;
  const int64_t count = left < N * kLanes ? left : N * kLanes;
  const IntVec* sums = tile.sums + vector;
  for (int r = 0; r < tile.rows; ++r, sums += tile.vectors) {
    const int64_t at = tile.at[r] + vector * kLanes;
    const uint8_t* const added = addend ? addend + at : nullptr;
    if (kStoresParts || count == N * kLanes) {
      columns.finish(sums, out.results, out.addend, added, count, out.bytes + at);
    } else {
      columns.finish_partly(sums, out.results, out.addend, added, count,
                            out.bytes + at);
    }
  }
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
  const Output out = {ResultBytes(p.result), Addend(p, o.addend), (uint8_t*)o.out};
  for (int v = 0; v < tile.vectors && v * kLanes < tile.columns;) {
    const int left = tile.vectors - v;
    if (left >= kByteVectors) {
      finish_columns<kByteVectors>(p, tile, v, out);
      v += kByteVectors;
    } else if (kByteVectors > 2 && left >= 2) {
      finish_columns<2>(p, tile, v, out);
      v += 2;
    } else {
      finish_columns<1>(p, tile, v, out);
      ++v;
    }
  }
  if (p.result.table) look_up(p.result.table, tile, out.bytes);
}

}  // namespace

void TFN_KERNEL(conv_int8)(const void* params, const tfn_operands* o, tfn_part part) {
  const tfn_conv_int8& p = *(const tfn_conv_int8*)params;
  const int64_t (&out)[3] = p.conv.out;
  convolve_int8(p, *o, part, finish_bytes,
                TFN_INT8_ROW_BYTES(out[0] * out[1] * out[2] * p.conv.out_channels));
}
