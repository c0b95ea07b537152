// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Where the windows of a quantized convolution lie in its input.
#pragma once

#include "int8/gemm/form.h"
#include "quantized.h"

namespace TFN_NAMESPACE {

// Whether a tile can read the bytes of an input where they are.
constexpr bool kBytesAsTheyAre = kGroupBytes == 4 && kActivationBias == 0;

// What all pixels of a group have in common.
struct Int8Geometry {
  Int8Geometry(const tfn_conv& p, const void* input, int64_t group);

  const tfn_conv& p;
  const uint8_t* input;  // At the first channel of the group.
  const uint8_t* end;    // Behind the last byte of all that can be read.
  int64_t channels;      // Of the input, in a group.
  int64_t image_bytes;
  int64_t last_column;  // Of the input, for windows that end in the line.
  bool dense_lines;     // A line of the kernel is consecutive in the input.
};

// The window of an output pixel. Positions are those of the kernel's first place.
struct Int8Window {
  const uint8_t* image;
  int64_t position[3];
  int64_t offset;     // Of that place in the image.
  int64_t result;     // The first element that the pixel has in the output.
  bool lines_inside;  // No line of the kernel is padding.

  bool inside(const Int8Geometry& g) const {
    return lines_inside && position[2] >= 0 && position[2] <= g.last_column;
  }

  // The input's line that line (kd, kh) of the kernel meets, or null for padding.
  const uint8_t* line(const Int8Geometry& g, int64_t kd, int64_t kh) const {
    const int64_t d = position[0] + kd * g.p.window_dilation[0];
    const int64_t h = position[1] + kh * g.p.window_dilation[1];
    if (d < 0 || d >= g.p.in[0] || h < 0 || h >= g.p.in[1]) return nullptr;
    return image + (d * g.p.in[1] + h) * g.p.in[2] * g.p.in_channels;
  }
};

// The windows of all pixels, from one on. Images of the output are `image_elements`
// apart.
class Int8Windows {
 public:
  Int8Windows(const Int8Geometry& g, int64_t image_elements, int64_t pixel);

  const Int8Window& now() const { return window_; }

  // Pixels of this row of the output from now on.
  int64_t row_pixels() const { return g_.p.out[2] - w_; }

  // Goes on by as many pixels, at most those of the row.
  INLINE void advance(int64_t pixels) {
    const int64_t columns = pixels * g_.p.stride[2];
    window_.position[2] += columns;
    window_.offset += columns * g_.p.in_channels;
    window_.result += pixels * g_.p.out_channels;
    w_ += pixels;
    if (w_ == g_.p.out[2]) begin_next_row();
  }

 private:
  void begin_next_row();
  void begin_row();

  const Int8Geometry& g_;
  const int64_t image_elements_;
  int64_t row_, w_;  // Of the output; rows of all images.
  Int8Window window_;
};

// Copies places [kw, kw + places) of a window from a line of the input. What is padding
// becomes `padding`.
void copy_places(const Int8Geometry& g, const uint8_t* line, int64_t position,
                 int64_t places, int padding, uint8_t* to);

}  // namespace TFN_NAMESPACE
