// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "int8/pointers.h"

namespace TFN_NAMESPACE {
namespace {

// With more channels, places are long enough, and no copies are needed.
constexpr int64_t kMostChannelsOfLines = 96;

// With fewer bytes in a row, following pointers takes longer than copying.
constexpr int64_t kShortestRun = 16;

}  // namespace

Int8Pointers::Int8Pointers(const Int8Geometry& geometry, int padding)
    : g_(geometry),
      padding_(padding),
      whole_lines_(g_.dense_lines && g_.p.kernel[2] > 1 &&
                   g_.channels < kMostChannelsOfLines),
      segments_(g_.p.kernel[0] * g_.p.kernel[1] * (whole_lines_ ? 1 : g_.p.kernel[2])),
      run_bytes_((whole_lines_ ? g_.p.kernel[2] : 1) * g_.channels) {}

int64_t Int8Pointers::block_pixels(int64_t most, int64_t bytes) const {
  if (run_bytes_ % 4 != 0 || run_bytes_ < kShortestRun) return 0;
  const int64_t of_tile =
      segments_ * (int64_t)sizeof(Int8Segment) + kInt8Rows * copied_bytes();
  const int64_t fitting = (bytes - run_bytes_) / of_tile * kInt8Rows;
  return most < fitting ? most : fitting;
}

void Int8Pointers::begin(void* scratch, int64_t pixels) {
  const int64_t tiles = (pixels + kInt8Rows - 1) / kInt8Rows;
  next_ = (Int8Segment*)scratch;
  run_ = (uint8_t*)(next_ + tiles * segments_);
  copies_ = run_ + run_bytes_;
  memset(run_, padding_, (size_t)run_bytes_);
}

Int8Left Int8Pointers::describe(Int8Windows& walk, int rows, int64_t* results) {
  const tfn_conv& p = g_.p;
  const Int8Left left = {next_, segments_, run_bytes_ / 4};
  const int64_t steps = whole_lines_ ? 1 : p.kernel[2];
  const uint8_t* first[kInt8Rows];
  Int8Window windows[kInt8Rows];  // Only of rows that meet padding.
  for (int r = 0; r < rows; ++r, walk.advance(1)) {
    const Int8Window& window = walk.now();
    results[r] = window.result;
    first[r] = nullptr;
    if (window.inside(g_)) {
      first[r] = window.image + window.offset;
    } else {
      windows[r] = window;
    }
  }
  int64_t group = 0;
  for (int64_t kd = 0; kd < p.kernel[0]; ++kd) {
    for (int64_t kh = 0; kh < p.kernel[1]; ++kh) {
      const int64_t line =
          (kd * p.window_dilation[0] * p.in[1] + kh * p.window_dilation[1]) * p.in[2];
      for (int64_t kw = 0; kw < steps; ++kw, ++next_, group += run_bytes_ / 4) {
        const int64_t at = (line + kw * p.window_dilation[2]) * p.in_channels;
        next_->group = group;
        for (int r = 0; r < rows; ++r) {
          next_->row[r] = first[r] ? first[r] + at : border(windows[r], kd, kh, kw);
        }
      }
    }
  }
  return left;
}

const uint8_t* Int8Pointers::border(const Int8Window& window, int64_t kd, int64_t kh,
                                    int64_t kw) {
  const uint8_t* const line = window.line(g_, kd, kh);
  const int64_t width = whole_lines_ ? g_.p.kernel[2] : 1;
  const int64_t w = window.position[2] + kw * g_.p.window_dilation[2];
  if (!line || w + width <= 0 || w >= g_.p.in[2]) return run_;
  if (w >= 0 && w + width <= g_.p.in[2]) return line + w * g_.p.in_channels;
  uint8_t* const copy = copies_;
  copies_ += run_bytes_;
  copy_places(g_, line, w, width, padding_, copy);
  return copy;
}

}  // namespace TFN_NAMESPACE
