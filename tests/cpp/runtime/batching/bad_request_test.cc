// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// What a request whose data are at fault does to others in its batch: nothing.
#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <string>
#include <thread>
#include <vector>

#include "harness.h"

namespace tfnative {
namespace {

// Rows of two numbers for a model that divides 8 by each, and refuses what is negative
// or zero.
struct Divisors {
  explicit Divisors(std::int64_t rows)
      : shape{rows, 2},
        x(static_cast<std::size_t>(2 * rows), 2),
        y(x.size(), -1),
        in{{x.data(), DType::kFloat32, shape}},
        out{{y.data(), DType::kFloat32, shape}} {}
  Divisors(const Divisors&) = delete;

  bool answered() const {
    for (const float value : y) {
      if (value != 4) return false;
    }
    return true;
  }

  std::vector<std::int64_t> shape;
  std::vector<float> x, y;
  std::vector<TensorView> in;
  std::vector<MutableTensorView> out;
};

class BadRequestTest : public BatcherTest {
 protected:
  Batcher batcher() {
    return Batcher(batch_function(model_, model_.signature("checked")), options_,
                   scheduler());
  }

  const Model model_ = Model::load(FAKE_ARTIFACT);
};

TEST_F(BadRequestTest, FailsAlone) {
  Batcher batcher = this->batcher();
  Divisors good(1), bad(2), other(1);
  bad.x[2] = -3;
  const BatchFuture first = batcher.submit(good.in, good.out);
  const BatchFuture second = batcher.submit(bad.in, bad.out);
  const BatchFuture third = batcher.submit(other.in, other.out);
  first.get();
  third.get();
  EXPECT_TRUE(good.answered() && other.answered());
  const auto [code, message] = error_of([&] { second.get(); });
  EXPECT_EQ(static_cast<Code>(code), Code::kInvalidArgument);
  EXPECT_NE(message.find("x[1,0] = -3 is not"), std::string::npos) << message;
  EXPECT_NE(message.find("row 1)"), std::string::npos) << message;
  const BatchMetrics metrics = batcher.metrics();
  EXPECT_EQ(metrics.divided_batch_count, 1u);
  EXPECT_EQ(metrics.wrapped_run_count, 4u) << "the batch, and each request of it";
  EXPECT_EQ(metrics.queuing_latency.count(), 3u);
  EXPECT_EQ(metrics.request_latency.count(), 3u);
  EXPECT_EQ(metrics.errors.at(Code::kInvalidArgument), 1u);
}

TEST_F(BadRequestTest, SeveralGetTheirOwnErrors) {
  Batcher batcher = this->batcher();
  Divisors one(2), two(2);
  one.x[3] = -1;
  two.x[0] = 0;
  const BatchFuture first = batcher.submit(one.in, one.out);
  const BatchFuture second = batcher.submit(two.in, two.out);
  EXPECT_NE(error_of([&] { first.get(); }).second.find("x[1,1] = -1"),
            std::string::npos);
  EXPECT_NE(error_of([&] { second.get(); }).second.find("Div, row 0"),
            std::string::npos);
}

TEST_F(BadRequestTest, ARequestThatIsAloneIsNotRunAgain) {
  Batcher batcher = this->batcher();
  Divisors bad(4);
  bad.x[5] = -1;
  EXPECT_EQ(code_of([&] { batcher.submit(bad.in, bad.out).get(); }),
            Code::kInvalidArgument);
  EXPECT_EQ(batcher.metrics().wrapped_run_count, 1u);
  EXPECT_EQ(batcher.metrics().divided_batch_count, 0u);
}

TEST_F(BadRequestTest, PaddingIsMadeOfWhatCame) {
  options_.allowed_batch_sizes = {2, 4};
  Batcher batcher = this->batcher();
  Divisors good(1), bad(2);
  bad.x[0] = 0;
  const BatchFuture first = batcher.submit(good.in, good.out);
  const BatchFuture second = batcher.submit(bad.in, bad.out);
  clock_->advance(options_.batch_timeout_micros);
  first.get();
  EXPECT_TRUE(good.answered());
  EXPECT_EQ(code_of([&] { second.get(); }), Code::kInvalidArgument);
}

TEST_F(BadRequestTest, OneThatIsSplitGetsOneErrorWithItsRow) {
  for (const bool with_others : {false, true}) {
    options_.max_batch_size = 12;
    options_.max_execution_batch_size = 4;
    options_.enable_large_batch_splitting = true;
    Batcher batcher = this->batcher();
    Divisors before(2), large(10), after(2);
    large.x[2 * 8 + 1] = -5;
    if (with_others) before.x[0] = 2;
    std::vector<BatchFuture> others;
    if (with_others) others.push_back(batcher.submit(before.in, before.out));
    const BatchFuture future = batcher.submit(large.in, large.out);
    if (with_others) others.push_back(batcher.submit(after.in, after.out));
    clock_->advance(options_.batch_timeout_micros);
    const auto [code, message] = error_of([&] { future.get(); });
    EXPECT_EQ(static_cast<Code>(code), Code::kInvalidArgument);
    EXPECT_NE(message.find("x[8,1] = -5"), std::string::npos) << message;
    EXPECT_NE(message.find("row 8)"), std::string::npos) << message;
    for (const BatchFuture& other : others) other.get();
    EXPECT_TRUE(!with_others || (before.answered() && after.answered()));
  }
}

TEST_F(BadRequestTest, WhatItsCallbackIsToldIsItsOwn) {
  Batcher batcher = this->batcher();
  Divisors good(2), bad(2);
  bad.x[0] = -1;
  std::atomic<int> told{0}, failures{0};
  const auto callback = [&](const Error* error) {
    failures += error != nullptr;
    ++told;
  };
  batcher.submit(good.in, good.out, kForever, callback);
  const BatchFuture last = batcher.submit(bad.in, bad.out, kForever, callback);
  EXPECT_EQ(code_of([&] { last.get(); }), Code::kInvalidArgument);
  EXPECT_TRUE(eventually([&] { return told == 2; }));
  EXPECT_EQ(failures, 1);
}

// Any function may find a request at fault, such as a model that TensorFlow runs.
TEST_F(BadRequestTest, IsFoundByWhatRunsItWhateverThatIs) {
  BatchFunction function = recorder_.function();
  function.run = [run = function.run](auto in, auto out) {
    const auto* const x = static_cast<const float*>(in[0].data);
    for (std::int64_t i = 0; i < 2 * in[0].shape[0]; ++i) {
      if (x[i] < 0) throw Error(Code::kInvalidArgument, "less than 0");
    }
    run(in, out);
  };
  Batcher batcher(function, options_, scheduler());
  Rows good(2, 1), bad(2, -1);
  const BatchFuture first = batcher.submit(good.in, good.out);
  const BatchFuture second = batcher.submit(bad.in, bad.out);
  first.get();
  EXPECT_TRUE(good.answered());
  EXPECT_EQ(error_of([&] { second.get(); }).second, "less than 0");
}

// For ThreadSanitizer: batches are divided in several threads at once.
TEST(BadRequests, OfManyThreadsFailAlone) {
  const Model model = Model::load(FAKE_ARTIFACT);
  BatchOptions options;
  options.max_batch_size = 8;
  options.batch_timeout_micros = 100;
  BatchThreadOptions threads;
  threads.num_batch_threads = 3;
  Batcher batcher(model, model.signature("checked"), options, threads);
  std::atomic<int> wrong{0};
  const auto call = [&](int seed) {
    for (int i = 0; i < 100; ++i) {
      Divisors rows(1 + (i + seed) % 3);
      const bool is_bad = (i * 7 + seed) % 5 == 0;
      if (is_bad) rows.x.back() = -1;
      const Code code = code_of([&] { batcher.predict(rows.in, rows.out); });
      wrong +=
          is_bad ? code != Code::kInvalidArgument : code != Code{} || !rows.answered();
    }
  };
  std::vector<std::thread> callers;
  for (int seed = 0; seed < 6; ++seed) callers.emplace_back(call, seed);
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace tfnative
