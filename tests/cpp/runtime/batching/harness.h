// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// A function to batch, and requests for it.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "tfnative/batcher.hpp"

namespace tfnative {

// Records what it is run with, and can be made to wait or to fail.
class Recorder {
 public:
  // y = 2 x + `offset` for rows of `width` numbers.
  BatchFunction function(float offset = 1, std::int64_t width = 2) {
    BatchFunction result;
    result.name = "function 'twice'";
    result.inputs = {{"x", DType::kFloat32, {kBatch, width}}};
    result.outputs = {{"y", DType::kFloat32, {kBatch, width}}};
    result.default_max_batch_size = 4;
    result.run = [this, offset](auto in, auto out) { run(in[0], out[0], offset); };
    return result;
  }

  // The rows of each batch that was run, padding included.
  std::vector<std::int64_t> batches() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return batches_;
  }
  // The first number of each row of the last batch.
  std::vector<float> last_rows() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return last_rows_;
  }

  // Has runs wait until `open` is called.
  void block() { set_blocked(true); }
  void open() { set_blocked(false); }
  // Waits until so many runs have begun.
  void wait_until_begun(int runs) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return begun_ >= runs; });
  }

  // Has later runs throw.
  void fail_with(std::function<void()> thrower) {
    const std::lock_guard<std::mutex> lock(mutex_);
    thrower_ = std::move(thrower);
  }

 private:
  void set_blocked(bool blocked) {
    const std::lock_guard<std::mutex> lock(mutex_);
    blocked_ = blocked;
    changed_.notify_all();
  }

  void run(const TensorView& in, const MutableTensorView& out, float offset) {
    std::function<void()> thrower;
    {
      std::unique_lock<std::mutex> lock(mutex_);
      ++begun_;
      batches_.push_back(in.shape[0]);
      last_rows_.clear();
      for (std::int64_t row = 0; row < in.shape[0]; ++row) {
        last_rows_.push_back(static_cast<const float*>(in.data)[row * in.shape[1]]);
      }
      thrower = thrower_;
      changed_.notify_all();
      changed_.wait(lock, [&] { return !blocked_; });
    }
    if (thrower) thrower();
    for (std::int64_t i = 0; i < in.shape[0] * in.shape[1]; ++i) {
      static_cast<float*>(out.data)[i] =
          2 * static_cast<const float*>(in.data)[i] + offset;
    }
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::int64_t> batches_;
  std::vector<float> last_rows_;
  std::function<void()> thrower_;
  int begun_ = 0;
  bool blocked_ = false;
};

// Rows of `value`, value + 1, ..., and room for the answer.
struct Rows {
  explicit Rows(std::int64_t rows, float value = 0, std::int64_t width = 2)
      : shape{rows, width},
        x(static_cast<std::size_t>(rows * width)),
        y(x.size(), -1),
        in{{x.data(), DType::kFloat32, shape}},
        out{{y.data(), DType::kFloat32, shape}} {
    std::iota(x.begin(), x.end(), value);
  }
  Rows(const Rows&) = delete;

  bool answered(float offset = 1) const {
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (y[i] != 2 * x[i] + offset) return false;
    }
    return true;
  }

  std::vector<std::int64_t> shape;
  std::vector<float> x, y;
  std::vector<TensorView> in;
  std::vector<MutableTensorView> out;
};

// The code and message of what `call` throws; code 0 if it throws nothing.
template <typename Call>
std::pair<int, std::string> error_of(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return {static_cast<int>(error.code()), error.what()};
  }
  return {0, ""};
}

template <typename Call>
Code code_of(const Call& call) {
  return static_cast<Code>(error_of(call).first);
}

// Waits until something is true that other threads make true.
template <typename Condition>
bool eventually(const Condition& condition) {
  for (int i = 0; i < 20000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::microseconds(500));
  }
  return false;
}

// Time stands still unless a test lets it pass.
class BatcherTest : public ::testing::Test {
 protected:
  BatcherTest() {
    options_.max_batch_size = 4;
    options_.batch_timeout_micros = 1000;
  }

  BatchScheduler scheduler(int threads = 1) const {
    BatchThreadOptions options;
    options.num_batch_threads = threads;
    options.clock = clock_;
    return BatchScheduler(options);
  }

  Batcher batcher(int threads = 1) {
    return Batcher(recorder_.function(), options_, scheduler(threads));
  }

  // A run that occupies the only thread, and the request that it is for.
  BatchFuture occupy(Batcher& batcher) {
    recorder_.block();
    BatchFuture future = batcher.submit(occupying_.in, occupying_.out);
    clock_->advance(options_.batch_timeout_micros);
    recorder_.wait_until_begun(1);
    return future;
  }

  std::shared_ptr<FakeClock> clock_ = std::make_shared<FakeClock>();
  Recorder recorder_;
  BatchOptions options_;
  Rows occupying_{1};
};

}  // namespace tfnative
