// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// A stable merge sort of indices, by which all arrays are then put in order.
#include <string.h>

#include "kernels.h"

namespace {

constexpr int kMaxArrays = 64;
constexpr int64_t kShortRun = 8;

// One line of all arrays: elements that are compared and moved together.
class Line {
 public:
  Line(const tfn_sort& p, void* const* arrays, int64_t outer, int64_t inner,
       tfn_comparator* comes_before)
      : p_(p), comes_before_(comes_before) {
    for (int32_t a = 0; a < p.count; ++a) {
      const int64_t first = outer * p.length * p.inner + inner;
      base_[a] = (char*)arrays[a] + first * p.element_bytes[a];
    }
  }

  bool before(int64_t i, int64_t j) const {
    const void* params[2 * kMaxArrays];
    for (int32_t a = 0; a < p_.count; ++a) {
      params[2 * a] = at(a, i);
      params[2 * a + 1] = at(a, j);
    }
    char result = 0;
    comes_before_(&result, nullptr, params, nullptr, nullptr, nullptr);
    return result != 0;
  }

  // Element i becomes what was element order[i]. `copy` has room for a line.
  void arrange(const int64_t* order, char* copy) const {
    for (int32_t a = 0; a < p_.count; ++a) {
      const size_t bytes = (size_t)p_.element_bytes[a];
      for (int64_t i = 0; i < p_.length; ++i) {
        memcpy(copy + (size_t)i * bytes, at(a, order[i]), bytes);
      }
      for (int64_t i = 0; i < p_.length; ++i) {
        memcpy(at(a, i), copy + (size_t)i * bytes, bytes);
      }
    }
  }

 private:
  char* at(int32_t a, int64_t i) const {
    return base_[a] + i * p_.inner * p_.element_bytes[a];
  }

  const tfn_sort& p_;
  tfn_comparator* const comes_before_;
  char* base_[kMaxArrays];
};

void insertion_sort(const Line& line, int64_t* order, int64_t begin, int64_t end) {
  for (int64_t i = begin + 1; i < end; ++i) {
    const int64_t moving = order[i];
    int64_t j = i;
    for (; j > begin && line.before(moving, order[j - 1]); --j) order[j] = order[j - 1];
    order[j] = moving;
  }
}

void merge(const Line& line, const int64_t* from, int64_t begin, int64_t middle,
           int64_t end, int64_t* to) {
  int64_t i = begin, j = middle;
  for (int64_t out = begin; out < end; ++out) {
    const bool take_right = i == middle || (j < end && line.before(from[j], from[i]));
    to[out] = take_right ? from[j++] : from[i++];
  }
}

int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

// Returns the order, which is in one of the two buffers.
int64_t* sort_line(const Line& line, int64_t length, int64_t* order, int64_t* other) {
  for (int64_t i = 0; i < length; ++i) order[i] = i;
  for (int64_t i = 0; i < length; i += kShortRun) {
    insertion_sort(line, order, i, smaller(i + kShortRun, length));
  }
  for (int64_t run = kShortRun; run < length; run *= 2) {
    for (int64_t i = 0; i < length; i += 2 * run) {
      merge(line, order, i, smaller(i + run, length), smaller(i + 2 * run, length),
            other);
    }
    int64_t* const swapped = order;
    order = other;
    other = swapped;
  }
  return order;
}

}  // namespace

void TFN_KERNEL(sort)(const tfn_sort* p, void* const* arrays,
                      tfn_comparator* comes_before, void* scratch) {
  int64_t* const buffers = (int64_t*)scratch;
  char* const copy = (char*)(buffers + 2 * p->length);
  for (int64_t outer = 0; outer < p->outer; ++outer) {
    for (int64_t inner = 0; inner < p->inner; ++inner) {
      const Line line(*p, arrays, outer, inner, comes_before);
      line.arrange(sort_line(line, p->length, buffers, buffers + p->length), copy);
    }
  }
}
