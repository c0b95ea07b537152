// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "give_way.h"

#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <optional>
#include <system_error>
#include <thread>

namespace tfnative::bindings {
namespace {

constexpr int kLessNice = 10, kMostNice = 19;

thread_local bool gives_way_ = false;

// Lets other threads run before this one, as long as it lives.
void lower_priority() noexcept {
#if defined(__linux__)  // Where a thread is a process of its own, and 0 means it.
  errno = 0;
  const int nice = getpriority(PRIO_PROCESS, 0);
  if (errno != 0) return;
  // If that is refused, the work takes its place among equals.
  static_cast<void>(
      setpriority(PRIO_PROCESS, 0, std::min(nice + kLessNice, kMostNice)));
#endif
}

}  // namespace

bool gives_way() noexcept { return gives_way_; }

void do_giving_way(const std::function<void()>& work) {
  std::exception_ptr error;
  std::optional<std::thread> thread;
  try {
    thread.emplace([&] {
      lower_priority();
      try {
        work();
      } catch (...) {
        error = std::current_exception();
      }
    });
  } catch (const std::system_error&) {  // There are too many threads.
    return work();
  }
  thread->join();
  if (error) std::rethrow_exception(error);
}

void register_give_way(pybind11::module_& module) {
  module.def("give_way", [](bool does) { gives_way_ = does; }, pybind11::arg("does"));
}

}  // namespace tfnative::bindings
