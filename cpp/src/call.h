// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// What one call lends to the variants that it runs: memory, threads, a stop watch, and
// a place to say in which check failed.
#pragma once

#include <chrono>
#include <new>
#include <vector>

#include "tfnative/abi.h"
#include "tfnative/model.hpp"
#include "workspace.h"

namespace tfnative::internal {

class Call {
 public:
  // `events`, if not null, gets an event for each step that runs. `has_checks`: whether
  // what runs may fill in `failure`.
  Call(WorkspacePool& pool, const ThreadPool& threads, bool has_checks,
       std::vector<StepEvent>* events)
      : workspace_(pool), threads_(threads), events_(events) {
    context_.struct_bytes = sizeof context_;
    context_.threads = threads.threads();
    context_.self = this;
    context_.parallel = parallel;
    context_.on_step = events != nullptr ? on_step : nullptr;
    context_.failure = has_checks ? &failure_ : nullptr;
    if (events != nullptr) start_ = Clock::now();
  }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  // At least `bytes` bytes, valid until the next call; null if `bytes` is 0.
  char* reserve(std::size_t bytes) { return workspace_.reserve(bytes); }

  // Says that `variant` runs next.
  void begin(const tfn_variant& variant) { batch_size_ = variant.batch_size; }

  // For tfn_run_fn: null if there is nothing to lend.
  const tfn_context* context() const {
    const bool lends =
        context_.threads > 1 || events_ != nullptr || context_.failure != nullptr;
    return lends ? &context_ : nullptr;
  }

  // What a run that returned TFN_CHECK_FAILED says of it.
  const tfn_failure& failure() const { return failure_; }

 private:
  using Clock = std::chrono::steady_clock;

  static void parallel(void* self, void (*task)(void*, std::int32_t), void* argument,
                       std::int32_t parts) {
    static_cast<Call*>(self)->threads_.run(task, argument, parts);
  }

  // A step ends when the next one begins, or with number 0 after the last. What there
  // is no memory for is left out: compiled code lets no exception pass.
  static void on_step(void* self, std::int32_t number) {
    auto& call = *static_cast<Call*>(self);
    try {
      call.record(number);
    } catch (const std::bad_alloc&) {
      call.open_ = false;
    }
  }

  void record(std::int32_t number) {
    const auto now =
        std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start_)
            .count();
    if (open_) events_->back().end_nanos = now;
    open_ = number > 0;
    if (open_) events_->push_back({batch_size_, number - 1, now, now});
  }

  Workspace workspace_;
  const ThreadPool& threads_;
  std::vector<StepEvent>* const events_;
  tfn_context context_{};
  tfn_failure failure_{};
  Clock::time_point start_;
  std::int64_t batch_size_ = 0;
  bool open_ = false;  // Whether the last event has yet to end.
};

}  // namespace tfnative::internal
