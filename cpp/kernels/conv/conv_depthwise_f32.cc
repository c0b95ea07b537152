// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Depthwise convolution of f32: a block of channels of a few neighbouring output
// pixels is accumulated in registers, so that weights are read once for all of them.
#include "conv/window.h"
#include "simd.h"

using namespace TFN_NAMESPACE;

namespace {

// Output pixels of a tile, and vectors of channels: the accumulators, as many
// weights and one input fit 16 registers.
constexpr int kTilePixels = 4;
constexpr int kTileVectors = 2;

// One output line: which lines and columns of the kernel meet input.
struct Line {
  const float* input;    // First input line that is read, at column 0.
  const float* weights;  // Of the first kernel line that is used.
  float* output;
  int64_t kernel_lines;
};

// Strides of an image that a line needs, in floats.
struct Strides {
  int64_t input_line, input_column, output_pixel, weight_line, weight_column;
};

// kPixels output pixels, kVectors vectors of channels, all columns of the kernel
// from `first` to `end`. `input` is where column 0 of the kernel reads for the first
// of the pixels.
template <int kPixels, int kVectors>
inline void tile(const float* input, const float* weights, float* output, int64_t lines,
                 int64_t first, int64_t end, const Strides& s, int64_t pixel_step) {
  Vec sum[kPixels][kVectors] = {};
  for (int64_t line = 0; line < lines; ++line) {
    for (int64_t k = first; k < end; ++k) {
      const float* const in = input + line * s.input_line + k * s.input_column;
      const float* const w = weights + line * s.weight_line + k * s.weight_column;
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) {
        const Vec weight = load(w + v * kLanes);
#pragma GCC unroll 8
        for (int i = 0; i < kPixels; ++i) {
          sum[i][v] += load(in + i * pixel_step + v * kLanes) * weight;
        }
      }
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < kPixels; ++i) {
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) {
      store(output + i * s.output_pixel + v * kLanes, sum[i][v]);
    }
  }
}

// One output pixel and channel.
inline void scalar(const float* input, const float* weights, float* output,
                   int64_t lines, int64_t first, int64_t end, const Strides& s) {
  float sum = 0;
  for (int64_t line = 0; line < lines; ++line) {
    for (int64_t k = first; k < end; ++k) {
      sum += input[line * s.input_line + k * s.input_column] *
             weights[line * s.weight_line + k * s.weight_column];
    }
  }
  *output = sum;
}

class Depthwise {
 public:
  explicit Depthwise(const tfn_conv& p) : p_(p) {
    strides_.input_line = p.window_dilation[1] * p.in[2] * p.in_channels;
    strides_.input_column = p.window_dilation[2] * p.in_channels;
    strides_.output_pixel = p.out_channels;
    strides_.weight_column = p.out_channels;
    strides_.weight_line = p.kernel[2] * p.out_channels;
    // Output columns for which every column of the kernel meets input.
    const int64_t stride = p.stride[2],
                  reach = (p.kernel[2] - 1) * p.window_dilation[2];
    inner_begin_ = divide_up(p.padding_low[2], stride);
    const int64_t last = p.in[2] - 1 - reach + p.padding_low[2];
    inner_end_ = last < 0 ? 0 : last / stride + 1;
    inner_begin_ = clamp(inner_begin_, 0, p.out[2]);
    inner_end_ = clamp(inner_end_, inner_begin_, p.out[2]);
  }

  void run(const float* input, const float* weights, float* output) const {
    const int64_t image = p_.in[1] * p_.in[2] * p_.in_channels;
    for (int64_t b = 0; b < p_.batch; ++b, input += image) {
      for (int64_t h = 0; h < p_.out[1]; ++h) {
        run_line(line_at(input, weights, output, h));
        output += p_.out[2] * p_.out_channels;
      }
    }
  }

 private:
  static int64_t divide_up(int64_t a, int64_t b) {
    return a <= 0 ? 0 : (a + b - 1) / b;
  }
  static int64_t clamp(int64_t value, int64_t low, int64_t high) {
    return value < low ? low : value > high ? high : value;
  }

  // The places of a kernel dimension that meet input at output `o`: [begin, end).
  void range(int d, int64_t o, int64_t* begin, int64_t* end) const {
    const int64_t at = o * p_.stride[d] - p_.padding_low[d];
    const int64_t step = p_.window_dilation[d];
    *begin = clamp(divide_up(-at, step), 0, p_.kernel[d]);
    *end = clamp(divide_up(p_.in[d] - at, step), *begin, p_.kernel[d]);
  }

  Line line_at(const float* input, const float* weights, float* output,
               int64_t h) const {
    int64_t begin, end;
    range(1, h, &begin, &end);
    const int64_t first =
        h * p_.stride[1] - p_.padding_low[1] + begin * p_.window_dilation[1];
    return {input + first * p_.in[2] * p_.in_channels,
            weights + begin * strides_.weight_line, output, end - begin};
  }

  void run_line(const Line& line) const {
    const int64_t c_end = p_.in_channels;
    int64_t c = 0;
    for (; c + kTileVectors * kLanes <= c_end; c += kTileVectors * kLanes) {
      run_channels<kTileVectors>(line, c);
    }
    for (; c + kLanes <= c_end; c += kLanes) run_channels<1>(line, c);
    for (; c < c_end; ++c) run_channels<0>(line, c);
  }

  // kVectors == 0: one channel.
  template <int kVectors>
  void run_channels(const Line& line, int64_t c) const {
    int64_t w = 0;
    for (; w < inner_begin_; ++w) run_border<kVectors>(line, c, w);
    if (kVectors > 0) {
      for (; w + kTilePixels <= inner_end_; w += kTilePixels) {
        tile<kTilePixels, kVectors ? kVectors : 1>(
            input_at(line, w) + c, line.weights + c,
            line.output + w * p_.out_channels + c, line.kernel_lines, 0, p_.kernel[2],
            strides_, p_.stride[2] * p_.in_channels);
      }
    }
    for (; w < p_.out[2]; ++w) run_border<kVectors>(line, c, w);
  }

  template <int kVectors>
  void run_border(const Line& line, int64_t c, int64_t w) const {
    int64_t begin, end;
    range(2, w, &begin, &end);
    const float* const input = input_at(line, w) + c;
    float* const output = line.output + w * p_.out_channels + c;
    if (kVectors == 0) {
      scalar(input, line.weights + c, output, line.kernel_lines, begin, end, strides_);
    } else {
      tile<1, kVectors ? kVectors : 1>(input, line.weights + c, output,
                                       line.kernel_lines, begin, end, strides_, 0);
    }
  }

  // Where column 0 of the kernel reads at output column `w`; may lie in the padding.
  const float* input_at(const Line& line, int64_t w) const {
    return line.input + (w * p_.stride[2] - p_.padding_low[2]) * p_.in_channels;
  }

  const tfn_conv& p_;
  Strides strides_;
  int64_t inner_begin_, inner_end_;
};

bool is_plain(const tfn_conv& p) {
  return p.kernel[0] == 1 && p.in[0] == 1 && p.out[0] == 1 && p.padding_low[0] == 0 &&
         p.base_dilation[1] == 1 && p.base_dilation[2] == 1 &&
         p.in_channels == p.out_channels;
}

}  // namespace

void TFN_KERNEL(conv_depthwise_f32)(const tfn_conv* p, const float* input,
                                    const float* weights, float* output) {
  if (is_plain(*p)) {
    Depthwise(*p).run(input, weights, output);
  } else {
    TFN_KERNEL(conv_any_f32)(p, input, weights, output);
  }
}
