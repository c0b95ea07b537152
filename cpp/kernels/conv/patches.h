// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Where the kernel meets few elements in a row, as in a first layer with three
// channels, following pointers costs more than copying what they point at: the windows
// of a block of output pixels are copied together into rows of a matrix (im2col).
#pragma once

#include "gemm/gemm.h"

namespace TFN_NAMESPACE {

// Whether copying pays, and a window is made of dense lines.
bool copies_patches(const tfn_conv& p);

// Copies `count` lines of a number of elements.
typedef void CopyLines(const float* from, int64_t from_step, float* to, int64_t to_step,
                       int64_t count);

class Patches {
 public:
  Patches(const tfn_conv& p, const float* input);

  int64_t elements() const { return p_.kernel[0] * p_.kernel[1] * line_; }
  // Distance of two patches: there is room for what is copied too much.
  int64_t stride() const;

  // Copies the windows of output pixels [pixels.begin, pixels.end).
  void copy(Range pixels, float* to) const;

 private:
  void copy_row(int64_t row, int64_t w, int64_t count, float* to) const;
  void copy_input_line(const float* line, int64_t x, int64_t count, float* to) const;
  void copy_partly(const float* line, int64_t x, float* to) const;
  void clear(float* to) const;

  const tfn_conv& p_;
  const float* const input_;
  const float* const end_;
  const int64_t line_;  // Elements that a line of the kernel meets.
  CopyLines* const copy_lines_;
};

}  // namespace TFN_NAMESPACE
