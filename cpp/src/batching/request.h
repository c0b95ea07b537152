// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// What waits in a queue, and what is made of it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/doorbell.h"
#include "batching/running.h"
#include "tfnative/batcher.hpp"

namespace tfnative::internal {

class Lane;
struct Request;

// Requests that will fail when their time has come, the first one first.
using Deadlines = std::multimap<std::int64_t, Request*>;

// One call, from its arrival to its answer.
struct Request : std::enable_shared_from_this<Request> {
  // --- Constant once it is queued.
  std::uint64_t id = 0;
  std::int64_t rows = 0;
  std::int64_t enqueued_micros = 0;
  std::int64_t deadline_micros = kForever;
  std::vector<const void*> inputs;
  std::vector<void*> outputs;
  // Shapes of the inputs, if they are smaller than the signature's; else empty.
  std::vector<std::vector<std::int64_t>> smaller_shapes;
  std::function<void(const Error*)> on_done;
  Lane* lane = nullptr;  // Valid until it is done.
  Waiting waiting;       // Who waits for the thread that made it.

  // --- Guarded by the scheduler's mutex.
  std::int32_t queued_parts = 0;  // That no thread has taken.
  bool started = false;           // Whether a thread has taken one.
  std::optional<Deadlines::iterator> watched;

  // --- Guarded by `mutex`.
  std::mutex mutex;
  std::int32_t unanswered_parts = 0;
  std::optional<Error> error;  // The first one. Constant once it is done.

  // Whether it is answered, or has failed. Then its bell rings, which is that of the
  // last batch that it was put in; null if it was put in none.
  std::atomic<bool> done{false};
  std::shared_ptr<Doorbell> bell;  // Constant once it is queued.
};

// Rows of a request that are in one batch.
struct Part {
  std::shared_ptr<Request> request;
  std::int64_t first_row;
  std::int64_t rows;
};

struct Batch {
  std::uint64_t id = 0;
  std::vector<Part> parts;
  std::int64_t rows = 0;
  std::int64_t opened_micros = 0;                 // When its first request came.
  std::shared_ptr<const BatchFunction> function;  // That its requests came for.
  // Rings for all who wait for one of its requests.
  const std::shared_ptr<Doorbell> bell = std::make_shared<Doorbell>();

  // --- Of a streaming batch; guarded by the scheduler's mutex, as are parts and rows
  // as long as it is open.
  bool is_open = false;
  std::int64_t closes_micros = kForever;
  std::condition_variable changed;  // Rows came, or it was closed.
};

}  // namespace tfnative::internal
