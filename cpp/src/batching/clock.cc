// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "tfnative/clock.hpp"

#include <algorithm>
#include <chrono>
#include <string>

#include "tfnative/error.hpp"

namespace tfnative {
namespace {

using std::chrono::microseconds;
using std::chrono::steady_clock;

class SystemClock : public Clock {
 public:
  std::int64_t now_micros() const override {
    return std::chrono::duration_cast<microseconds>(
               steady_clock::now().time_since_epoch())
        .count();
  }

  std::int64_t nanos_until(std::int64_t until_micros) const override {
    if (until_micros == kForever) return -1;
    return std::max<std::int64_t>(0, until_micros - now_micros()) * 1000;
  }

  void wait(std::condition_variable& condition, std::unique_lock<std::mutex>& lock,
            std::int64_t until_micros) override {
    if (until_micros == kForever) {
      condition.wait(lock);
    } else {
      condition.wait_until(lock, steady_clock::time_point(microseconds(until_micros)));
    }
  }
};

// How long it may take until a waiting thread sees that the time was advanced.
constexpr microseconds kLook{200};

}  // namespace

// Made as the library is loaded: a thread that makes it may not be in a child of
// fork().
[[maybe_unused]] const std::shared_ptr<Clock> made_early = Clock::system();

// Of a clock that is not the machine's, it is not known when its time will come.
std::int64_t Clock::nanos_until(std::int64_t until_micros) const {
  if (until_micros == kForever) return -1;
  return now_micros() < until_micros ? std::chrono::nanoseconds(kLook).count() : 0;
}

std::shared_ptr<Clock> Clock::system() {
  static const auto clock = std::make_shared<SystemClock>();
  return clock;
}

std::int64_t FakeClock::now_micros() const { return now_.load(); }

void FakeClock::wait(std::condition_variable& condition,
                     std::unique_lock<std::mutex>& lock, std::int64_t until_micros) {
  if (until_micros == kForever) {
    condition.wait(lock);
  } else if (now_.load() < until_micros) {
    condition.wait_for(lock, kLook);
  }
}

void FakeClock::advance(std::int64_t micros) {
  if (micros < 0) {
    throw Error(Code::kInvalidArgument,
                "time does not go back: cannot advance a clock by " +
                    std::to_string(micros) + " microseconds");
  }
  now_.fetch_add(micros);
}

}  // namespace tfnative
