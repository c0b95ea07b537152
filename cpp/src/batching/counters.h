// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// What a batcher counts while it runs. Thread-safe, without locks: a snapshot may have
// one counter newer than another.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "tfnative/batch_metrics.hpp"

namespace tfnative::internal {

class Distribution {
 public:
  explicit Distribution(std::vector<double> bounds);

  void add(double value);
  Histogram snapshot() const;

 private:
  const std::vector<double> bounds_;
  const std::unique_ptr<std::atomic<std::uint64_t>[]> counts_;
  std::atomic<std::uint64_t> sum_{0};  // Values are whole numbers.
};

class Counters {
 public:
  explicit Counters(const std::vector<std::int64_t>& allowed_batch_sizes);

  void arrived(std::int64_t rows);
  void started(std::int64_t waited_micros) {
    queuing_latency_.add(as_double(waited_micros));
  }
  // `code` is 0 for success.
  void answered(std::int64_t micros, std::int32_t code);
  void rejected(Code code) { count_error(static_cast<std::int32_t>(code)); }
  void divided() { divided_count_.fetch_add(1, std::memory_order_relaxed); }
  void ran(std::int64_t rows, std::int64_t padded_rows, std::int64_t micros);

  void fill(BatchMetrics& metrics) const;

 private:
  static constexpr std::int32_t kCodes = 17;  // 0 is OK, 16 the largest.
  static double as_double(std::int64_t value) { return static_cast<double>(value); }
  void count_error(std::int32_t code);

  std::atomic<std::uint64_t> request_count_{0}, run_count_{0};
  std::atomic<std::uint64_t> divided_count_{0};
  std::array<std::atomic<std::uint64_t>, kCodes> errors_{};
  Distribution queuing_latency_, request_latency_, run_latency_;
  Distribution input_batch_size_, processed_batch_size_;
  std::map<std::int64_t, Distribution> padding_size_;  // Its keys are constant.
};

}  // namespace tfnative::internal
