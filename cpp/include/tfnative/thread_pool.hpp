// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Threads that work together on one call.
#pragma once

#include <cstdint>
#include <memory>

namespace tfnative {

namespace internal {
class Workers;
}

// A number of threads, the calling one included. A handle: copies share the threads,
// which end with the last copy. Thread-safe. Several models may share one.
//
// A call that finds the threads busy with another one runs alone, so that calls never
// wait for each other. After fork(), calls in the child run alone, too.
class ThreadPool {
 public:
  // One thread: the calling one. Starts none.
  ThreadPool() = default;

  // Starts threads - 1 threads. Throws Error: kInvalidArgument unless `threads` is in
  // 1 to 1024, kResourceExhausted if they cannot be started.
  ThreadPool(int threads);  // NOLINT(google-explicit-constructor): options.threads = 2

  int threads() const noexcept;

  // Calls task(argument, part) for every part < parts, one of them in this thread, and
  // returns when all have returned. Tasks must not throw, nor call `run`.
  void run(void (*task)(void* argument, std::int32_t part), void* argument,
           std::int32_t parts) const noexcept;

 private:
  std::shared_ptr<internal::Workers> workers_;  // Null: one thread.
};

}  // namespace tfnative
