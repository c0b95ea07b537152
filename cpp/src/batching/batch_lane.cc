// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "batching/batch_lane.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "base/text.h"
#include "batching/request_queue.h"
#include "batching/streaming_queue.h"
#include "tensor_check.h"

namespace tfnative::internal {
namespace {

std::int32_t code_of(const Error* error) {
  return error == nullptr ? 0 : static_cast<std::int32_t>(error->code());
}

void check_specs(const BatchFunction& function) {
  for (const auto* specs : {&function.inputs, &function.outputs}) {
    for (const TensorSpec& spec : *specs) {
      if (!spec.has_batch()) {
        throw Error(Code::kInvalidArgument,
                    function.name + ": requests cannot be batched, since " +
                        quoted(spec.name) + " has no batch dimension");
      }
    }
  }
  if (function.inputs.empty() || !function.run) {
    throw Error(
        Code::kInvalidArgument,
        function.name + ": a batch function needs inputs, and something to run");
  }
}

bool same(const std::vector<TensorSpec>& a, const std::vector<TensorSpec>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const TensorSpec& x, const TensorSpec& y) {
                      return x.name == y.name && x.dtype == y.dtype &&
                             x.shape == y.shape;
                    });
}

}  // namespace

BatchLane::BatchLane(BatchFunction function, const BatchOptions& options,
                     Scheduler& scheduler)
    : options_(options),
      clock_(scheduler.shared_clock()),
      name_(function.name),
      input_specs_(function.inputs),
      output_specs_(function.outputs),
      scheduler_(scheduler),
      counters_(options.allowed_batch_sizes),
      queue_(make_queue(std::move(function))),
      search_(options.batch_timeout_micros, options.latency_target_micros) {
  if (search_.enabled()) queue_->set_timeout(search_.timeout_micros());
  const std::lock_guard<std::mutex> lock(scheduler_.mutex());
  scheduler_.add(*this);
}

std::unique_ptr<Queue> BatchLane::make_queue(BatchFunction function) const {
  check_specs(function);
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
  auto request = std::make_shared<Request>();
  try {
    check(inputs, outputs, *request);
  } catch (const Error& error) {
    counters_.rejected(error.code());
    throw;
  }
  counters_.arrived(request->rows);
  request->id = next_request_id_.fetch_add(1, std::memory_order_relaxed);
  request->lane = this;
  request->enqueued_micros = clock_->now_micros();
  if (timeout_micros < kForever - request->enqueued_micros) {
    request->deadline_micros = request->enqueued_micros + timeout_micros;
  }
  for (const TensorView& view : inputs) request->inputs.push_back(view.data);
  for (const MutableTensorView& view : outputs) request->outputs.push_back(view.data);
  return request;
}

void BatchLane::check(Span<const TensorView> inputs,
                      Span<const MutableTensorView> outputs, Request& request) const {
  request.rows = options_.pad_variable_length_inputs
                     ? read_smaller(inputs, request)
                     : count_rows(name_, input_specs_, inputs);
  check_outputs(name_, output_specs_, outputs, request.rows);
  if (request.rows <= options_.max_batch_size) return;
  throw Error(Code::kInvalidArgument, name_ + ": a request has " +
                                          std::to_string(request.rows) +
                                          " rows, but max_batch_size is " +
                                          std::to_string(options_.max_batch_size));
}

// The rows of inputs that may be smaller than the signature's.
std::int64_t BatchLane::read_smaller(Span<const TensorView> inputs,
                                     Request& request) const {
  std::vector<TensorView> whole(inputs.begin(), inputs.end());
  std::vector<std::vector<std::int64_t>> shapes;
  shapes.reserve(inputs.size());  // Views point into it.
  bool smaller = false;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const ShapeView found = inputs[i].shape;
    request.smaller_shapes.emplace_back(found.begin(), found.end());
    if (i >= input_specs_.size()) continue;
    const std::vector<std::int64_t>& most = input_specs_[i].shape;
    bool fits = found.size() == most.size();
    for (std::size_t d = 1; fits && d < most.size(); ++d) {
      fits = found[d] >= 1 && found[d] <= most[d];
      smaller |= fits && found[d] < most[d];
    }
    if (!fits) continue;  // The check below says why.
    shapes.push_back(most);
    shapes.back()[0] = found[0];
    whole[i].shape = {shapes.back().data(), shapes.back().size()};
  }
  if (!smaller) request.smaller_shapes.clear();
  return count_rows(name_, input_specs_, whole);
}

void BatchLane::add_to_queue(const std::shared_ptr<Request>& request,
                             std::int64_t now_micros) {
  if (closed_) {
    throw Error(Code::kFailedPrecondition, name_ + ": the batcher is closed");
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

void BatchLane::answer_empty(Request& request) noexcept {
  finish(request, clock_->now_micros(), std::unique_lock<std::mutex>(request.mutex));
}

bool BatchLane::give_up(const std::shared_ptr<Request>& request,
                        const Error& error) noexcept {
  {
    const std::lock_guard<std::mutex> lock(scheduler_.mutex());
    scheduler_.stop_watching(*request);
    if (!remove(*request)) return false;
  }
  std::unique_lock<std::mutex> lock(request->mutex);
  request->error = error;
  finish(*request, clock_->now_micros(), std::move(lock));
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
  let_go_of_functions();
}

void BatchLane::compute(Batch& batch, std::int32_t thread) noexcept {
  std::int64_t started = clock_->now_micros();
  std::optional<Error> error;
  try {
    if (options_.mode == BatchMode::kStreaming) {
      Gathering gathering(*batch.function, options_.max_execution_batch_size, pool_);
      collect(batch, gathering);
      started = clock_->now_micros();
      if (batch.parts.empty()) return;
      gathering.run(padded(batch.rows));
      gathering.scatter(batch.parts);
    } else {
      execute(batch, padded(batch.rows), pool_);
    }
  } catch (const Error& thrown) {
    error = thrown;
  } catch (const std::bad_alloc&) {
    error = Error(Code::kResourceExhausted, batch.function->name + ": out of memory");
  } catch (const std::exception& thrown) {
    error = Error(Code::kInternal, batch.function->name + ": " + thrown.what());
  } catch (...) {
    error = Error(Code::kInternal, batch.function->name + ": unknown error");
  }
  const std::int64_t done = clock_->now_micros();
  for (const Part& part : batch.parts) {
    if (part.first_row == 0) counters_.started(started - part.request->enqueued_micros);
  }
  counters_.ran(batch.rows, padded(batch.rows), done - started);
  const Error* const failed = error ? &*error : nullptr;
  if (tracer_.enabled()) {
    BatchTrace::Batch record{batch.id,
                             thread,
                             batch.rows,
                             padded(batch.rows),
                             batch.opened_micros,
                             started,
                             done,
                             code_of(failed),
                             {}};
    for (const Part& part : batch.parts) record.requests.push_back(part.request->id);
    tracer_.record(std::move(record));
  }
  answer(batch.parts, failed);
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

void BatchLane::answer(const std::vector<Part>& parts, const Error* error) noexcept {
  const std::int64_t now = clock_->now_micros();
  Ringing ringing;
  for (const Part& part : parts) {
    Request& request = *part.request;
    std::unique_lock<std::mutex> lock(request.mutex);
    if (error != nullptr && !request.error) request.error = *error;
    if (--request.unanswered_parts > 0) continue;
    finish(request, now, std::move(lock));
    ringing.add(*request.bell);
  }
}

// `lock` holds the request's mutex. Its bell is yet to be rung.
void BatchLane::finish(Request& request, std::int64_t now,
                       std::unique_lock<std::mutex> lock) noexcept {
  const Error* const error = request.error ? &*request.error : nullptr;
  counters_.answered(now - request.enqueued_micros, code_of(error));
  tracer_.record(BatchTrace::Request{request.id, request.rows, request.enqueued_micros,
                                     now, code_of(error)});
  const std::function<void(const Error*)> on_done = std::move(request.on_done);
  lock.unlock();
  request.done.store(true, std::memory_order_release);
  if (!on_done) return;
  try {
    on_done(error);
  } catch (...) {
    // Its author was told not to throw; the other requests shall not suffer from it.
  }
}

void BatchLane::expire(std::vector<std::shared_ptr<Request>> requests) noexcept {
  {
    const std::int64_t now = clock_->now_micros();
    Ringing ringing;
    for (const std::shared_ptr<Request>& request : requests) {
      std::unique_lock<std::mutex> lock(request->mutex);
      request->error = deadline_error(*request);
      finish(*request, now, std::move(lock));
      ringing.add(*request->bell);
    }
  }
  told(requests.size());
}

// So many requests that were taken out of the queue have got their answer. From now on
// the lane may end.
void BatchLane::told(std::size_t requests) noexcept {
  let_go_of_functions();
  const std::lock_guard<std::mutex> lock(scheduler_.mutex());
  untold_ -= requests;
  if (is_idle()) idle_.notify_all();
}

Error BatchLane::deadline_error(const Request& request) const {
  return Error(Code::kDeadlineExceeded,
               name_ + ": a request with " + std::to_string(request.rows) +
                   " rows waited in the queue until its deadline, for " +
                   std::to_string(request.deadline_micros - request.enqueued_micros) +
                   " microseconds");
}

// --- The lane itself -----------------------------------------------------------

void BatchLane::swap(BatchFunction function) {
  check_specs(function);
  if (!same(function.inputs, input_specs_) || !same(function.outputs, output_specs_)) {
    throw Error(Code::kInvalidArgument,
                function.name +
                    ": it has other inputs or outputs than what it is to "
                    "replace: " +
                    name_);
  }
  auto shared = std::make_shared<const BatchFunction>(std::move(function));
  {
    const std::lock_guard<std::mutex> lock(scheduler_.mutex());
    if (closed_) {
      throw Error(Code::kFailedPrecondition, name_ + ": the batcher is closed");
    }
    // In this order: whoever lets go of it sees that it is retired.
    has_retired_.store(true, std::memory_order_relaxed);
    retired_.push_back(queue_->function());
    queue_->set_function(std::move(shared));
    scheduler_.announce(queue_->due_micros(), clock_->now_micros());
  }
  let_go_of_functions();
}

// Those that no batch has any more. Whoever makes a batch let go of its function calls
// this afterwards.
void BatchLane::let_go_of_functions() noexcept {
  if (!has_retired_.load(std::memory_order_relaxed)) return;
  std::list<std::shared_ptr<const BatchFunction>> unused;  // Until the lock is gone.
  const std::lock_guard<std::mutex> lock(scheduler_.mutex());
  for (auto function = retired_.begin(); function != retired_.end();) {
    const auto next = std::next(function);
    if (function->use_count() == 1) unused.splice(unused.end(), retired_, function);
    function = next;
  }
  has_retired_.store(!retired_.empty(), std::memory_order_relaxed);
}

bool BatchLane::closed() const {
  const std::lock_guard<std::mutex> lock(scheduler_.mutex());
  return closed_;
}

bool BatchLane::close(bool drain, std::int64_t timeout_micros) {
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
  const Error cancelled(Code::kCancelled, name_ + ": the batcher was closed");
  answer(left, &cancelled);
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
