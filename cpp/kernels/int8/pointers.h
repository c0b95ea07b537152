// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// The left side of a quantized convolution whose bytes are read where they are, on CPU
// levels that take them as they are.
#pragma once

#include "int8/gemm/tile.h"
#include "int8/window.h"

namespace TFN_NAMESPACE {

// Describes tiles by pointers into the input. Where a window meets padding, they point
// to a run of it in the scratch, or to a copy of a line.
class Int8Pointers {
 public:
  Int8Pointers(const Int8Geometry& geometry, int padding);

  // How many pixels, at most `most`, a block may have whose description fits `bytes`;
  // 0 if bytes cannot be read where they are.
  int64_t block_pixels(int64_t most, int64_t bytes) const;

  // Takes the scratch for the description of a block of `pixels`.
  void begin(void* scratch, int64_t pixels);

  // The left side of a tile of the next pixels, which is there until the next block.
  // Sets where their results go.
  Int8Left describe(Int8Windows& windows, int rows, int64_t* results);

 private:
  int64_t copied_bytes() const { return whole_lines_ ? segments_ * run_bytes_ : 0; }
  const uint8_t* border(const Int8Window& window, int64_t kd, int64_t kh, int64_t kw);

  const Int8Geometry& g_;
  const int padding_;
  const bool whole_lines_;  // A segment is a line of the kernel, and not a place.
  const int64_t segments_, run_bytes_;
  Int8Segment* next_ = nullptr;
  uint8_t* run_ = nullptr;  // All padding.
  uint8_t* copies_ = nullptr;
};

}  // namespace TFN_NAMESPACE
