// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Depthwise convolution of quantized arrays with floats, for CPU levels whose integers
// multiply no faster. Sums of a few hundred products of bytes are less than 2^24, so
// that floats have them exactly. The lines that an output line sees are widened to
// floats, for a few channels, each of them once; the next output line sees most of them
// again.
#pragma once

#include "int8/gemm/form.h"
#include "int8/look_up.h"
#include "int8/requantize_four.h"
#include "part.h"

namespace TFN_NAMESPACE {

#if defined(TFN_INT8_WORDS) && defined(__FMA__) && !defined(__AVX512F__)
constexpr bool kDepthwiseFloats = true;
#else
constexpr bool kDepthwiseFloats = false;
#endif

class DepthwiseFloats {
 public:
  // Whether it computes this convolution.
  static bool takes(const tfn_conv& p) {
    return kDepthwiseFloats && (p.kernel[2] == 3 || p.kernel[2] == 5) &&
           p.kernel[1] <= kMostLines && p.stride[2] <= 2 && p.window_dilation[2] == 1 &&
           (p.window_dilation[1] == 1 || p.kernel[1] == 1);
  }

  DepthwiseFloats(const tfn_conv_int8& p, const tfn_operands& o)
      : p_(p),
        conv_(p.conv),
        input_((const uint8_t*)o.lhs),
        addend_((const uint8_t*)o.addend),
        output_((uint8_t*)o.out),
        weights_((const int8_t*)o.rhs),
        padded_((conv_.in_channels + TFN_PANEL - 1) / TFN_PANEL * TFN_PANEL),
        floats_((float*)o.scratch),
        lines_(floats_ + conv_.kernel[1] * conv_.kernel[2] * kChannels),
        pixels_(pixels_of_tile(conv_.out[2])),
        most_columns_(columns_of(conv_.out[2]) < kMostColumns ? columns_of(conv_.out[2])
                                                              : kMostColumns),
        most_channels_(kHeldVectors / most_columns_ * kLanes < kChannels
                           ? kHeldVectors / most_columns_ * kLanes
                           : kChannels),
        requantize_(p.result) {}

  // Bands of output lines of each image are divided among the parts. A band is small
  // enough for its input to stay in a cache from one block of channels to the next.
  void run(tfn_part part) {
    const int64_t line = conv_.in[2] * conv_.in_channels * conv_.stride[1];
    int64_t band = kBandBytes / line;
    if (band < kLeastBand) band = kLeastBand;
    if (part.count > 1 && band > kLeastBand) band = kLeastBand;
    if (band > conv_.out[1]) band = conv_.out[1];
    const int64_t bands = (conv_.out[1] + band - 1) / band;
    const Range mine = share(conv_.batch * bands, 1, part);
    for (int64_t i = mine.begin; i < mine.end; ++i) {
      const int64_t first = i % bands * band, left = conv_.out[1] - first;
      run_band(i / bands, {first, first + (left < band ? left : band)});
    }
  }

 private:
  static constexpr int64_t kMostLines = 5;  // Of the kernel.
  // Of a block of channels, and what the scratch has room for: columns if there are few
  // channels, and vectors of a line. Each vector has its columns next to each other.
  static constexpr int64_t kChannels = TFN_DEPTHWISE_INT8_CHANNELS;
  static constexpr int64_t kMostColumns = 64, kHeldVectors = 128;
  static constexpr int64_t kBandBytes = 1 << 17, kLeastBand = 8;
  static constexpr float kExact = 0x1p24f, kMostMultiplier = 32;

  // Output pixels of a tile: those that waste less at the end of a line.
  static int pixels_of_tile(int64_t width) {
    int best = 8;
    for (int pixels = 7; pixels >= 4; pixels -= 3) {
      if ((width + pixels - 1) / pixels * pixels < (width + best - 1) / best * best) {
        best = pixels;
      }
    }
    return best;
  }

  // Of the input, that so many pixels of whole tiles see.
  int64_t columns_of(int64_t pixels) const {
    const int64_t whole = (pixels + pixels_ - 1) / pixels_ * pixels_;
    return (whole - 1) * conv_.stride[2] + conv_.kernel[2];
  }

  void run_band(int64_t image, Range lines) {
    const int64_t most =
        ((most_columns_ - conv_.kernel[2]) / conv_.stride[2] + 1) / pixels_ * pixels_;
    for (int64_t c = 0; c < conv_.in_channels; c += most_channels_) {
      prepare(c);
      for (int64_t w = 0; w < conv_.out[2]; w += most) {
        const int64_t left = conv_.out[2] - w;
        run_columns(image, lines, {w, w + (left < most ? left : most)});
      }
    }
    if (!p_.result.table) return;
    const int64_t line = conv_.out[2] * conv_.in_channels;
    uint8_t* const out =
        output_ + image * TFN_INT8_ROW_BYTES(conv_.out[1] * line) + lines.begin * line;
    look_up(p_.result.table, out, out, (lines.end - lines.begin) * line);
  }

  // Chooses a block of channels, widens its weights and finds what its sums begin with.
  void prepare(int64_t first) {
    const int64_t left = conv_.in_channels - first;
    first_ = first;
    channels_ = left < most_channels_ ? left : most_channels_;
    const int64_t places = conv_.kernel[1] * conv_.kernel[2];
    const auto* const behind = (const int32_t*)(weights_ + places * padded_) + first;
    const auto most = (float)(places * 255 * 127);
    multiplier_ = (const float*)(behind + 2 * padded_);
    IntVec inexact = {}, large = {};
    for (int64_t c = 0; c < channels_; c += kLanes) {
      for (int64_t i = 0; i < places; ++i) {
        const int8_t* const from = weights_ + i * padded_ + first + c;
        const IntVec q = (load_bytes((const uint8_t*)from) ^ 128) - 128;
        store(floats_ + i * kChannels + c, __builtin_convertvector(q, Vec));
      }
      // Modulo 2^32, since only what it is added to gives a sum that fits.
      typedef uint32_t Unsigned __attribute__((vector_size(kLanes * 4)));
      const Unsigned sums = (Unsigned)load_ints(behind + c);
      const auto start = (IntVec)((Unsigned)load_ints(behind + padded_ + c) -
                                  (uint32_t)p_.input_zero * sums);
      memcpy(start_ + c, &start, sizeof start);
      const Vec value = __builtin_convertvector(start, Vec);
      inexact |=
          (value > broadcast(kExact - most)) | (value < broadcast(most - kExact));
      large |= load(multiplier_ + c) > broadcast(kMostMultiplier);
    }
    exact_ = !any(inexact);
    small_ = exact_ && !any(large) && p_.addend_scale < kMostMultiplier;
  }

  static bool any(IntVec lanes) {
    bool found = false;
    for (int i = 0; i < kLanes; ++i) found |= lanes[i] != 0;
    return found;
  }

  // Output lines, from a column to another.
  void run_columns(int64_t image, Range lines, Range columns) {
    const int64_t height = conv_.kernel[1];
    const int64_t wide = columns_of(columns.end - columns.begin);
    const int64_t first = columns.begin * conv_.stride[2] - conv_.padding_low[2];
    const uint8_t* const input =
        input_ + first_ +
        image * TFN_INT8_ROW_BYTES(conv_.in[1] * conv_.in[2] * conv_.in_channels);
    int64_t widened = lines.begin * conv_.stride[1] - conv_.padding_low[1];
    for (int64_t h = lines.begin; h < lines.end; ++h) {
      const int64_t y = h * conv_.stride[1] - conv_.padding_low[1];
      if (widened < y) widened = y;
      for (; widened < y + height; ++widened) {
        const bool inside = widened >= 0 && widened < conv_.in[1];
        widen(inside ? input + widened * conv_.in[2] * conv_.in_channels : nullptr,
              first, wide, line_at(widened));
      }
      const float* of_kernel[kMostLines];
      for (int64_t k = 0; k < height; ++k) of_kernel[k] = line_at(y + k);
      run_line(of_kernel, image, h, columns);
    }
  }

  // Where a line of the input is held.
  float* line_at(int64_t y) const {
    const int64_t height = conv_.kernel[1], slot = y % height;
    return lines_ + (slot < 0 ? slot + height : slot) * kHeldVectors * kLanes;
  }

  // Columns from the first on, of a line of the input or of padding.
  void widen(const uint8_t* line, int64_t first, int64_t columns, float* to) const {
    const int64_t begin = line ? clamp(-first, 0, columns) : columns;
    const int64_t end = clamp(conv_.in[2] - first, begin, columns);
    for (int64_t c = 0; c < channels_; c += kLanes, to += most_columns_ * kLanes) {
      pad(0, begin, to);
      const uint8_t* const from = line + (first + begin) * conv_.in_channels + c;
      const int64_t left = channels_ - c;
      if (left >= kLanes) {
        widen_all(from, conv_.in_channels, end - begin, to + begin * kLanes);
      } else {
        for (int64_t x = begin; x < end; ++x) {
          const uint8_t* const pixel = from + (x - begin) * conv_.in_channels;
          store(to + x * kLanes,
                __builtin_convertvector(load_some_bytes(pixel, left), Vec));
        }
      }
      pad(end, columns, to);
    }
  }

  static void widen_all(const uint8_t* from, int64_t step, int64_t count, float* to) {
    int64_t x = 0;
    for (; x + 4 <= count; x += 4, from += 4 * step, to += 4 * kLanes) {
      UNROLL for (int i = 0; i < 4; ++i) {
        const IntVec q = load_bytes(from + i * step);
        store(to + i * kLanes, __builtin_convertvector(q, Vec));
      }
    }
    for (; x < count; ++x, from += step, to += kLanes) {
      store(to, __builtin_convertvector(load_bytes(from), Vec));
    }
  }

  void pad(int64_t begin, int64_t end, float* to) const {
    const Vec zero = broadcast((float)p_.input_zero);
    for (int64_t x = begin; x < end; ++x) store(to + x * kLanes, zero);
  }

  static int64_t clamp(int64_t value, int64_t low, int64_t high) {
    return value < low ? low : value > high ? high : value;
  }

  // The lines of the input that an output line sees, and where its first result goes.
  struct Tile {
    const float* const* lines;
    uint8_t* out;
    const uint8_t* addend;  // Or null.
    int64_t pixels;
  };

  void run_line(const float* const* lines, int64_t image, int64_t h,
                Range columns) const {
    const int64_t row =
        TFN_INT8_ROW_BYTES(conv_.out[1] * conv_.out[2] * conv_.in_channels);
    const int64_t at =
        image * row + (h * conv_.out[2] + columns.begin) * conv_.in_channels + first_;
    const int64_t pixels = columns.end - columns.begin;
    const Tile tile = {lines, output_ + at, addend_ ? addend_ + at : nullptr, pixels};
    pixels_ == 8 ? choose<8>(tile) : pixels_ == 7 ? choose<7>(tile) : choose<4>(tile);
  }

  template <int kPixels>
  void choose(const Tile& t) const {
    if (conv_.stride[2] == 1) {
      conv_.kernel[2] == 3 ? run_tiles<kPixels, 3, 1>(t) : run_tiles<kPixels, 5, 1>(t);
    } else {
      conv_.kernel[2] == 3 ? run_tiles<kPixels, 3, 2>(t) : run_tiles<kPixels, 5, 2>(t);
    }
  }

  template <int kPixels, int kWidth, int kStride>
  void run_tiles(const Tile& t) const {
    for (int64_t c = 0; c < channels_; c += kLanes) {
      for (int64_t i = 0; i < t.pixels; i += kPixels) {
        Vec sums[kPixels];
        const int64_t at = c * most_columns_ + i * kStride * kLanes;
        add<kPixels, kWidth, kStride>(t.lines, at, c, sums);
        const int64_t left = t.pixels - i, step = i * conv_.in_channels + c;
        finish(sums, c, t.out + step, t.addend ? t.addend + step : nullptr,
               left < kPixels ? left : kPixels);
      }
    }
  }

  // The sums of a vector of channels of neighbouring pixels.
  template <int kPixels, int kWidth, int kStride>
  INLINE void add(const float* const* lines, int64_t at, int64_t channel,
                  Vec (&sums)[kPixels]) const {
    const Vec start =
        exact_ ? __builtin_convertvector(load_ints(start_ + channel), Vec) : Vec{};
    UNROLL for (int i = 0; i < kPixels; ++i) sums[i] = start;
    const float* weights = floats_ + channel;
    for (int64_t k = 0; k < conv_.kernel[1]; ++k, weights += kWidth * kChannels) {
      const float* const from = lines[k] + at;
      Vec w[kWidth];
      UNROLL for (int x = 0; x < kWidth; ++x) w[x] = load(weights + x * kChannels);
      UNROLL for (int x = 0; x < (kPixels - 1) * kStride + kWidth; ++x) {
        const Vec column = load(from + x * kLanes);
        UNROLL for (int i = 0; i < kPixels; ++i) {
          const int place = x - i * kStride;
          if (place < 0 || place >= kWidth) continue;
          sums[i] += column * w[place];
          // Without what is hidden, GCC 12 copies sums from register to register.
          __asm__("" : "+x"(sums[i]));
        }
      }
    }
  }

  template <int kPixels>
  INLINE void finish(Vec (&sums)[kPixels], int64_t channel, uint8_t* out,
                     const uint8_t* addend, int64_t pixels) const {
    if (!exact_) {
      // Floats do not have all that sums may be with what they begin with.
      const IntVec start = load_ints(start_ + channel);
      UNROLL for (int i = 0; i < kPixels; ++i) {
        const IntVec sum = __builtin_convertvector(sums[i], IntVec) + start;
        sums[i] = __builtin_convertvector(sum, Vec);
      }
    }
    const int64_t left = channels_ - channel, lanes = left < kLanes ? left : kLanes;
    const Vec multiplier = load(multiplier_ + channel);
    Vec x[8] = {};
    UNROLL for (int i = 0; i < kPixels; ++i) x[i] = rounded(sums[i] * multiplier);
    if (addend) {
      UNROLL for (int i = 0; i < kPixels; ++i) {
        if (i >= pixels) break;
        const uint8_t* const from = addend + i * conv_.in_channels;
        const IntVec q =
            lanes == kLanes ? load_bytes(from) : load_some_bytes(from, lanes);
        x[i] += rounded(__builtin_convertvector(q - p_.addend_zero, Vec) *
                        broadcast(p_.addend_scale));
      }
    }
    uint8_t bytes[8 * kLanes];
    if (small_) {
      requantize_.small(bytes, {x[0], x[1], x[2], x[3]});
      if (kPixels > 4) requantize_.small(bytes + 4 * kLanes, {x[4], x[5], x[6], x[7]});
    } else {
      requantize_(bytes, {x[0], x[1], x[2], x[3]});
      if (kPixels > 4) requantize_(bytes + 4 * kLanes, {x[4], x[5], x[6], x[7]});
    }
    const int64_t step = conv_.in_channels;
    if (lanes == kLanes && pixels == kPixels) {
      UNROLL for (int i = 0; i < kPixels; ++i) {
        memcpy(out + i * step, bytes + i * kLanes, kLanes);
      }
    } else {
      for (int64_t i = 0; i < pixels; ++i) {
        memcpy(out + i * step, bytes + i * kLanes, (size_t)lanes);
      }
    }
  }

  const tfn_conv_int8& p_;
  const tfn_conv& conv_;
  const uint8_t *const input_, *const addend_;
  uint8_t* const output_;
  const int8_t* const weights_;
  const int64_t padded_;
  float* const floats_;  // The weights of a block: [places][kChannels].
  float* const lines_;   // [kernel lines][channels / kLanes][most_columns_][kLanes]
  const int pixels_;     // Of a tile.
  const int64_t most_columns_, most_channels_;
  const RequantizeFour requantize_;

  // Of the block of channels.
  int64_t first_ = 0, channels_ = 0;
  int32_t start_[kChannels];
  bool exact_ = false;  // Whether sums that begin with it are exact,
  bool small_ = false;  // and whether results are certainly less than 2^31.
  const float* multiplier_ = nullptr;
};

}  // namespace TFN_NAMESPACE
