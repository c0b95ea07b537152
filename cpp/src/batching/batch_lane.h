// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// One batcher's share of a scheduler: its queue, what runs from it, and its end.
#pragma once

#include <condition_variable>
#include <memory>
#include <optional>
#include <vector>

#include "batching/answers.h"
#include "batching/counters.h"
#include "batching/execute.h"
#include "batching/lane.h"
#include "batching/queue.h"
#include "batching/request_maker.h"
#include "batching/retired_functions.h"
#include "batching/scheduler.h"
#include "batching/timeout_search.h"
#include "tfnative/batcher.hpp"
#include "workspace.h"

namespace tfnative::internal {

// Thread-safe. Its threads' scheduler outlives its use, but not itself: a future may
// keep it.
class BatchLane final : public Lane {
 public:
  // `options` are resolved.
  BatchLane(BatchFunction function, const BatchOptions& options, Scheduler& scheduler);

  const BatchOptions& options() const { return options_; }
  std::shared_ptr<const BatchFunction> function() const;

  // A request that has been checked. Throws Error (kInvalidArgument).
  std::shared_ptr<Request> make_request(Span<const TensorView> inputs,
                                        Span<const MutableTensorView> outputs,
                                        std::int64_t timeout_micros);

  // Puts a request in the queue, and has the scheduler expire it at its deadline.
  // Throws Error: kUnavailable, kFailedPrecondition if the lane is closed.
  void enqueue(const std::shared_ptr<Request>& request);

  // Likewise, but leaves the deadline to the caller. If the request makes its batch
  // due, and fewer batches run than there are threads, runs it in this thread. False
  // instead of kUnavailable unless it is the last attempt.
  bool enqueue_and_run(const std::shared_ptr<Request>& request, bool is_last_attempt);

  // Answers a request without rows.
  void answer_empty(const std::shared_ptr<Request>& request) noexcept;

  // Takes a request out of the queue and answers it with that error. False if it is not
  // in the queue any more.
  bool give_up(const std::shared_ptr<Request>& request, const Error& error) noexcept;

  // What a request gets that has waited too long.
  Error deadline_error(const Request& request) const;

  // Begins messages: names the model and the signature.
  const std::string& name() const { return maker_.name(); }
  void swap(BatchFunction function);

  // As Batcher::close.
  bool close(bool drain, std::int64_t timeout_micros);
  bool closed() const;

  BatchMetrics metrics() const;
  Tracer& tracer() { return answers_.tracer(); }
  Counters& counters() { return counters_; }

  // --- For the scheduler.
  std::int64_t due_micros() const override;
  std::shared_ptr<Batch> take(std::int64_t now_micros,
                              std::vector<std::shared_ptr<Request>>* expired) override;
  bool remove(const Request& request) override;
  void returned(const Batch& batch) override;
  void run(Batch& batch, std::int32_t thread) noexcept override;
  void expire(std::vector<std::shared_ptr<Request>> requests) noexcept override;

 private:
  std::unique_ptr<Queue> make_queue(BatchFunction function) const;
  void add_to_queue(const std::shared_ptr<Request>& request, std::int64_t now_micros);
  std::int64_t padded(std::int64_t rows) const;
  void collect(Batch& batch, Gathering& gathering);
  void compute(Batch& batch, std::int32_t thread) noexcept;
  std::optional<Error> run_together(Batch& batch, std::int64_t* started) noexcept;
  void run_one_by_one(const Batch& batch, std::int32_t thread) noexcept;
  void told(std::size_t requests) noexcept;
  bool is_idle() const { return running_ == 0 && untold_ == 0; }

  const BatchOptions options_;
  const std::shared_ptr<Clock> clock_;
  Scheduler& scheduler_;  // Outlives every call but those of finished requests.
  Counters counters_;
  RequestMaker maker_;
  Answers answers_;
  WorkspacePool pool_;

  // --- Guarded by the scheduler's mutex.
  const std::unique_ptr<Queue> queue_;
  std::int32_t running_ = 0;  // Batches.
  // Requests that were taken out of the queue, whose answer is on its way.
  std::size_t untold_ = 0;
  bool closed_ = false, removed_ = false;
  std::condition_variable idle_;
  TimeoutSearch search_;
  RetiredFunctions retired_;
};

}  // namespace tfnative::internal
