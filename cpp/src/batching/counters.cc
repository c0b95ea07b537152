// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "batching/counters.h"

#include <algorithm>
#include <cmath>
#include <tuple>

namespace tfnative::internal {
namespace {

std::vector<double> exponential(double first, double factor, int count) {
  std::vector<double> bounds;
  for (int i = 0; i < count; ++i) bounds.push_back(first * std::pow(factor, i));
  return bounds;
}

// TensorFlow Serving's (batching_session.cc), which begin at 100 microseconds, and
// below them finer ones.
std::vector<double> latency_bounds() {
  std::vector<double> bounds{1, 2, 3, 5, 7, 10, 15, 20, 30, 40, 50, 65, 80};
  for (const double bound : exponential(100, 1.2, 52)) bounds.push_back(bound);
  return bounds;
}

// TensorFlow Serving's (batching_util.h).
std::vector<double> size_bounds() { return exponential(1, 2, 14); }

}  // namespace

Distribution::Distribution(std::vector<double> bounds)
    : bounds_(std::move(bounds)),
      counts_(new std::atomic<std::uint64_t>[bounds_.size() + 1]()) {}

void Distribution::add(double value) {
  const auto bound = std::lower_bound(bounds_.begin(), bounds_.end(), value);
  counts_[static_cast<std::size_t>(bound - bounds_.begin())].fetch_add(
      1, std::memory_order_relaxed);
  sum_.fetch_add(static_cast<std::uint64_t>(std::max(0.0, value)),
                 std::memory_order_relaxed);
}

Histogram Distribution::snapshot() const {
  Histogram result;
  result.bounds = bounds_;
  for (std::size_t i = 0; i <= bounds_.size(); ++i) {
    result.counts.push_back(counts_[i].load(std::memory_order_relaxed));
  }
  result.sum = static_cast<double>(sum_.load(std::memory_order_relaxed));
  return result;
}

Counters::Counters(const std::vector<std::int64_t>& allowed_batch_sizes)
    : queuing_latency_(latency_bounds()),
      request_latency_(latency_bounds()),
      run_latency_(latency_bounds()),
      input_batch_size_(size_bounds()),
      processed_batch_size_(size_bounds()) {
  for (const std::int64_t size : allowed_batch_sizes) {
    padding_size_.emplace(std::piecewise_construct, std::forward_as_tuple(size),
                          std::forward_as_tuple(size_bounds()));
  }
}

void Counters::arrived(std::int64_t rows) {
  request_count_.fetch_add(1, std::memory_order_relaxed);
  input_batch_size_.add(as_double(rows));
}

void Counters::answered(std::int64_t micros, std::int32_t code) {
  request_latency_.add(as_double(micros));
  if (code != 0) count_error(code);
}

void Counters::count_error(std::int32_t code) {
  const bool known = code > 0 && code < kCodes;
  const auto counted = known ? code : static_cast<std::int32_t>(Code::kInternal);
  errors_[static_cast<std::size_t>(counted)].fetch_add(1, std::memory_order_relaxed);
}

void Counters::ran(std::int64_t rows, std::int64_t padded_rows, std::int64_t micros) {
  run_count_.fetch_add(1, std::memory_order_relaxed);
  run_latency_.add(as_double(micros));
  processed_batch_size_.add(as_double(padded_rows));
  const auto padding = padding_size_.find(padded_rows);
  if (padding != padding_size_.end()) {
    padding->second.add(as_double(padded_rows - rows));
  }
}

void Counters::fill(BatchMetrics& metrics) const {
  metrics.request_count = request_count_.load(std::memory_order_relaxed);
  metrics.wrapped_run_count = run_count_.load(std::memory_order_relaxed);
  metrics.divided_batch_count = divided_count_.load(std::memory_order_relaxed);
  for (std::int32_t code = 1; code < kCodes; ++code) {
    const std::uint64_t count =
        errors_[static_cast<std::size_t>(code)].load(std::memory_order_relaxed);
    if (count > 0) metrics.errors[static_cast<Code>(code)] = count;
  }
  metrics.queuing_latency = queuing_latency_.snapshot();
  metrics.request_latency = request_latency_.snapshot();
  metrics.run_latency = run_latency_.snapshot();
  metrics.input_batch_size = input_batch_size_.snapshot();
  metrics.processed_batch_size = processed_batch_size_.snapshot();
  for (const auto& [size, padding] : padding_size_) {
    metrics.padding_size.emplace(size, padding.snapshot());
  }
}

}  // namespace tfnative::internal
