// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// The largest elements of a row, by a heap of indices. A row with NaN has no order;
// what TensorFlow makes of it follows from the comparisons that it makes.
#include <string.h>

#include "kernels.h"
#include "sort/order_of_comparisons.h"

namespace {

// Orders numbers by their bits: negative ones are flipped, so that integers compare as
// the numbers do. Both zeros are equal.
inline int32_t rank(float value) {
  int32_t bits;
  value += 0.0f;
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

bool has_nan(const float* values, int64_t length) {
  int found = 0;
  for (int64_t i = 0; i < length; ++i) found |= values[i] != values[i];
  return found != 0;
}

// All elements: those that are equal are then put in the order of their indices.
void sort_all(const float* values, int64_t length, int32_t* indices) {
  sort_by_comparisons(indices, length,
                      [values](int32_t a, int32_t b) { return values[b] < values[a]; });
  for (int64_t begin = 0, end; begin < length; begin = end) {
    end = begin + 1;
    while (end < length && values[indices[begin]] == values[indices[end]]) ++end;
    for (int64_t i = begin + 1; i < end; ++i) {
      insert(indices + begin, i - begin, [](int32_t a, int32_t b) { return a < b; });
    }
  }
}

// Some elements: a heap of one more than are wanted, of which the last is dropped.
void sort_some(const float* values, int64_t length, int64_t k, int32_t* indices) {
  const auto before = [values](int32_t a, int32_t b) {
    if (values[b] < values[a]) return true;
    if (values[b] > values[a]) return false;
    return a < b;
  };
  make_heap(indices, k + 1, before);
  pop_heap(indices, k + 1, before);
  for (int64_t i = k + 1; i < length; ++i) {
    if (!before((int32_t)i, indices[0])) continue;
    indices[k] = (int32_t)i;
    pop_heap(indices, k + 1, before);
  }
  sort_heap(indices, k, before);
}

}  // namespace

void TFN_KERNEL(topk_f32)(int64_t batch, int64_t length, int64_t k, const float* values,
                          float* out_values, int32_t* out_indices, void* scratch) {
  float* const row = (float*)scratch + length;
  int32_t* const order = (int32_t*)(row + length);
  for (int64_t b = 0; b < batch; ++b) {
    int32_t* const indices = (int32_t*)scratch;
    int32_t* const out = out_indices != nullptr ? out_indices : order;
    if (has_nan(values, length)) {
      for (int64_t i = 0; i < length; ++i) indices[i] = (int32_t)i;
      if (k == length) {
        sort_all(values, length, indices);
      } else {
        sort_some(values, length, k, indices);
      }
      memcpy(out, indices, (size_t)k * sizeof *indices);
    } else {
      Heap heap(values, indices, length);
      for (int64_t i = 0; i < k; ++i) out[i] = heap.pop();
    }
    memcpy(row, values, (size_t)length * sizeof *row);
    for (int64_t i = 0; i < k; ++i) out_values[i] = row[out[i]];
    if (out_indices != nullptr) out_indices += k;
    out_values += k;
    values += length;
  }
}
