// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// The largest elements of a row, by a heap of indices.
#include <string.h>

#include "kernels.h"

namespace {

// Orders floats by their bits: negative numbers are flipped, so that integers
// compare as the numbers do, with NaNs at the ends and -0 below +0.
inline int32_t rank(float value) {
  int32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits < 0 ? bits ^ 0x7FFFFFFF : bits;
}

// Indices into a row, the one that comes first at the top.
class Heap {
 public:
  Heap(const float* values, int32_t* indices, int64_t size)
      : values_(values), indices_(indices), size_(size) {
    for (int64_t i = 0; i < size; ++i) indices[i] = (int32_t)i;
    for (int64_t i = size / 2 - 1; i >= 0; --i) sink(i);
  }

  int32_t pop() {
    const int32_t top = indices_[0];
    indices_[0] = indices_[--size_];
    sink(0);
    return top;
  }

 private:
  bool before(int32_t a, int32_t b) const {
    const int32_t x = rank(values_[a]), y = rank(values_[b]);
    return x > y || (x == y && a < b);
  }

  void sink(int64_t i) {
    const int32_t moving = indices_[i];
    for (;;) {
      int64_t child = 2 * i + 1;
      if (child >= size_) break;
      if (child + 1 < size_ && before(indices_[child + 1], indices_[child])) ++child;
      if (!before(indices_[child], moving)) break;
      indices_[i] = indices_[child];
      i = child;
    }
    indices_[i] = moving;
  }

  const float* const values_;
  int32_t* const indices_;
  int64_t size_;
};

}  // namespace

void TFN_KERNEL(topk_f32)(int64_t batch, int64_t length, int64_t k, const float* values,
                          float* out_values, int32_t* out_indices, void* scratch) {
  for (int64_t b = 0; b < batch; ++b) {
    Heap heap(values, (int32_t*)scratch, length);
    for (int64_t i = 0; i < k; ++i) {
      const int32_t index = heap.pop();
      *out_indices++ = index;
      *out_values++ = values[index];
    }
    values += length;
  }
}
