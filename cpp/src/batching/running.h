// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// On behalf of whose batches a thread is at work.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tfnative/tensor.hpp"

namespace tfnative::internal {

class Scheduler;
struct Part;

// The schedulers whose threads wait for what this one does: that of the batch which it
// runs, and those of batches whose functions wait for a request in it.
using Waiting = std::vector<const Scheduler*>;

// For a scope in which a thread runs a batch's function.
class Running {
 public:
  Running(const Scheduler& scheduler, Span<const Part> parts);
  ~Running();
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  // Who waits for the calling thread; empty for one that runs no batch.
  static const Waiting& waiting();

 private:
  Waiting waiting_;
  const Waiting* const outer_;
};

// Whether the calling thread is one that this scheduler's threads wait for. If it
// waited for a batch of theirs, all of them might wait for each other for ever.
bool waits_for_this_thread(const Scheduler& scheduler);

// Throws Error (kFailedPrecondition) if so. `name` is what is to be waited for.
void check_may_wait(const Scheduler& scheduler, const std::string& name);

// Calls `release`, which ends or waits for threads that wait for this one, in a thread
// of its own. If none can be started, what it holds is never released.
void run_elsewhere(std::function<void()> release) noexcept;

}  // namespace tfnative::internal
