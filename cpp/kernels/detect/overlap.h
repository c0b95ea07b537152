// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// How much boxes overlap, with the roundings of TensorFlow's kernels: each product is
// rounded before it is added to anything. Compilers that may contract the two do so
// also across statements, but not through memory that somebody else may have looked at.
#pragma once

#include <float.h>

#include "simd.h"

namespace TFN_NAMESPACE {

// What is in memory now is rounded.
INLINE void look_at(const float* memory) {
  __asm__ volatile("" : : "r"(memory) : "memory");
}

// A number as TensorFlow's threads pass it through a product: one that is too small to
// be normal becomes zero. Copies stay as they are.
inline float flushed(float x) {
  float one = 1.0f;
  look_at(&one);
  return x * one;
}

// Of two numbers the first if they are equal, or if either is NaN.
inline float least_of(float a, float b) { return b < a ? b : a; }
inline float most_of(float a, float b) { return a < b ? b : a; }

// A box whose low corner comes first.
struct Box {
  float top, left, bottom, right, area;
};

inline Box read_box(const float* corners) {
  Box box;
  box.top = least_of(corners[0], corners[2]);
  box.left = least_of(corners[1], corners[3]);
  box.bottom = most_of(corners[0], corners[2]);
  box.right = most_of(corners[1], corners[3]);
  float area = (box.bottom - box.top) * (box.right - box.left);
  look_at(&area);
  box.area = area;
  return box;
}

constexpr int64_t kGroup =
    16;  // Boxes that are compared together; a whole number of Vec.

// Boxes that were kept, side by side, in groups; those that fill the last group have no
// area. `memory` has TFN_NMS_KEPT_BYTES.
class Kept {
 public:
  explicit Kept(float* memory) : memory_(memory) {}

  int64_t size() const { return size_; }

  void clear() { size_ = 0; }

  void add(const Box& box) {
    float* const group = memory_ + size_ / kGroup * kStride;
    const int64_t lane = size_ % kGroup;
    if (lane == 0) memset(group, 0, kStride * sizeof *group);
    const float numbers[] = {box.top, box.left, box.bottom, box.right, box.area};
    for (int i = 0; i < 5; ++i) group[i * kGroup + lane] = numbers[i];
    ++size_;
  }

  // By how much a box overlaps the one that was added as number i.
  float overlap(const Box& box, int64_t i) const {
    float overlaps[kGroup];
    overlap_group(box, i / kGroup, overlaps);
    return overlaps[i % kGroup];
  }

  enum Answer { kNone, kSome, kOdd };

  // Whether a box overlaps any by more than a threshold. kOdd: or there is one by which
  // it does is no number.
  Answer overlaps(const Box& box, float threshold) const {
    for (int64_t group = (size_ + kGroup - 1) / kGroup - 1; group >= 0; --group) {
      float overlaps[kGroup];
      overlap_group(box, group, overlaps);
      int more = 0, fine = 1;
      for (int64_t i = 0; i < kGroup; ++i) {
        more |= overlaps[i] > threshold;
        fine &= overlaps[i] >= -FLT_MAX;
      }
      if (!fine) return kOdd;
      if (more) return kSome;
    }
    return kNone;
  }

 private:
  static constexpr int64_t kStride = 6 * kGroup;  // The last are for what is shared.

  void overlap_group(const Box& box, int64_t group, float* overlaps) const {
    float* const other = memory_ + group * kStride;
    float* const shared = other + 5 * kGroup;
    const Vec top = broadcast(box.top), left = broadcast(box.left);
    const Vec bottom = broadcast(box.bottom), right = broadcast(box.right);
    const Vec zero = broadcast(0.0f);
    for (int64_t i = 0; i < kGroup; i += kLanes) {
      const Vec t = load(other + i), l = load(other + kGroup + i);
      const Vec b = load(other + 2 * kGroup + i), r = load(other + 3 * kGroup + i);
      const Vec high = (b < bottom ? b : bottom) - (top < t ? t : top);
      const Vec wide = (r < right ? r : right) - (left < l ? l : left);
      store(shared + i, (high < zero ? zero : high) * (wide < zero ? zero : wide));
    }
    look_at(shared);
    const Vec area = broadcast(box.area);
    for (int64_t i = 0; i < kGroup; i += kLanes) {
      const Vec both = load(shared + i), own = load(other + 4 * kGroup + i);
      const Vec part = both / (area + own - both);
      const Vec some = own <= zero ? zero : part;
      store(overlaps + i, area <= zero ? zero : some);
    }
  }

  float* const memory_;
  int64_t size_ = 0;
};

}  // namespace TFN_NAMESPACE
