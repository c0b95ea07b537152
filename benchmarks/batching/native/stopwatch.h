// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <ctime>

namespace bench {

inline std::int64_t nanos_of(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return now.tv_sec * std::int64_t{1000000000} + now.tv_nsec;
}

inline std::int64_t now_nanos() { return nanos_of(CLOCK_MONOTONIC); }

// Time and processor time since it was made.
class Stopwatch {
 public:
  double seconds() const { return static_cast<double>(now_nanos() - start_) / 1e9; }
  double cpu_seconds() const {
    return static_cast<double>(nanos_of(CLOCK_PROCESS_CPUTIME_ID) - cpu_start_) / 1e9;
  }

 private:
  std::int64_t start_ = now_nanos();
  std::int64_t cpu_start_ = nanos_of(CLOCK_PROCESS_CPUTIME_ID);
};

}  // namespace bench
