// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Quantized convolutions whose results are bytes.
#include "int8/convolve.h"
#include "int8/look_up.h"
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

// The output, and what makes bytes of it.
struct Output {
  ResultBytes bytes;
  Addend addend;
  const uint8_t* table;  // Or null.
  uint8_t* first;
};

// The first numbers of N vectors, if there are fewer.
template <int N>
struct Some {
  uint8_t bytes[N * kLanes] = {};
  int64_t count;

  const uint8_t* copy(const uint8_t* from) {
    memcpy(bytes, from, (size_t)count);
    return bytes;
  }
  void copy_to(uint8_t* to) const { memcpy(to, bytes, (size_t)count); }
};

// N vectors of channels of all pixels. kAdds: there is an addend. kSome: there are
// fewer channels than vectors have numbers, parts of which cannot be stored.
template <int N, bool kAdds, bool kSome>
__attribute__((noinline)) void finish_columns(const Output& out, const Int8Sums& tile,
                                              int vector) {
  // Copies, that the compiler keeps in registers.
  const ResultBytes bytes = out.bytes;
  const Addend addend = out.addend;
  Int8Channels channels[N];
  UNROLL for (int v = 0; v < N; ++v) channels[v] = tile.channels[vector + v];
  const int64_t first = tile.channel + vector * kLanes;
  const int64_t left = tile.columns - vector * kLanes;
  const int64_t count = left < N * kLanes ? left : N * kLanes;
  const IntVec* sums = tile.sums + vector;
  for (int64_t i = 0; i < tile.pixels; ++i, sums += tile.vectors) {
    const int64_t at = tile.at[i] + first;
    Some<N> some;
    some.count = count;
    Vec x[N];
    UNROLL for (int v = 0; v < N; ++v) x[v] = channels[v](sums[v]);
    if (kAdds) {
      const uint8_t* added = addend.bytes() + at;
      if (kSome) added = some.copy(added);
      UNROLL for (int v = 0; v < N; ++v) {
        x[v] += addend.at(added + v * kLanes, count - v * kLanes);
      }
    }
    bytes.store(x, kSome ? some.bytes : out.first + at, count);
    if (kSome) some.copy_to(out.first + at);
  }
}

template <int N>
INLINE void choose(const Output& out, const Int8Sums& tile, int vector) {
  const bool some = !kStoresParts && tile.columns < (vector + N) * kLanes;
  if (out.addend.bytes()) {
    some ? finish_columns<N, true, !kStoresParts>(out, tile, vector)
         : finish_columns<N, true, false>(out, tile, vector);
  } else {
    some ? finish_columns<N, false, !kStoresParts>(out, tile, vector)
         : finish_columns<N, false, false>(out, tile, vector);
  }
}

void finish_bytes(const void* results, const Int8Sums& tile) {
  const Output& out = *(const Output*)results;
  for (int v = 0; v < tile.vectors && v * kLanes < tile.columns;) {
    const int left = tile.vectors - v;
    if (left >= kByteVectors) {
      choose<kByteVectors>(out, tile, v);
      v += kByteVectors;
    } else if (kByteVectors > 2 && left >= 2) {
      choose<2>(out, tile, v);
      v += 2;
    } else {
      choose<1>(out, tile, v);
      ++v;
    }
  }
}

// Looks results of some pixels up, at once where those of one are behind those of
// another.
void look_up_block(const void* results, const Int8Sums& block) {
  const Output& out = *(const Output*)results;
  for (int64_t i = 0; i < block.pixels;) {
    const int64_t first = block.at[i];
    int64_t bytes = block.columns;
    for (++i; i < block.pixels && block.at[i] == first + bytes; ++i) {
      bytes += block.columns;
    }
    uint8_t* const at = out.first + first + block.channel;
    look_up(out.table, at, at, bytes);
  }
}

}  // namespace

void TFN_KERNEL(conv_int8)(const void* params, const tfn_operands* o, tfn_part part) {
  const tfn_conv_int8& p = *(const tfn_conv_int8*)params;
  const int64_t (&out)[3] = p.conv.out;
  const Output results = {ResultBytes(p.result), Addend(p, o->addend), p.result.table,
                          (uint8_t*)o->out};
  convolve_int8(p, *o, part,
                {finish_bytes, results.table ? look_up_block : nullptr, &results,
                 TFN_INT8_ROW_BYTES(out[0] * out[1] * out[2] * p.conv.out_channels)});
}
