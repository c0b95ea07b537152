// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// What a batcher counts, and what it records of single requests.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tfnative/error.hpp"

namespace tfnative {

// How often values fell between fixed bounds.
struct Histogram {
  std::vector<double> bounds;         // Ascending, inclusive upper bounds.
  std::vector<std::uint64_t> counts;  // One more than bounds: the last has no bound.
  double sum = 0;

  std::uint64_t count() const;
  double mean() const;  // 0 without values.
  // The value that a share `q` (0 to 1) of all does not pass, as far as the bounds
  // tell: linear between them. 0 without values.
  double quantile(double q) const;
};

// A snapshot. Names are TensorFlow Serving's where it has one (batching_session.cc).
struct BatchMetrics {
  std::uint64_t request_count = 0;      // That came, rejected ones included.
  std::uint64_t wrapped_run_count = 0;  // Batches that were run, failed ones included.
  // Batches that failed with kInvalidArgument, so that each of their requests was run
  // by itself: the one that is at fault fails alone. These runs are batches, too.
  std::uint64_t divided_batch_count = 0;
  // Requests that got an error, by its code; rejected ones included.
  std::map<Code, std::uint64_t> errors;

  Histogram queuing_latency;       // Microseconds that a request waited before its run.
  Histogram request_latency;       // Microseconds from its arrival to its answer.
  Histogram run_latency;           // Microseconds that a batch took.
  Histogram input_batch_size;      // Rows of a request.
  Histogram processed_batch_size;  // Rows of a batch, padding included.
  // Rows of padding, by the size of the batch that they filled up. Empty without
  // allowed_batch_sizes.
  std::map<std::int64_t, Histogram> padding_size;

  // At the moment.
  std::int64_t queued_requests = 0;
  std::int64_t queued_rows = 0;
  std::int64_t enqueued_batches = 0;
  std::int64_t running_batches = 0;
  std::int64_t batch_timeout_micros = 0;  // With latency_target_micros: what was found.

  // The text format of Prometheus. Names are those that TensorFlow Serving exports
  // (":tensorflow:serving:batching_session:queuing_latency"), and for what it does not
  // count, "tfnative_batcher_...". `model` becomes the label model_name of each,
  // `thread_pool_name` that of queuing_latency.
  std::string to_prometheus(const std::string& model,
                            const std::string& thread_pool_name) const;
};

// What happened to requests and batches; times are the clock's microseconds.
struct BatchTrace {
  struct Request {
    std::uint64_t id;
    std::int64_t rows;
    std::int64_t enqueued_micros;
    std::int64_t done_micros;
    std::int32_t code;  // 0, or that of its error.
  };
  struct Batch {
    std::uint64_t id;
    std::int32_t thread;       // 0, 1, ...: a batch thread; -1: one that predicts.
    std::int64_t rows;         // Without padding.
    std::int64_t padded_rows;  // With it.
    std::int64_t opened_micros, started_micros, done_micros;
    std::int32_t code;
    std::vector<std::uint64_t> requests;  // Ids. In several, if a request was split.
  };

  std::vector<Request> requests;  // In the order in which they were done.
  std::vector<Batch> batches;
  std::uint64_t dropped = 0;  // Events for which there was no room.

  // For chrome://tracing and https://ui.perfetto.dev.
  std::string to_chrome_json() const;
};

}  // namespace tfnative
