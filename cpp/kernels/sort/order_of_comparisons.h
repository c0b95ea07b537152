// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Sorts by an order that is none, as that of numbers with NaN among them, or that does
// not tell some elements apart: what comes out depends on what is compared with what,
// and when. TensorFlow leaves that to GNU's C++ library, whose sequence of comparisons
// these functions have: a quicksort with medians of three, ended by an insertion sort,
// and heaps.
#pragma once

#include <stdint.h>

namespace {

template <typename T>
void swap(T& a, T& b) {
  const T kept = a;
  a = b;
  b = kept;
}

// Heaps with the last of all at the top.
template <typename T, typename Before>
void settle(T* heap, int64_t hole, int64_t size, T value, Before before) {
  const int64_t top = hole;
  int64_t child = hole;
  while (child < (size - 1) / 2) {
    child = 2 * (child + 1);
    if (before(heap[child], heap[child - 1])) --child;
    heap[hole] = heap[child];
    hole = child;
  }
  if (size % 2 == 0 && child == (size - 2) / 2) {
    child = 2 * child + 1;
    heap[hole] = heap[child];
    hole = child;
  }
  for (; hole > top; hole = (hole - 1) / 2) {
    const int64_t parent = (hole - 1) / 2;
    if (!before(heap[parent], value)) break;
    heap[hole] = heap[parent];
  }
  heap[hole] = value;
}

template <typename T, typename Before>
void make_heap(T* heap, int64_t size, Before before) {
  for (int64_t i = size / 2 - 1; i >= 0; --i) settle(heap, i, size, heap[i], before);
}

// Adds the last of `size` elements to a heap of the others.
template <typename T, typename Before>
void push_heap(T* heap, int64_t size, Before before) {
  const T value = heap[size - 1];
  int64_t hole = size - 1;
  for (; hole > 0; hole = (hole - 1) / 2) {
    const int64_t parent = (hole - 1) / 2;
    if (!before(heap[parent], value)) break;
    heap[hole] = heap[parent];
  }
  heap[hole] = value;
}

// Brings the top to the end.
template <typename T, typename Before>
void pop_heap(T* heap, int64_t size, Before before) {
  if (size < 2) return;
  const T value = heap[size - 1];
  heap[size - 1] = heap[0];
  settle(heap, 0, size - 1, value, before);
}

template <typename T, typename Before>
void sort_heap(T* heap, int64_t size, Before before) {
  for (; size > 1; --size) pop_heap(heap, size, before);
}

// Moves element `i` down to its place, at most to the first one.
template <typename T, typename Before>
void insert(T* order, int64_t i, Before before) {
  const T moving = order[i];
  for (; i > 0 && before(moving, order[i - 1]); --i) order[i] = order[i - 1];
  order[i] = moving;
}

constexpr int64_t kShort = 16;

template <typename T, typename Before>
void insertion_sort(T* order, int64_t size, Before before) {
  for (int64_t i = 1; i < size; ++i) {
    if (i < kShort && before(order[i], order[0])) {
      const T moving = order[i];
      for (int64_t j = i; j > 0; --j) order[j] = order[j - 1];
      order[0] = moving;
    } else {
      insert(order, i, before);
    }
  }
}

template <typename T, typename Before>
void median_to_front(T* order, int64_t size, Before before) {
  T &front = order[0], &a = order[1], &b = order[size / 2], &c = order[size - 1];
  if (before(a, b)) {
    if (before(b, c)) {
      swap(front, b);
    } else {
      swap(front, before(a, c) ? c : a);
    }
  } else if (before(a, c)) {
    swap(front, a);
  } else {
    swap(front, before(b, c) ? c : b);
  }
}

// Parts what comes before the front from what does not; returns where.
template <typename T, typename Before>
int64_t part(T* order, int64_t size, Before before) {
  int64_t low = 1, high = size;
  for (;;) {
    while (low < size && before(order[low], order[0])) ++low;
    --high;
    while (high > 0 && before(order[0], order[high])) --high;
    if (low >= high) return low;
    swap(order[low], order[high]);
    ++low;
  }
}

template <typename T, typename Before>
void quicksort(T* order, int64_t size, int depth, Before before) {
  while (size > kShort) {
    if (depth-- == 0) {
      make_heap(order, size, before);
      return sort_heap(order, size, before);
    }
    median_to_front(order, size, before);
    const int64_t cut = part(order, size, before);
    quicksort(order + cut, size - cut, depth, before);
    size = cut;
  }
}

template <typename T, typename Before>
void sort_by_comparisons(T* order, int64_t size, Before before) {
  int depth = 0;
  for (int64_t left = size; left > 1; left /= 2) depth += 2;
  quicksort(order, size, depth, before);
  insertion_sort(order, size, before);
}

}  // namespace
