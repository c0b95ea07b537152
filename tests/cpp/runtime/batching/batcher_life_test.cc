// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
// How batchers change and end.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <optional>
#include <stdexcept>

#include "harness.h"

namespace tfnative {
namespace {

using Sizes = std::vector<std::int64_t>;

TEST_F(BatcherTest, ATraceThatIsTakenGoesOn) {
  options_.batch_timeout_micros = 0;
  Batcher batcher = this->batcher();
  Rows a(2, 10), b(3, 20);
  EXPECT_TRUE(batcher.take_trace().requests.empty());  // It was not started.
  batcher.start_trace();
  for (Rows* rows : {&a, &b}) {
    const BatchFuture future = batcher.submit(rows->in, rows->out);
    future.get();
    // A batch is recorded before its requests are answered, and they before they are
    // done.
    const BatchTrace trace = batcher.take_trace();
    ASSERT_EQ(trace.batches.size(), 1u);
    ASSERT_EQ(trace.requests.size(), 1u);
    EXPECT_EQ(trace.requests[0].id, future.id());
    EXPECT_EQ(trace.batches[0].requests, std::vector<std::uint64_t>{future.id()});
  }
  EXPECT_TRUE(batcher.stop_trace().requests.empty());
}

TEST_F(BatcherTest, ClosingRunsWhatWaits) {
  Batcher batcher = this->batcher();
  Rows a(1), b(1);
  const BatchFuture first = batcher.submit(a.in, a.out);
  EXPECT_TRUE(batcher.close());
  first.get();
  EXPECT_TRUE(a.answered());
  EXPECT_TRUE(batcher.closed());
  EXPECT_EQ(code_of([&] { batcher.predict(b.in, b.out); }), Code::kFailedPrecondition);
  EXPECT_TRUE(batcher.close());
}

TEST_F(BatcherTest, ClosingWithoutDrainingCancelsWhatWaits) {
  Batcher batcher = this->batcher();
  const BatchFuture occupying = occupy(batcher);
  Rows a(1);
  const BatchFuture future = batcher.submit(a.in, a.out);
  std::thread closer([&] { EXPECT_FALSE(batcher.close(false)); });
  EXPECT_EQ(code_of([&] { future.get(); }), Code::kCancelled);
  recorder_.open();
  closer.join();
  occupying.get();
  EXPECT_TRUE(occupying_.answered());
}

TEST_F(BatcherTest, ClosingCancelsWhatStillWaitsAfterTheTimeout) {
  Batcher batcher = this->batcher();
  const BatchFuture occupying = occupy(batcher);
  Rows a(1);
  const BatchFuture future = batcher.submit(a.in, a.out);
  std::thread closer([&] { EXPECT_FALSE(batcher.close(true, 500)); });
  EXPECT_TRUE(eventually([&] { return batcher.closed(); }));
  EXPECT_FALSE(future.done());
  EXPECT_TRUE(eventually([&] {
    clock_->advance(500);
    return future.done();
  }));
  EXPECT_EQ(code_of([&] { future.get(); }), Code::kCancelled);
  recorder_.open();
  closer.join();
}

TEST_F(BatcherTest, ADestroyedBatcherLeavesItsFuturesAnswered) {
  Rows a(1);
  std::optional<BatchFuture> future;
  {
    Batcher batcher = this->batcher();
    future = batcher.submit(a.in, a.out);
  }
  EXPECT_EQ(code_of([&] { future->get(); }), Code::kCancelled);
  EXPECT_FALSE(future->cancel());
}

TEST_F(BatcherTest, ACallerThatGivesUpIsTakenOutOfTheQueue) {
  Batcher batcher = this->batcher();
  const BatchFuture occupying = occupy(batcher);
  Rows a(1);
  const auto give_up = [] { throw std::runtime_error("enough"); };
  EXPECT_THROW(batcher.predict(a.in, a.out, kForever, give_up), std::runtime_error);
  recorder_.open();
  occupying.get();
  EXPECT_TRUE(batcher.close());
  EXPECT_EQ(recorder_.batches(), Sizes{1});
}

TEST_F(BatcherTest, ACallerThatGivesUpAwaitsTheRunThatHasItsRows) {
  Batcher batcher = this->batcher();
  recorder_.block();
  std::atomic<bool> has_begun{false}, has_given_up{false};
  std::thread caller([&] {
    Rows a(1);
    const auto give_up = [&] {
      if (!has_begun.load()) return;
      has_given_up = true;
      throw std::runtime_error("enough");
    };
    EXPECT_THROW(batcher.predict(a.in, a.out, kForever, give_up), std::runtime_error);
    EXPECT_TRUE(a.answered());  // The run is over: nothing writes to the rows now.
  });
  EXPECT_TRUE(eventually([&] {
    clock_->advance(options_.batch_timeout_micros);
    return !recorder_.batches().empty();
  }));
  has_begun = true;
  EXPECT_TRUE(eventually([&] { return has_given_up.load(); }));
  std::this_thread::sleep_for(std::chrono::milliseconds(10));
  recorder_.open();
  caller.join();
}

TEST_F(BatcherTest, SwappingServesEveryRequestWithTheFunctionThatItCameFor) {
  Batcher batcher = this->batcher();
  Rows a(1), b(1);
  const BatchFuture first = batcher.submit(a.in, a.out);
  const auto model = std::make_shared<int>(0);
  BatchFunction next = recorder_.function(7);
  next.run = [model, run = next.run](auto in, auto out) { run(in, out); };
  batcher.swap(std::move(next));
  first.get();  // No longer waits for others.
  EXPECT_TRUE(a.answered(1));
  const BatchFuture second = batcher.submit(b.in, b.out);
  clock_->advance(1000);
  second.get();
  EXPECT_TRUE(b.answered(7));
  EXPECT_EQ(model.use_count(), 2);
  batcher.swap(recorder_.function(9));
  EXPECT_TRUE(eventually([&] { return model.use_count() == 1; })) << "kept the old one";
}

TEST_F(BatcherTest, SwappingNeedsTheSameSignature) {
  Batcher batcher = this->batcher();
  EXPECT_EQ(code_of([&] { batcher.swap(recorder_.function(1, 3)); }),
            Code::kInvalidArgument);
}

TEST_F(BatcherTest, SwappingNeedsSomethingToRun) {
  Batcher batcher = this->batcher();
  BatchFunction nothing = recorder_.function();
  nothing.run = nullptr;
  EXPECT_EQ(code_of([&] { batcher.swap(nothing); }), Code::kInvalidArgument);
  Rows a(4);
  batcher.predict(a.in, a.out);
  EXPECT_TRUE(a.answered());
}

TEST_F(BatcherTest, WhatHasNoBatchDimensionIsRefused) {
  BatchFunction function = recorder_.function();
  function.outputs[0].shape = {2};
  const auto [code, message] =
      error_of([&] { Batcher(function, options_, scheduler()); });
  EXPECT_EQ(static_cast<Code>(code), Code::kInvalidArgument);
  EXPECT_NE(message.find("'y' has no batch dimension"), std::string::npos) << message;
}

TEST_F(BatcherTest, AForkedChildIsToldSo) {
  Batcher batcher = this->batcher(2);
  const pid_t child = ::fork();
  if (child == 0) {
    Rows a(1);
    int status = 0;
    if (code_of([&] { batcher.predict(a.in, a.out); }) != Code::kFailedPrecondition) {
      status |= 1;
    }
    if (code_of([&] { batcher.close(); }) != Code::kFailedPrecondition) status |= 2;
    {
      const Batcher destroyed = std::move(batcher);
    }
    ::_exit(status);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  Rows a(4);
  batcher.predict(a.in, a.out);
  EXPECT_TRUE(a.answered());
}

}  // namespace
}  // namespace tfnative
