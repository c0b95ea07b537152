// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// What becomes of requests and batches: callers are told, counters and trace record it.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "batching/counters.h"
#include "batching/request.h"
#include "batching/tracer.h"
#include "tfnative/batcher.hpp"

namespace tfnative::internal {

// How a batch was run.
struct BatchRun {
  std::int32_t thread;  // As Lane::run.
  std::int64_t padded_rows;
  std::int64_t started_micros, done_micros;
};

// Thread-safe. Called without the scheduler's mutex, since callbacks of callers run.
// Without threads of its own: who calls it, runs them.
class Answers {
 public:
  // Counters and clock outlive it.
  Answers(Counters& counters, const Clock& clock)
      : counters_(counters), clock_(clock) {}

  Tracer& tracer() { return tracer_; }

  // Records a batch. `error` is null if it succeeded.
  void ran(const Batch& batch, const BatchRun& run, const Error* error);
  // Records that a part of a batch, which was recorded before, was run by itself.
  void ran_alone(const Batch& batch, const Part& part, const BatchRun& run,
                 const Error* error);

  // A batch has these parts no more: answers requests that are in no other, with their
  // first error if one failed, and rings their bells.
  void answer(Span<const Part> parts, const Error* error) noexcept;

  // Answers a request that is in no batch. Its bell is yet to be rung, if it has one.
  void answer(Request& request, std::int64_t now) noexcept;
  // Likewise, with an error.
  void refuse(Request& request, const Error& error, std::int64_t now) noexcept;

 private:
  void record(const Batch& batch, Span<const Part> parts, std::int64_t rows,
              const BatchRun& run, const Error* error);
  void finish(Request& request, std::int64_t now,
              std::unique_lock<std::mutex> lock) noexcept;

  Counters& counters_;
  const Clock& clock_;
  Tracer tracer_;
};

}  // namespace tfnative::internal
