// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Memory that nobody waits for while it is freed.
#pragma once

#include <cstddef>
#include <memory>
#include <system_error>
#include <thread>

namespace tfnative::bindings {

// From so many bytes on another thread frees them.
inline constexpr std::size_t kLargeBytes = std::size_t{4} << 20;

// Frees an object that owns so many bytes. To give 50 MB back takes the system about
// 3 ms, in which a thread that holds the interpreter's lock, or runs an event loop,
// would hold up all requests: it starts a thread for that instead, in 0.05 ms.
template <typename Owner>
void let_go(std::unique_ptr<Owner> owner, std::size_t bytes) noexcept {
  if (bytes < kLargeBytes) return;
  Owner* const raw = owner.release();
  try {
    std::thread([raw] { delete raw; }).detach();
  } catch (const std::system_error&) {  // There are too many threads.
    delete raw;
  }
}

}  // namespace tfnative::bindings
