// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// An array whose size is known when it is made, on the stack if it is small.
#pragma once

#include <cstddef>
#include <memory>

namespace tfnative::internal {

template <typename T, std::size_t kInline = 8>
class InlineVector {
 public:
  explicit InlineVector(std::size_t size)
      : heap_(size > kInline ? new T[size]() : nullptr), size_(size) {}
  InlineVector(const InlineVector&) = delete;
  InlineVector& operator=(const InlineVector&) = delete;

  T* data() { return heap_ ? heap_.get() : inline_; }
  std::size_t size() const { return size_; }
  T& operator[](std::size_t index) { return data()[index]; }

 private:
  T inline_[kInline];
  std::unique_ptr<T[]> heap_;
  std::size_t size_;
};

}  // namespace tfnative::internal
