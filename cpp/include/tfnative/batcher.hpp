// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Groups the calls of many threads into batches.
//
//   tfnative::BatchOptions options;
//   options.max_batch_size = 32;
//   options.batch_timeout_micros = 500;
//   tfnative::Batcher batcher(model, model.default_signature(), options);
//   batcher.predict(inputs, outputs);  // From any number of threads, a row or a few.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tfnative/batch_metrics.hpp"
#include "tfnative/batch_options.hpp"
#include "tfnative/error.hpp"
#include "tfnative/model.hpp"
#include "tfnative/tensor.hpp"

namespace tfnative {

namespace internal {
class BatchLane;
class Scheduler;
struct Request;
}  // namespace internal

// What a batcher runs. It need not be a model.
struct BatchFunction {
  // Begins messages: "model 'digits', signature 'serving_default'".
  std::string name;
  // All have a batch dimension, and no other that is not known.
  std::vector<TensorSpec> inputs, outputs;
  // Computes the outputs of any number of rows, each independently of the others. Is
  // called by as many threads at once as the scheduler has. May throw: then every
  // request of the batch gets the error. But for kInvalidArgument: one of the requests
  // is at fault, so that each is run again by itself, and the others get their results.
  std::function<void(Span<const TensorView> inputs,
                     Span<const MutableTensorView> outputs)>
      run;
  // Whether `run` is called for a request without rows as well, in the thread that
  // brings it, since it may refuse it. Else such a request is answered without a call.
  bool runs_empty = false;
  // What max_batch_size 0 stands for.
  std::int64_t default_max_batch_size = 1;
};

// A signature of a model, which is kept loaded. Throws Error (kInvalidArgument) if rows
// cannot be batched: there is no batch dimension, or rows influence each other.
BatchFunction batch_function(const Model& model, const Signature& signature);

// Threads that run the batches of any number of batchers, fairly: each in turn gets to
// run a batch. A handle: copies share the threads, which end with the last copy.
// Thread-safe.
class BatchScheduler {
 public:
  // Starts the threads. Throws Error: kInvalidArgument for more than 1024 or fewer than
  // 0, kResourceExhausted if they cannot be started.
  explicit BatchScheduler(const BatchThreadOptions& options = {});

  int num_batch_threads() const noexcept;
  const std::string& thread_pool_name() const noexcept;

 private:
  friend class Batcher;
  std::shared_ptr<internal::Scheduler> scheduler_;
};

// The answer to a request that was submitted. A handle. Thread-safe.
class BatchFuture {
 public:
  // Which request it is in a BatchTrace of its batcher.
  std::uint64_t id() const noexcept;

  // Whether the outputs are there, or an error.
  bool done() const;

  // Waits until it is done. Throws the error: that of the run, or kDeadlineExceeded or
  // kCancelled. May be called more than once.
  void get() const;

  // Throws Error (kFailedPrecondition) if `get` would wait for ever, as it does itself:
  // in a child of fork(), for what was not done before; or as `predict` does.
  void check_waiting() const;

  // Takes the request out of the queue; then `get` throws kCancelled. False if it is
  // running or done already.
  bool cancel() const;

 private:
  friend class Batcher;
  BatchFuture(std::shared_ptr<internal::Request> request,
              std::shared_ptr<internal::BatchLane> lane,
              std::weak_ptr<internal::Scheduler> scheduler);

  std::shared_ptr<internal::Request> request_;
  std::shared_ptr<internal::BatchLane> lane_;
  std::weak_ptr<internal::Scheduler> scheduler_;
};

// Gathers requests into batches, as BatchOptions say, and runs them. Every request is
// answered exactly once. Thread-safe, but for its destructor.
//
// A batch is run by a thread of the scheduler, or by a thread that waits in `predict`
// for an answer from that very batch, while the scheduler has a thread to spare: no
// more batches run at once than there are batch threads.
//
// After fork(), every method but `options` throws kFailedPrecondition in the child.
class Batcher {
 public:
  // With threads of its own.
  Batcher(const Model& model, const Signature& signature,
          const BatchOptions& options = {}, const BatchThreadOptions& threads = {});
  // With threads that others use as well.
  Batcher(BatchFunction function, const BatchOptions& options,
          const BatchScheduler& scheduler);
  // As close(false).
  ~Batcher();
  Batcher(Batcher&&) noexcept;
  Batcher& operator=(Batcher&&) = delete;

  // Runs rows in some batch, and returns when the outputs are written. Views are as for
  // Model::run, and stay the caller's.
  //
  // Throws Error: kInvalidArgument for views that do not fit, or more rows than
  // allowed; kUnavailable if the queue is full; kDeadlineExceeded if the rows waited in
  // the queue for `timeout_micros`; kFailedPrecondition after `close`, and in a
  // function that the scheduler's own threads run or wait for, kCancelled if it is
  // closed meanwhile; and what the run throws. If that is kInvalidArgument, since a
  // value is at fault, it is thrown to the request that has the value, and no other.
  //
  // `poll`, if given, is called now and then while it waits. If it throws, the request
  // is taken out of the queue, or, if it is being run, awaited; then `predict` throws
  // the same.
  void predict(Span<const TensorView> inputs, Span<const MutableTensorView> outputs,
               std::int64_t timeout_micros = kForever,
               const std::function<void()>& poll = nullptr);

  // Likewise, but does not wait: the memory behind the views (not their shapes) has to
  // stay until the answer is there. Throws as `predict`, except what becomes known
  // later; does not retry.
  //
  // `on_done`, if given, is called once, with null or the error, when the request is
  // done: in a batch thread, or in the thread that cancels it or closes the batcher.
  // It must not throw, should be quick, and must not wait for other requests.
  BatchFuture submit(Span<const TensorView> inputs,
                     Span<const MutableTensorView> outputs,
                     std::int64_t timeout_micros = kForever,
                     std::function<void(const Error*)> on_done = nullptr);

  // Has requests that come later run by another function, and those that came before
  // by the one that they came for, which is let go after its last batch. Throws Error
  // (kInvalidArgument) unless it has the same inputs and outputs.
  void swap(BatchFunction function);

  // Takes no more requests. If `drain`, runs those that wait, as soon as threads are
  // free. Those that are still waiting after `timeout_micros`, or at once without
  // `drain`, fail with kCancelled. Returns when the last batch has ended and every
  // request has been answered. Whether all were run. Again: waits likewise.
  bool close(bool drain = true, std::int64_t timeout_micros = kForever);
  bool closed() const;

  // What was checked and filled in.
  const BatchOptions& options() const noexcept;

  // What was counted so far.
  BatchMetrics metrics() const;

  // Records what happens to requests and batches from now on: at most `max_events`.
  void start_trace(std::size_t max_events = 100000);
  // What was recorded. Recording ends.
  BatchTrace stop_trace();
  // What was recorded since the last time, or since it was started. Recording goes on.
  // A batch is recorded before its requests are answered.
  BatchTrace take_trace();

 private:
  std::shared_ptr<internal::Scheduler> scheduler_;
  std::shared_ptr<internal::BatchLane> lane_;
};

}  // namespace tfnative
