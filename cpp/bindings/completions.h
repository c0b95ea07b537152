// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// From batch threads, which know nothing of Python, to Python.
#pragma once

#include <sys/types.h>

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <vector>

namespace tfnative::bindings {

// The numbers of requests that are done, until somebody takes them. Thread-safe. In a
// child of fork() there are none: whoever noted them is not there.
class Completions {
 public:
  // Throws Error (kResourceExhausted).
  Completions();
  ~Completions();
  Completions(const Completions&) = delete;
  Completions& operator=(const Completions&) = delete;

  // Called by batch threads.
  void push(std::int64_t number) noexcept;

  // Becomes readable when there are some, for an event loop.
  int file_descriptor() const { return event_; }

  // Those that there are.
  std::vector<std::int64_t> take();

  // Waits until there are some. None: it was closed.
  std::vector<std::int64_t> wait();
  void close();

 private:
  bool in_own_process() const;

  const pid_t process_;
  const int event_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::int64_t> numbers_;
  bool closed_ = false;
};

}  // namespace tfnative::bindings
