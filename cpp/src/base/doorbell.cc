// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "base/doorbell.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>
#include <ctime>

namespace tfnative::internal {
namespace {

static_assert(sizeof(std::atomic<std::uint32_t>) == sizeof(std::uint32_t),
              "the kernel looks at the number itself");

long futex(std::atomic<std::uint32_t>& word, int operation, std::uint32_t value,
           const timespec* timeout) {
  return ::syscall(SYS_futex, &word, operation | FUTEX_PRIVATE_FLAG, value, timeout,
                   nullptr, 0);
}

}  // namespace

void Doorbell::wait(std::uint32_t rings, std::int64_t nanos) {
  constexpr std::int64_t kNanosPerSecond = 1000 * 1000 * 1000;
  const timespec timeout{nanos / kNanosPerSecond, nanos % kNanosPerSecond};
  waiting_.fetch_add(1);
  if (rings_.load() == rings) {
    futex(rings_, FUTEX_WAIT, rings, nanos < 0 ? nullptr : &timeout);
  }
  waiting_.fetch_sub(1, std::memory_order_relaxed);
}

// Either this sees that somebody waits, or they see that it has rung: both are written
// before the other is read, in one order for all threads.
void Doorbell::ring() {
  rings_.fetch_add(1);
  if (waiting_.load() > 0) futex(rings_, FUTEX_WAKE, INT_MAX, nullptr);
}

}  // namespace tfnative::internal
