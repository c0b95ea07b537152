// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "batching/batch_lane.h"

#include <algorithm>
#include <string>
#include <utility>

#include "batching/request_queue.h"
#include "batching/streaming_queue.h"
#include "check_failure.h"

namespace tfnative::internal {
namespace {

// What `run` throws, for the requests whose parts it has run, if there are any: the
// rows of a single part are not always the first ones of its request.
template <typename Run>
std::optional<Error> error_of(const BatchFunction& function,
                              const std::vector<Part>& parts, const Run& run) noexcept {
  try {
    try {
      run();
      return std::nullopt;
    } catch (const CheckError& thrown) {
      return parts.size() == 1 ? thrown.after(parts[0].first_row) : thrown;
    }
  } catch (const Error& thrown) {
    return thrown;
  } catch (const std::bad_alloc&) {
    return Error(Code::kResourceExhausted, function.name + ": out of memory");
  } catch (const std::exception& thrown) {
    return Error(Code::kInternal, function.name + ": " + thrown.what());
  } catch (...) {
    return Error(Code::kInternal, function.name + ": unknown error");
  }
}

}  // namespace

BatchLane::BatchLane(BatchFunction function, const BatchOptions& options,
                     Scheduler& scheduler)
    : options_(options),
      clock_(scheduler.shared_clock()),
      scheduler_(scheduler),
      counters_(options.allowed_batch_sizes),
      maker_(function, options_, *clock_, counters_),
      answers_(counters_, *clock_),
      queue_(make_queue(std::move(function))),
      search_(options.batch_timeout_micros, options.latency_target_micros),
      retired_(scheduler.mutex()) {
  if (search_.enabled()) queue_->set_timeout(search_.timeout_micros());
  const std::lock_guard<std::mutex> lock(scheduler_.mutex());
  scheduler_.add(*this);
}

std::unique_ptr<Queue> BatchLane::make_queue(BatchFunction function) const {
  check_batchable(function);
  auto shared = std::make_shared<const BatchFunction>(std::move(function));
  if (options_.mode == BatchMode::kStreaming) {
    return std::make_unique<StreamingQueue>(options_, std::move(shared));
  }
  return std::make_unique<RequestQueue>(options_, std::move(shared));
}

std::shared_ptr<const BatchFunction> BatchLane::function() const {
  const std::lock_guard<std::mutex> lock(scheduler_.mutex());
  return queue_->function();
}

// --- Requests ------------------------------------------------------------------

std::shared_ptr<Request> BatchLane::make_request(Span<const TensorView> inputs,
                                                 Span<const MutableTensorView> outputs,
                                                 std::int64_t timeout_micros) {
  std::shared_ptr<Request> request = maker_.make(inputs, outputs, timeout_micros);
  request->lane = this;
  return request;
}

void BatchLane::add_to_queue(const std::shared_ptr<Request>& request,
                             std::int64_t now_micros) {
  if (closed_) {
    throw Error(Code::kFailedPrecondition, maker_.name() + ": the batcher is closed");
  }
  queue_->add(request, now_micros, scheduler_.free_threads());
}

void BatchLane::enqueue(const std::shared_ptr<Request>& request) {
  const std::lock_guard<std::mutex> lock(scheduler_.mutex());
  const std::int64_t now = request->enqueued_micros;
  try {
    add_to_queue(request, now);
    if (request->deadline_micros != kForever) scheduler_.watch(*request);
  } catch (const Error& error) {
    queue_->remove(*request);
    counters_.rejected(error.code());
    throw;
  }
  scheduler_.announce(queue_->due_micros(), now);
}

bool BatchLane::enqueue_and_run(const std::shared_ptr<Request>& request,
                                bool is_last_attempt) {
  std::unique_lock<std::mutex> lock(scheduler_.mutex());
  const std::int64_t now = clock_->now_micros();
  try {
    add_to_queue(request, now);
  } catch (const Error& error) {
    if (error.code() == Code::kUnavailable && !is_last_attempt) return false;
    counters_.rejected(error.code());
    throw;
  }
  const bool runs = queue_->due_micros() <= now && queue_->is_next(*request) &&
                    scheduler_.take_permit();
  if (!runs) {
    scheduler_.announce(queue_->due_micros(), now);
    return true;
  }
  std::vector<std::shared_ptr<Request>> expired;
  const std::shared_ptr<Batch> batch = take(now, &expired);
  scheduler_.announce(queue_->due_micros(), now);
  lock.unlock();
  if (!expired.empty()) expire(std::move(expired));
  if (batch != nullptr) run(*batch, kCallerThread);
  lock.lock();
  scheduler_.return_permit();
  if (batch != nullptr) returned(*batch);
  return true;
}

void BatchLane::answer_empty(const std::shared_ptr<Request>& request) noexcept {
  const std::shared_ptr<const BatchFunction> function = this->function();
  std::optional<Error> error;
  if (function->runs_empty) {
    error = error_of(*function, {}, [&] { run_in_place(*function, {request, 0, 0}); });
  }
  if (error) return answers_.refuse(*request, *error, clock_->now_micros());
  answers_.answer(*request, clock_->now_micros());
}

bool BatchLane::give_up(const std::shared_ptr<Request>& request,
                        const Error& error) noexcept {
  {
    const std::lock_guard<std::mutex> lock(scheduler_.mutex());
    scheduler_.stop_watching(*request);
    if (!remove(*request)) return false;
  }
  answers_.refuse(*request, error, clock_->now_micros());
  request->bell->ring();
  told(1);
  return true;
}

// --- Running -------------------------------------------------------------------

std::int64_t BatchLane::due_micros() const { return queue_->due_micros(); }

std::shared_ptr<Batch> BatchLane::take(std::int64_t now_micros,
                                       std::vector<std::shared_ptr<Request>>* expired) {
  std::shared_ptr<Batch> batch = queue_->take(now_micros, expired);
  for (const auto& request : *expired) scheduler_.stop_watching(*request);
  untold_ += expired->size();
  if (batch == nullptr) return nullptr;
  for (const Part& part : batch->parts) {
    if (part.request->started) scheduler_.stop_watching(*part.request);
  }
  ++running_;
  return batch;
}

bool BatchLane::remove(const Request& request) {
  if (!queue_->remove(request)) return false;
  ++untold_;
  return true;
}

void BatchLane::returned(const Batch& batch) {
  --running_;
  if (is_idle()) idle_.notify_all();
  if (!search_.enabled()) return;
  std::vector<std::int64_t> latencies;
  const std::int64_t now = clock_->now_micros();
  for (const Part& part : batch.parts) {
    latencies.push_back(now - part.request->enqueued_micros);
  }
  if (search_.ran(now, batch.rows, latencies)) {
    queue_->set_timeout(search_.timeout_micros());
  }
}

std::int64_t BatchLane::padded(std::int64_t rows) const {
  const std::vector<std::int64_t>& sizes = options_.allowed_batch_sizes;
  const auto size = std::lower_bound(sizes.begin(), sizes.end(), rows);
  return size == sizes.end() ? rows : *size;
}

void BatchLane::run(Batch& batch, std::int32_t thread) noexcept {
  compute(batch, thread);
  batch.function.reset();
  retired_.let_go();
}

void BatchLane::compute(Batch& batch, std::int32_t thread) noexcept {
  std::int64_t started = clock_->now_micros();
  const std::optional<Error> error = run_together(batch, &started);
  if (batch.parts.empty() && !error) return;
  const Error* const failed = error ? &*error : nullptr;
  answers_.ran(batch, {thread, padded(batch.rows), started, clock_->now_micros()},
               failed);
  if (batch.parts.size() > 1 && error && error->code() == Code::kInvalidArgument) {
    return run_one_by_one(batch, thread);
  }
  answers_.answer(batch.parts, failed);
}

// Runs a batch, from `*started` on if its rows are yet to come, and returns its error.
std::optional<Error> BatchLane::run_together(Batch& batch,
                                             std::int64_t* started) noexcept {
  return error_of(*batch.function, batch.parts, [&] {
    if (options_.mode != BatchMode::kStreaming) {
      const Running running(scheduler_, batch.parts);
      return execute(*batch.function, batch.parts, padded(batch.rows), pool_);
    }
    Gathering gathering(*batch.function, options_.max_execution_batch_size, pool_);
    collect(batch, gathering);
    *started = clock_->now_micros();
    if (batch.parts.empty()) return;
    const Running running(scheduler_, batch.parts);
    gathering.run(padded(batch.rows));
    gathering.scatter(batch.parts);
  });
}

// A batch was refused for what is in one of its requests, and nothing says in which.
// Each is run by itself, so that the others do not suffer from it.
void BatchLane::run_one_by_one(const Batch& batch, std::int32_t thread) noexcept {
  counters_.divided();
  for (const Part& part : batch.parts) {
    const std::int64_t rows = padded(part.rows), started = clock_->now_micros();
    const std::optional<Error> error = error_of(*batch.function, {part}, [&] {
      const Running running(scheduler_, {&part, 1});
      execute(*batch.function, {&part, 1}, rows, pool_);
    });
    const Error* const failed = error ? &*error : nullptr;
    answers_.ran_alone(batch, part, {thread, rows, started, clock_->now_micros()},
                       failed);
    answers_.answer({&part, 1}, failed);
  }
}

// Gathers the rows of a streaming batch as they come, until it is closed.
void BatchLane::collect(Batch& batch, Gathering& gathering) {
  std::unique_lock<std::mutex> lock(scheduler_.mutex());
  for (std::size_t gathered = 0;;) {
    if (gathered < batch.parts.size()) {
      const std::vector<Part> came(
          batch.parts.begin() + static_cast<std::ptrdiff_t>(gathered),
          batch.parts.end());
      gathered = batch.parts.size();
      for (const Part& part : came) {
        part.request->started = true;
        part.request->queued_parts = 0;
        scheduler_.stop_watching(*part.request);
      }
      lock.unlock();
      for (const Part& part : came) gathering.add(part);
      lock.lock();
    } else if (!batch.is_open) {
      return;
    } else if (clock_->now_micros() >= batch.closes_micros) {
      batch.is_open = false;
    } else {
      clock_->wait(batch.changed, lock, batch.closes_micros);
    }
  }
}

// --- Answers -------------------------------------------------------------------

void BatchLane::expire(std::vector<std::shared_ptr<Request>> requests) noexcept {
  {
    const std::int64_t now = clock_->now_micros();
    Ringing ringing;
    for (const std::shared_ptr<Request>& request : requests) {
      answers_.refuse(*request, deadline_error(*request), now);
      ringing.add(*request->bell);
    }
  }
  told(requests.size());
}

// So many requests that were taken out of the queue have got their answer. From now on
// the lane may end.
void BatchLane::told(std::size_t requests) noexcept {
  retired_.let_go();
  const std::lock_guard<std::mutex> lock(scheduler_.mutex());
  untold_ -= requests;
  if (is_idle()) idle_.notify_all();
}

Error BatchLane::deadline_error(const Request& request) const {
  return Error(Code::kDeadlineExceeded,
               maker_.name() + ": a request with " + std::to_string(request.rows) +
                   " rows waited in the queue until its deadline, for " +
                   std::to_string(request.deadline_micros - request.enqueued_micros) +
                   " microseconds");
}

// --- The lane itself -----------------------------------------------------------

void BatchLane::swap(BatchFunction function) {
  maker_.check_runs_them(function);
  auto shared = std::make_shared<const BatchFunction>(std::move(function));
  {
    const std::lock_guard<std::mutex> lock(scheduler_.mutex());
    if (closed_) {
      throw Error(Code::kFailedPrecondition, maker_.name() + ": the batcher is closed");
    }
    retired_.add(queue_->function());
    queue_->set_function(std::move(shared));
    scheduler_.announce(queue_->due_micros(), clock_->now_micros());
  }
  retired_.let_go();
}

bool BatchLane::closed() const {
  const std::lock_guard<std::mutex> lock(scheduler_.mutex());
  return closed_;
}

bool BatchLane::close(bool drain, std::int64_t timeout_micros) {
  check_may_wait(scheduler_, maker_.name());
  std::unique_lock<std::mutex> lock(scheduler_.mutex());
  const std::int64_t now = clock_->now_micros();
  const std::int64_t until =
      timeout_micros < kForever - now ? now + timeout_micros : kForever;
  closed_ = true;
  queue_->close_open_batch();
  if (drain) {
    scheduler_.announce(queue_->due_micros(), now);
    while ((!is_idle() || queue_->due_micros() < kForever) &&
           clock_->now_micros() < until) {
      clock_->wait(idle_, lock, until);
    }
  }
  const std::vector<Part> left = queue_->clear();
  for (const Part& part : left) scheduler_.stop_watching(*part.request);
  untold_ += left.size();
  lock.unlock();
  const Error cancelled(Code::kCancelled, maker_.name() + ": the batcher was closed");
  answers_.answer(left, &cancelled);
  told(left.size());
  lock.lock();
  idle_.wait(lock, [this] { return is_idle(); });
  if (!std::exchange(removed_, true)) scheduler_.remove(*this);
  return left.empty();
}

BatchMetrics BatchLane::metrics() const {
  BatchMetrics metrics;
  counters_.fill(metrics);
  const std::lock_guard<std::mutex> lock(scheduler_.mutex());
  metrics.queued_requests = queue_->requests();
  metrics.queued_rows = queue_->rows();
  metrics.enqueued_batches = queue_->batches();
  metrics.running_batches = running_;
  metrics.batch_timeout_micros = queue_->timeout_micros();
  return metrics;
}

}  // namespace tfnative::internal
