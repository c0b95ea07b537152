// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "base/process.h"

#include <pthread.h>
#include <unistd.h>

#include <atomic>

namespace tfnative::internal {
namespace {

std::atomic<pid_t> current{0};  // 0: has to be asked for.

// When the library is loaded, not at first use: a thread may fork at any time.
[[maybe_unused]] const bool is_registered = [] {
  const auto in_child = [] { current.store(::getpid()); };
  if (::pthread_atfork(nullptr, nullptr, in_child) != 0) return false;
  current.store(::getpid());
  return true;
}();

}  // namespace

pid_t process_id() {
  const pid_t id = current.load(std::memory_order_relaxed);
  return id != 0 ? id : ::getpid();
}

}  // namespace tfnative::internal
