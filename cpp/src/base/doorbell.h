// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Many threads that wait for one event.
#pragma once

#include <atomic>
#include <cstdint>

namespace tfnative::internal {

// Wakes all who wait with one system call, and none if nobody waits: a condition
// variable for each of them would take one call each. Thread-safe.
//
//   for (;;) {
//     const std::uint32_t rings = bell.rings();
//     if (happened()) break;
//     bell.wait(rings);
//   }
class Doorbell {
 public:
  // How often it has rung. To be read before looking whether something happened.
  std::uint32_t rings() const { return rings_.load(std::memory_order_acquire); }

  // Waits until it rings for another time than these; may return earlier. Not for
  // longer than so many nanoseconds, unless they are negative.
  void wait(std::uint32_t rings, std::int64_t nanos = -1);

  // What happened before is seen by those who were waiting.
  void ring();

 private:
  std::atomic<std::uint32_t> rings_{0};
  std::atomic<std::uint32_t> waiting_{0};
};

// Rings bells, one after the other, until its end: one that is added many times in a
// row only once. Bells have to live longer than this.
class Ringing {
 public:
  Ringing() = default;
  ~Ringing() {
    if (last_ != nullptr) last_->ring();
  }
  Ringing(const Ringing&) = delete;
  Ringing& operator=(const Ringing&) = delete;

  void add(Doorbell& bell) {
    if (last_ != nullptr && last_ != &bell) last_->ring();
    last_ = &bell;
  }

 private:
  Doorbell* last_ = nullptr;
};

}  // namespace tfnative::internal
