// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Where the windows of a quantized convolution lie in its input.
#pragma once

#include "conv/pixel_walk.h"
#include "gemm/int8_form.h"
#include "quantized.h"

namespace TFN_NAMESPACE {

// Whether a tile can read the bytes of an input where they are.
constexpr bool kBytesAsTheyAre = kGroupBytes == 4 && kActivationBias == 0;

// What all pixels of a group have in common.
struct Int8Geometry {
  Int8Geometry(const tfn_conv& p, const void* input, int64_t group);

  // Bytes of `places` neighbouring places of the kernel.
  int64_t run_bytes(int64_t places) const { return places * channels; }

  const tfn_conv& p;
  const uint8_t* input;  // At the first channel of the group.
  const uint8_t* end;    // Behind the last byte of all that can be read.
  int64_t channels;      // Of the input, in a group.
  int64_t image_bytes;
  bool dense_lines;  // A line of the kernel is consecutive in the input.
};

// The window of a pixel.
struct Int8Window {
  const uint8_t* image;
  int64_t first[3];  // Position of the first place of the kernel.
  bool inside;       // No place of the kernel is padding.
};

inline Int8Window window_of(const Int8Geometry& g, const Pixel& pixel) {
  Int8Window window;
  window.image = g.input + pixel.image * g.image_bytes;
  window.inside = true;
  for (int d = 0; d < 3; ++d) {
    const int64_t first = pixel.at[d] * g.p.stride[d] - g.p.padding_low[d];
    const int64_t last = first + (g.p.kernel[d] - 1) * g.p.window_dilation[d];
    window.first[d] = first;
    window.inside = window.inside && first >= 0 && last < g.p.in[d];
  }
  return window;
}

// The input's line that line (kd, kh) of the kernel meets, or null if that is padding.
inline const uint8_t* line_of(const Int8Geometry& g, const Int8Window& window,
                              int64_t kd, int64_t kh) {
  const int64_t d = window.first[0] + kd * g.p.window_dilation[0];
  const int64_t h = window.first[1] + kh * g.p.window_dilation[1];
  if (d < 0 || d >= g.p.in[0] || h < 0 || h >= g.p.in[1]) return nullptr;
  return window.image + (d * g.p.in[1] + h) * g.p.in[2] * g.p.in_channels;
}

// Copies a line of a window; what is padding becomes `padding`.
void copy_line(const Int8Geometry& g, const Int8Window& window, const uint8_t* line,
               int padding, uint8_t* to);

}  // namespace TFN_NAMESPACE
