// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Output pixels, one behind the other.
#pragma once

#include "simd.h"

namespace TFN_NAMESPACE {

// An output pixel: its image, and its place there (d, h, w).
struct Pixel {
  int64_t image, at[3];
};

// The pixels of images of `size`, one image after the other. Small enough to live in
// registers where it is used, if it is copied there.
class PixelWalk {
 public:
  PixelWalk(const int64_t (&size)[3], int64_t first)
      : depth_(size[0]),
        height_(size[1]),
        width_(size[2]),
        image_(first / (depth_ * height_ * width_)),
        d_(first / (height_ * width_) % depth_),
        h_(first / width_ % height_),
        w_(first % width_) {}

  Pixel next() {
    const Pixel now = {image_, {d_, h_, w_}};
    if (++w_ == width_) {
      w_ = 0;
      if (++h_ == height_) {
        h_ = 0;
        if (++d_ == depth_) {
          d_ = 0;
          ++image_;
        }
      }
    }
    return now;
  }

 private:
  int64_t depth_, height_, width_;
  int64_t image_, d_, h_, w_;
};

}  // namespace TFN_NAMESPACE
