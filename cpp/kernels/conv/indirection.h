// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Indirect convolution: a convolution is a matrix product whose left rows are not
// copied together, as im2col does, but found through pointers to where they lie in
// the input.
#pragma once

#include "gemm/gemm.h"

namespace TFN_NAMESPACE {

// One phase of a convolution. With a dilated input (a transposed convolution) only
// some places of the kernel meet input, the same ones for every base_dilation-th
// output pixel: those pixels are one phase, and an ordinary convolution. Without
// dilation there is one phase.
struct Phase {
  int64_t offset[3];  // The first output pixel; the next is base_dilation away.
  int64_t size[3];    // Output pixels.
};

// Memory for a block of output pixels, all of it in the caller's scratch.
struct ConvScratch {
  const float* zeros;  // As many as a segment has elements.
  float* copies;       // Rows that lie partly in the padding.
  Segment* segments;
};

// An output pixel of a phase: its image, and its place in the phase.
struct Pixel {
  int64_t image, at[3];
};

// The left side of the product, tile by tile.
class Indirection {
 public:
  Indirection(const tfn_conv& p, const float* input, int64_t group, const Phase& phase,
              ConvScratch scratch);

  // Segments of one tile of up to kMaxRows pixels.
  int64_t max_segments() const { return segment_count_; }
  int64_t segment_elements() const { return segment_elements_; }

  // Writes the segments of a tile, leaving out those that are all padding, and
  // returns how many there are. `copies` has room for rows * max_segments() *
  // segment_elements() floats.
  int64_t describe(const Pixel* pixels, int rows, Segment* segments,
                   float* copies) const;

 private:
  // Where place `k` of the kernel reads for the first pixel of the phase; false if
  // it meets holes of the input only.
  bool first_position(int d, int64_t k, int64_t* position) const;
  // Where pixel's window begins: the input position of a place at (0, 0, 0).
  struct Window {
    const float* origin;
    int64_t image, position[3];
    bool inside;  // No place of the kernel meets padding.
  };
  Window window_of(const Pixel& pixel) const;
  const float* border_pointer(const Window& window, const int64_t (&place)[3],
                              float* copy) const;

  const tfn_conv& p_;
  const float* const input_;  // At the first channel of the group.
  const Phase& phase_;
  const ConvScratch scratch_;
  const bool whole_lines_;  // A segment is all of the kernel's width.
  int64_t segment_count_, segment_elements_;
  int64_t lowest_[3], highest_[3];  // Positions that the first pixel's window meets.
};

}  // namespace TFN_NAMESPACE
