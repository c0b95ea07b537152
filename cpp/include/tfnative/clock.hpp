// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// The time that a batcher goes by. Tests give it a FakeClock, and then say themselves
// when time passes.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>

namespace tfnative {

// A time that never comes.
inline constexpr std::int64_t kForever = std::numeric_limits<std::int64_t>::max();

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;

  // Microseconds since some moment in the past. Never goes back.
  virtual std::int64_t now_micros() const = 0;

  // Waits until `condition` is notified, or it is `until_micros`; may return earlier.
  // The lock is released meanwhile.
  virtual void wait(std::condition_variable& condition,
                    std::unique_lock<std::mutex>& lock, std::int64_t until_micros) = 0;

  // For how many nanoseconds one may sleep at most before one looks at the time again,
  // until it is `until_micros`. Negative: as long as one likes.
  virtual std::int64_t nanos_until(std::int64_t until_micros) const;

  // The machine's monotonic clock.
  static std::shared_ptr<Clock> system();
};

// A clock that stands still, but for `advance`.
//
//   auto clock = std::make_shared<tfnative::FakeClock>();
//   tfnative::Batcher batcher(model, options, {1, "test", clock});
//   auto future = batcher.submit(inputs, outputs);
//   clock->advance(options.batch_timeout_micros);  // Now the batch is due.
//   future.get();
class FakeClock : public Clock {
 public:
  std::int64_t now_micros() const override;

  // Looks at the time again and again: whoever advances it need not know who waits.
  void wait(std::condition_variable& condition, std::unique_lock<std::mutex>& lock,
            std::int64_t until_micros) override;

  // Lets time pass. Throws Error (kInvalidArgument) if `micros` is negative.
  void advance(std::int64_t micros);

 private:
  std::atomic<std::int64_t> now_{0};
};

}  // namespace tfnative
