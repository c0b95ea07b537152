// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Records requests and batches while somebody asks for it.
#pragma once

#include <atomic>
#include <cstddef>
#include <mutex>

#include "tfnative/batch_metrics.hpp"
#include "tfnative/clock.hpp"

namespace tfnative::internal {

// Thread-safe.
class Tracer {
 public:
  bool enabled() const { return enabled_.load(std::memory_order_relaxed); }

  void start(std::size_t max_events);
  BatchTrace stop();
  // What was recorded since the last time. Goes on.
  BatchTrace take();

  // Do nothing unless it is enabled.
  void record(const BatchTrace::Request& request);
  void record(BatchTrace::Batch batch);

 private:
  bool has_room();  // Called with the mutex held; counts what is dropped.

  std::atomic<bool> enabled_{false};
  std::mutex mutex_;
  BatchTrace trace_;
  std::size_t max_events_ = 0;
};

}  // namespace tfnative::internal
