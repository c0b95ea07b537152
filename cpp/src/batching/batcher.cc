// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "tfnative/batcher.hpp"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "batching/batch_lane.h"
#include "batching/scheduler.h"

namespace tfnative {

using internal::BatchLane;
using internal::quoted;
using internal::Request;
using internal::Scheduler;

namespace {

void wait_until_done(const Request& request) {
  while (!request.done.load(std::memory_order_acquire)) {
    const std::uint32_t rings = request.bell->rings();
    if (!request.done.load(std::memory_order_acquire)) request.bell->wait(rings);
  }
}

// Throws the error of a request that is done, with a text of its own (see answers.cc).
void throw_error_of(const Request& request) {
  if (request.error) throw Error(request.error->code(), request.error->what());
}

// How long a waiting thread goes without calling `poll`.
constexpr std::int64_t kPollMicros = 50 * 1000;

// Waits until a request is done, or its deadline has come: then it gives up, unless the
// request is being run.
class Waiter {
 public:
  Waiter(BatchLane& lane, Clock& clock, std::shared_ptr<Request> request)
      : lane_(lane), clock_(clock), request_(std::move(request)) {}

  void wait(const std::function<void()>& poll) {
    std::int64_t until = request_->deadline_micros;
    while (!request_->done.load(std::memory_order_acquire)) {
      if (until != kForever && clock_.now_micros() >= until) {
        until = kForever;
        lane_.give_up(request_, lane_.deadline_error(*request_));
        continue;
      }
      if (!poll) {
        wait_for_bell(until);
        continue;
      }
      wait_for_bell(std::min(until, clock_.now_micros() + kPollMicros));
      if (!request_->done.load(std::memory_order_relaxed)) call(poll);
    }
    throw_error_of(*request_);
  }

 private:
  void wait_for_bell(std::int64_t until_micros) {
    const std::uint32_t rings = request_->bell->rings();
    if (request_->done.load(std::memory_order_acquire)) return;
    request_->bell->wait(rings, clock_.nanos_until(until_micros));
  }

  void call(const std::function<void()>& poll) {
    try {
      poll();
    } catch (...) {
      lane_.give_up(request_, Error(Code::kCancelled, "the caller gave up"));
      wait_until_done(*request_);
      throw;
    }
  }

  BatchLane& lane_;
  Clock& clock_;
  const std::shared_ptr<Request> request_;
};

void sleep(Clock& clock, std::int64_t micros) {
  std::mutex mutex;
  std::condition_variable never;
  std::unique_lock<std::mutex> lock(mutex);
  for (const std::int64_t until = clock.now_micros() + micros;
       clock.now_micros() < until;) {
    clock.wait(never, lock, until);
  }
}

std::int64_t deadline(const Clock& clock, std::int64_t timeout_micros) {
  const std::int64_t now = clock.now_micros();
  return timeout_micros < kForever - now ? now + timeout_micros : kForever;
}

}  // namespace

BatchFunction batch_function(const Model& model, const Signature& signature) {
  BatchFunction result;
  result.name =
      "model " + quoted(model.name()) + ", signature " + quoted(signature.name);
  result.inputs = signature.inputs;
  result.outputs = signature.outputs;
  if (signature.has_batch() && !signature.rows_independent) {
    throw Error(Code::kInvalidArgument,
                result.name +
                    ": requests cannot be batched, since the rows of a batch "
                    "influence each other");
  }
  // The signature is the model's own, and stays with it.
  result.run = [model, &own = model.signature(signature.name)](auto in, auto out) {
    model.run(own, in, out);
  };
  result.runs_empty = true;
  if (signature.has_batch()) {
    result.default_max_batch_size = signature.batch_sizes.back();
  }
  return result;
}

BatchScheduler::BatchScheduler(const BatchThreadOptions& options)
    : scheduler_(new Scheduler(options), Scheduler::destroy) {}

int BatchScheduler::num_batch_threads() const noexcept { return scheduler_->threads(); }

const std::string& BatchScheduler::thread_pool_name() const noexcept {
  return scheduler_->name();
}

BatchFuture::BatchFuture(std::shared_ptr<Request> request,
                         std::shared_ptr<BatchLane> lane,
                         std::weak_ptr<Scheduler> scheduler)
    : request_(std::move(request)),
      lane_(std::move(lane)),
      scheduler_(std::move(scheduler)) {}

std::uint64_t BatchFuture::id() const noexcept { return request_->id; }

bool BatchFuture::done() const {
  return request_->done.load(std::memory_order_acquire);
}

void BatchFuture::check_waiting() const {
  const std::shared_ptr<Scheduler> scheduler = scheduler_.lock();
  if (done() || scheduler == nullptr) return;
  scheduler->check_process();
  check_may_wait(*scheduler, lane_->name());
}

void BatchFuture::get() const {
  if (!done()) {
    check_waiting();
    wait_until_done(*request_);
  }
  throw_error_of(*request_);
}

bool BatchFuture::cancel() const {
  if (done()) return false;
  const std::shared_ptr<Scheduler> scheduler = scheduler_.lock();
  if (scheduler == nullptr || !scheduler->in_own_process()) return false;
  return lane_->give_up(request_, Error(Code::kCancelled, "the request was cancelled"));
}

Batcher::Batcher(const Model& model, const Signature& signature,
                 const BatchOptions& options, const BatchThreadOptions& threads)
    : Batcher(batch_function(model, signature), options, BatchScheduler(threads)) {}

Batcher::Batcher(BatchFunction function, const BatchOptions& options,
                 const BatchScheduler& scheduler)
    : scheduler_(scheduler.scheduler_) {
  const BatchOptions resolved = resolve(options, function.default_max_batch_size);
  scheduler_->check_process();
  lane_ = std::make_shared<BatchLane>(std::move(function), resolved, *scheduler_);
}

Batcher::~Batcher() {
  if (lane_ == nullptr) return;
  if (!scheduler_->in_own_process()) {
    // Its threads, and whoever waits for them, are in another process; what they hold
    // here will never be released.
    new std::shared_ptr<Scheduler>(std::move(scheduler_));
    new std::shared_ptr<BatchLane>(std::move(lane_));
  } else if (scheduler_->waits_for_this_thread()) {
    // As where Python collects garbage while it runs a batch.
    internal::run_elsewhere(
        [scheduler = std::move(scheduler_), lane = std::move(lane_)]() mutable {
          lane->close(false, 0);
          lane = nullptr;  // It refers to the scheduler.
        });
  } else {
    lane_->close(false, 0);
  }
}

Batcher::Batcher(Batcher&&) noexcept = default;

void Batcher::predict(Span<const TensorView> inputs,
                      Span<const MutableTensorView> outputs,
                      std::int64_t timeout_micros, const std::function<void()>& poll) {
  scheduler_->check_process();
  Clock& clock = *scheduler_->shared_clock();
  const auto request = lane_->make_request(inputs, outputs, timeout_micros);
  if (request->rows == 0) {
    lane_->answer_empty(request);
    throw_error_of(*request);
    return;
  }
  check_may_wait(*scheduler_, lane_->name());
  const std::int64_t retry_until =
      options().retry_max_time_micros == 0
          ? 0
          : deadline(clock, options().retry_max_time_micros);
  while (!lane_->enqueue_and_run(request, clock.now_micros() >= retry_until)) {
    sleep(clock, options().retry_delay_micros);
  }
  Waiter(*lane_, clock, request).wait(poll);
}

BatchFuture Batcher::submit(Span<const TensorView> inputs,
                            Span<const MutableTensorView> outputs,
                            std::int64_t timeout_micros,
                            std::function<void(const Error*)> on_done) {
  scheduler_->check_process();
  const auto request = lane_->make_request(inputs, outputs, timeout_micros);
  request->on_done = std::move(on_done);
  if (request->rows == 0) {
    lane_->answer_empty(request);
  } else {
    lane_->enqueue(request);
  }
  return BatchFuture(request, lane_, scheduler_);
}

void Batcher::swap(BatchFunction function) {
  scheduler_->check_process();
  lane_->swap(std::move(function));
}

bool Batcher::close(bool drain, std::int64_t timeout_micros) {
  scheduler_->check_process();
  return lane_->close(drain, timeout_micros);
}

bool Batcher::closed() const {
  scheduler_->check_process();
  return lane_->closed();
}

const BatchOptions& Batcher::options() const noexcept { return lane_->options(); }

BatchMetrics Batcher::metrics() const {
  scheduler_->check_process();
  return lane_->metrics();
}

void Batcher::start_trace(std::size_t max_events) {
  scheduler_->check_process();
  lane_->tracer().start(max_events);
}

BatchTrace Batcher::stop_trace() {
  scheduler_->check_process();
  return lane_->tracer().stop();
}

BatchTrace Batcher::take_trace() {
  scheduler_->check_process();
  return lane_->tracer().take();
}

}  // namespace tfnative
