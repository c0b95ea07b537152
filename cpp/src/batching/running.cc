// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "batching/running.h"

#include <algorithm>
#include <memory>
#include <system_error>
#include <thread>
#include <utility>

#include "base/text.h"
#include "batching/request.h"
#include "batching/scheduler.h"

namespace tfnative::internal {
namespace {

const Waiting nobody;
thread_local const Waiting* current = &nobody;

void add(Waiting& all, const Scheduler* scheduler) {
  if (std::find(all.begin(), all.end(), scheduler) == all.end()) {
    all.push_back(scheduler);
  }
}

}  // namespace

Running::Running(const Scheduler& scheduler, Span<const Part> parts)
    : waiting_{&scheduler}, outer_(current) {
  for (const Scheduler* one : *outer_) add(waiting_, one);
  for (const Part& part : parts) {
    for (const Scheduler* one : part.request->waiting) add(waiting_, one);
  }
  current = &waiting_;
}

Running::~Running() { current = outer_; }

const Waiting& Running::waiting() { return *current; }

bool waits_for_this_thread(const Scheduler& scheduler) {
  return std::find(current->begin(), current->end(), &scheduler) != current->end();
}

void check_may_wait(const Scheduler& scheduler, const std::string& name) {
  if (!waits_for_this_thread(scheduler)) return;
  throw Error(Code::kFailedPrecondition,
              name + ": the batch threads " + quoted(scheduler.name()) +
                  " would wait for each other for ever, since this is called by a "
                  "model that they run: call the inner model itself, or give its "
                  "batcher a scheduler of its own");
}

void run_elsewhere(std::function<void()> release) noexcept {
  auto* const kept = new std::function<void()>(std::move(release));
  try {
    std::thread([kept] {
      const std::unique_ptr<std::function<void()>> own(kept);
      (*own)();
    }).detach();
  } catch (const std::system_error&) {
    // It is kept for ever: to release it here would wait for ever.
  }
}

}  // namespace tfnative::internal
