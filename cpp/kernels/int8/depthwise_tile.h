// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// A vector of channels of neighbouring pixels of a quantized depthwise convolution.
#pragma once

#include "int8/quads.h"
#include "int8/requantize_four.h"

namespace TFN_NAMESPACE {
namespace {

constexpr int kPixels = 4;  // That are computed together.
constexpr int64_t kChannels = TFN_DEPTHWISE_INT8_CHANNELS;
constexpr int64_t kQuad = 4;
constexpr int64_t kColumn = kChannels * kQuad;  // Bytes of a column of quads,
constexpr int64_t kWeightColumn = kChannels * kWeightBytes;  // and of their weights.

// What is stored behind the weights, of the channels from one on.
struct Constants {
  const int32_t *sums, *bias;
  const float* multiplier;
  bool are_small;  // Whether what they give is certainly less than 2^31.
};

// The quads of neighbouring output pixels of one or two lines, and their weights:
// [groups][columns][kChannels], and [groups][kernel columns][lines][kChannels].
struct Tile {
  const uint8_t* quads;
  const uint8_t* weights;
  int64_t groups, group_bytes;
  int64_t width, stride, dilation;  // Of the kernel, if it is of any size.
};

// Lines that are computed together, of those that share quads: with the weights of a
// line of the kernel, their sums fit the registers.
constexpr int together(int lines) { return kSmallSums ? lines : 1; }

// The sums of a vector of channels of some lines, with a kernel kWidth columns wide and
// the weights of kLines lines.
template <int kLines, int kWidth, int kStride>
struct KnownWidth {
  template <int kSums>
  static INLINE void add(const Tile& t, int64_t c, Sum (&sums)[kSums][kPixels]) {
    const uint8_t* const weights = t.weights + c * kWeightBytes;
    Weights w[kSums][kWidth];
    UNROLL for (int k = 0; k < kWidth; ++k) {
      UNROLL for (int line = 0; line < kSums; ++line) {
        w[line][k] = load_stored(weights + (k * kLines + line) * kWeightColumn);
      }
    }
    UNROLL for (int x = 0; x < (kPixels - 1) * kStride + kWidth; ++x) {
      const Quads quads = load_quads(t.quads + x * kColumn + c * kQuad);
      UNROLL for (int i = 0; i < kPixels; ++i) {
        const int k = x - i * kStride;
        if (k < 0 || k >= kWidth) continue;
        UNROLL for (int line = 0; line < kSums; ++line) {
          add_quads(sums[line][i], quads, w[line][k]);
        }
      }
    }
  }
};

template <int kLines>
struct AnyWidth {
  template <int kSums>
  static INLINE void add(const Tile& t, int64_t c, Sum (&sums)[kSums][kPixels]) {
    const uint8_t* weights = t.weights + c * kWeightBytes;
    for (int64_t k = 0; k < t.width; ++k, weights += kLines * kWeightColumn) {
      Weights w[kSums];
      UNROLL for (int line = 0; line < kSums; ++line) {
        w[line] = load_stored(weights + line * kWeightColumn);
      }
      UNROLL for (int i = 0; i < kPixels; ++i) {
        const int64_t x = i * t.stride + k * t.dilation;
        const Quads quads = load_quads(t.quads + x * kColumn + c * kQuad);
        UNROLL for (int line = 0; line < kSums; ++line) {
          add_quads(sums[line][i], quads, w[line]);
        }
      }
    }
  }
};

// What is done with the sums of a vector of channels.
class Finish {
 public:
  Finish(const tfn_conv_int8& p, const Constants& constants, int64_t c)
      : requantize_(p.result),
        start_(load_ints(constants.bias + c) -
               (p.input_zero - kActivationBias) * load_ints(constants.sums + c)),
        multiplier_(load(constants.multiplier + c)),
        are_small_(constants.are_small),
        addend_zero_(p.addend_zero - IntVec{}),
        addend_scale_(broadcast(p.addend_scale)) {}

  // What sums begin with.
  INLINE Sum start() const { return sum_of(start_); }
  INLINE Vec scaled(const Sum& sum) const {
    return rounded(__builtin_convertvector(total(sum), Vec) * multiplier_);
  }
  INLINE Vec addend(IntVec q) const {
    return rounded(__builtin_convertvector(q - addend_zero_, Vec) * addend_scale_);
  }
  INLINE void store(uint8_t* to, const Vec (&x)[kPixels]) const {
    are_small_ ? requantize_.small(to, x) : requantize_(to, x);
  }

 private:
  const RequantizeFour requantize_;
  const IntVec start_;
  const Vec multiplier_;
  const bool are_small_;
  const IntVec addend_zero_;
  const Vec addend_scale_;
};

// Where results of a vector of channels go: pixels are `step` bytes apart, of which
// `pixels` are stored, with `lanes` channels. The addend, if there is one, lies alike.
struct Target {
  uint8_t* out;
  const uint8_t* addend;
  int64_t step, pixels, lanes;
};

// Of whole vectors of all pixels, or of some.
INLINE void store_pixels(const Sum (&sums)[kPixels], const Finish& finish,
                         const Target& t) {
  Vec x[kPixels];
  UNROLL for (int i = 0; i < kPixels; ++i) x[i] = finish.scaled(sums[i]);
  if (t.addend) {
    UNROLL for (int i = 0; i < kPixels; ++i) {
      if (i >= t.pixels) break;
      const uint8_t* const from = t.addend + i * t.step;
      x[i] += finish.addend(t.lanes == kLanes ? load_bytes(from)
                                              : load_some_bytes(from, t.lanes));
    }
  }
  uint8_t line[kPixels * kLanes];
  finish.store(line, x);
  const auto store = [&](int64_t i, size_t bytes) {
    memcpy(t.out + i * t.step, line + i * kLanes, bytes);
  };
  if (t.lanes < kLanes) {
    for (int64_t i = 0; i < t.pixels; ++i) store(i, (size_t)t.lanes);
  } else if (t.pixels < kPixels) {
    for (int64_t i = 0; i < t.pixels; ++i) store(i, kLanes);
  } else {
    UNROLL for (int i = 0; i < kPixels; ++i) store(i, kLanes);
  }
}

}  // namespace
}  // namespace TFN_NAMESPACE
