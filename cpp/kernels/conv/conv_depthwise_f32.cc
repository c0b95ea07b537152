// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Depthwise convolution of f32: neighbouring output pixels are accumulated in
// registers, a vector of channels at a time, so that an input vector serves all pixels
// that it belongs to. Input pixels are found through pointers: padding is a pixel of
// zeros.
#include "conv/window.h"
#include "epilogue.h"
#include "part.h"

using namespace TFN_NAMESPACE;

namespace {

// Output pixels of a tile: with the weights of a line of the kernel, as many
// accumulators fit 16 registers.
constexpr int kTilePixels = 8;

// Input columns of a tile of kPixels pixels that are kStride apart.
constexpr int columns_of(int pixels, int width, int stride) {
  return (pixels - 1) * stride + width;
}

static_assert(columns_of(kTilePixels, 5, 2) <= TFN_DEPTHWISE_COLUMNS,
              "pointers to all columns fit the scratch");

// The input of some output pixels, line by line of the kernel, and where they go.
struct Tile {
  const float* const* columns;  // [lines][step]
  int64_t lines, step;
  const float* weights;  // Of the first line.
  float* output;
  int64_t weight_line, channels;
};

INLINE void finish(Vec sum, const Epilogue& epilogue, int64_t channel, float* to) {
  if (const float* const bias = epilogue.bias(channel)) sum += load(bias);
  if (const float* const addend = epilogue.addend(to)) sum += load(addend);
  store(to, epilogue.clamp()(sum));
}

// The channels after the last whole vector, one by one.
void run_rest(const Tile& t, int64_t c, int pixels, int64_t width, int stride,
              const Epilogue& epilogue) {
  for (; c < t.channels; ++c) {
    for (int i = 0; i < pixels; ++i) {
      float sum = 0;
      for (int64_t line = 0; line < t.lines; ++line) {
        for (int64_t k = 0; k < width; ++k) {
          sum += t.columns[line * t.step + i * stride + k][c] *
                 t.weights[line * t.weight_line + k * t.channels + c];
        }
      }
      epilogue.finish(broadcast(sum), c, t.output + i * t.channels + c, 1, 1);
    }
  }
}

// kPixels neighbouring output pixels with a kernel kWidth columns wide.
template <int kPixels, int kWidth, int kStride>
void run_tile(const Tile& t, const Epilogue& epilogue) {
  int64_t c = 0;
  for (; c + kLanes <= t.channels; c += kLanes) {
    Vec sum[kPixels];
    UNROLL for (int i = 0; i < kPixels; ++i) sum[i] = Vec{};
    const float* const* columns = t.columns;
    const float* weights = t.weights + c;
    for (int64_t line = 0; line < t.lines; ++line) {
      Vec weight[kWidth];
      UNROLL for (int k = 0; k < kWidth; ++k) {
        weight[k] = load(weights + k * t.channels);
      }
      // The compiler loads each column once and keeps it for the pixels that share it.
      UNROLL for (int i = 0; i < kPixels; ++i) {
        UNROLL for (int k = 0; k < kWidth; ++k) {
          sum[i] += load(columns[i * kStride + k] + c) * weight[k];
        }
      }
      columns += t.step;
      weights += t.weight_line;
    }
    float* to[kPixels];
    UNROLL for (int i = 0; i < kPixels; ++i) {
      to[i] = t.output + i * t.channels + c;
      finish(sum[i], epilogue, c, to[i]);
    }
    if (epilogue.has_activation()) epilogue.activate(to, kPixels, 1);
  }
  run_rest(t, c, kPixels, kWidth, kStride, epilogue);
}

// One output pixel with a kernel of any width.
void run_pixel(const Tile& t, int64_t width, const Epilogue& epilogue) {
  int64_t c = 0;
  for (; c + kLanes <= t.channels; c += kLanes) {
    Vec sum = {};
    for (int64_t line = 0; line < t.lines; ++line) {
      for (int64_t k = 0; k < width; ++k) {
        sum += load(t.columns[line * t.step + k] + c) *
               load(t.weights + line * t.weight_line + k * t.channels + c);
      }
    }
    float* const to = t.output + c;
    finish(sum, epilogue, c, to);
    if (epilogue.has_activation()) epilogue.activate(&to, 1, 1);
  }
  run_rest(t, c, 1, width, 1, epilogue);
}

template <int kWidth, int kStride>
void choose_pixels(const Tile& t, int pixels, const Epilogue& epilogue) {
  switch (pixels) {
    case 8: return run_tile<8, kWidth, kStride>(t, epilogue);
    case 7: return run_tile<7, kWidth, kStride>(t, epilogue);
    case 6: return run_tile<6, kWidth, kStride>(t, epilogue);
    case 4: return run_tile<4, kWidth, kStride>(t, epilogue);
    case 2: return run_tile<2, kWidth, kStride>(t, epilogue);
    default: return run_tile<1, kWidth, kStride>(t, epilogue);
  }
}

class Depthwise {
 public:
  Depthwise(const tfn_conv& p, const tfn_operands& operands)
      : p_(p),
        operands_(operands),
        epilogue_(p.epilogue, operands),
        zeros_((float*)operands.scratch),
        columns_((const float**)(zeros_ + (p.in_channels + 1) / 2 * 2)),
        fast_(p.window_dilation[2] == 1 && p.stride[2] <= 2 &&
              (p.kernel[2] == 3 || p.kernel[2] == 5)) {
    memset(operands.scratch, 0, (size_t)p.in_channels * sizeof(float));
  }

  // Output lines are divided among the parts.
  void run(tfn_part part) {
    const Range lines = share(p_.batch * p_.out[1], 1, part);
    for (int64_t i = lines.begin; i < lines.end; ++i) run_line(i);
  }

 private:
  void run_line(int64_t i) {
    const int64_t image = i / p_.out[1], h = i % p_.out[1];
    const float* const input = operands_.lhs + image * pixels(p_.in) * p_.in_channels;
    for (int64_t w = 0; w < p_.out[2];) {
      const int count = next_pixels(p_.out[2] - w);
      Tile tile = describe(input, h, w, count);
      tile.output = operands_.out + (i * p_.out[2] + w) * p_.in_channels;
      multiply(tile, count);
      w += count;
    }
  }

  int next_pixels(int64_t left) const {
    if (!fast_) return 1;
    // 7 and 6 for what lines of 7 and 14 pixels, the most common ones, leave.
    return left >= 8 ? 8 : left >= 6 ? (int)left : left >= 4 ? 4 : left >= 2 ? 2 : 1;
  }

  // Points at the input of `count` pixels from (h, w) on, and at the weights of the
  // lines of the kernel that are not padding.
  Tile describe(const float* input, int64_t h, int64_t w, int count) {
    const int64_t columns = (count - 1) * p_.stride[2] + p_.kernel[2];
    const int64_t left = w * p_.stride[2] - p_.padding_low[2];
    const int64_t step = p_.window_dilation[2], column = step * p_.in_channels;
    // Columns [begin, end) are not padding.
    const int64_t begin = clamp(divide_up(-left, step), 0, columns);
    const int64_t end = clamp(divide_up(p_.in[2] - left, step), begin, columns);
    const int64_t first = left * p_.in_channels;
    const float* const weights = (const float*)operands_.rhs;
    const int64_t weight_line = p_.kernel[2] * p_.in_channels;
    Tile tile = {columns_, 0, columns, nullptr, nullptr, weight_line, p_.in_channels};
    for (int64_t k = 0; k < p_.kernel[1]; ++k) {
      const int64_t y = input_position(p_, 1, h, k);
      if (y < 0) continue;
      if (tile.lines == 0) tile.weights = weights + k * weight_line;
      const float** const to = columns_ + tile.lines++ * columns;
      const float* const line = input + y * p_.in[2] * p_.in_channels;
      for (int64_t j = 0; j < begin; ++j) to[j] = zeros_;
      for (int64_t j = begin; j < end; ++j) to[j] = line + first + j * column;
      for (int64_t j = end; j < columns; ++j) to[j] = zeros_;
    }
    return tile;
  }

  static int64_t divide_up(int64_t a, int64_t b) {
    return a <= 0 ? 0 : (a + b - 1) / b;
  }
  static int64_t clamp(int64_t value, int64_t low, int64_t high) {
    return value < low ? low : value > high ? high : value;
  }

  void multiply(const Tile& tile, int count) const {
    const int64_t width = p_.kernel[2];
    if (!fast_) return run_pixel(tile, width, epilogue_);
    if (p_.stride[2] == 1) {
      width == 3 ? choose_pixels<3, 1>(tile, count, epilogue_)
                 : choose_pixels<5, 1>(tile, count, epilogue_);
    } else {
      width == 3 ? choose_pixels<3, 2>(tile, count, epilogue_)
                 : choose_pixels<5, 2>(tile, count, epilogue_);
    }
  }

  const tfn_conv& p_;
  const tfn_operands& operands_;
  const Epilogue epilogue_;
  const float* const zeros_;
  const float** const columns_;
  const bool fast_;
};

}  // namespace

void TFN_KERNEL(conv_depthwise_f32)(const void* params, const tfn_operands* operands,
                                    tfn_part part) {
  Depthwise(*(const tfn_conv*)params, *operands).run(part);
}
