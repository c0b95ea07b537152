// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// A value that is found when it first matters.
#pragma once

#include <atomic>
#include <memory>

namespace tfnative::internal {

// Without a lock, which a child of fork() might find locked: threads that look for the
// value at the same time all find one, and the first one stays. Thread-safe.
template <typename T>
class SetOnce {
 public:
  SetOnce() = default;
  ~SetOnce() { delete value_.load(std::memory_order_relaxed); }
  SetOnce(const SetOnce&) = delete;
  SetOnce& operator=(const SetOnce&) = delete;

  // Null before it is set.
  const T* get() const noexcept { return value_.load(std::memory_order_acquire); }

  // The value: this one, unless somebody was first.
  const T& set(std::unique_ptr<const T> value) {
    const T* known = nullptr;
    if (!value_.compare_exchange_strong(known, value.get(), std::memory_order_acq_rel,
                                        std::memory_order_acquire)) {
      return *known;
    }
    return *value.release();
  }

 private:
  std::atomic<const T*> value_{nullptr};
};

}  // namespace tfnative::internal
