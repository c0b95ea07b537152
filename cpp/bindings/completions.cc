// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "completions.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "tfnative/error.hpp"

namespace tfnative::bindings {
namespace {

int new_event() {
  const int event = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (event >= 0) return event;
  throw Error(Code::kResourceExhausted,
              std::string("cannot make an event: ") + std::strerror(errno));
}

}  // namespace

Completions::Completions() : process_(::getpid()), event_(new_event()) {}

Completions::~Completions() { ::close(event_); }

// The mutex may be held for ever in a child of fork(), and the event is the parent's.
bool Completions::in_own_process() const { return ::getpid() == process_; }

void Completions::push(std::int64_t number) noexcept {
  bool is_first;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    is_first = numbers_.empty();
    numbers_.push_back(number);
  }
  if (!is_first) return;  // Whoever listens has been told, and takes all.
  changed_.notify_one();
  const std::uint64_t one = 1;
  // Fails only if the counter is full, which wakes the reader just as well.
  [[maybe_unused]] const auto written = ::write(event_, &one, sizeof one);
}

std::vector<std::int64_t> Completions::take() {
  if (!in_own_process()) return {};
  std::uint64_t count;
  [[maybe_unused]] const auto read = ::read(event_, &count, sizeof count);
  const std::lock_guard<std::mutex> lock(mutex_);
  return std::exchange(numbers_, {});
}

std::vector<std::int64_t> Completions::wait() {
  if (!in_own_process()) return {};
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait(lock, [this] { return closed_ || !numbers_.empty(); });
  return std::exchange(numbers_, {});
}

void Completions::close() {
  if (!in_own_process()) return;
  const std::lock_guard<std::mutex> lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

}  // namespace tfnative::bindings
