// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "tfnative/batcher.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <deque>

#include "harness.h"

namespace tfnative {
namespace {

using Sizes = std::vector<std::int64_t>;

TEST_F(BatcherTest, ABatchIsRunWhenItIsFull) {
  Batcher batcher = this->batcher();
  Rows a(1, 10), b(3, 20);
  const BatchFuture first = batcher.submit(a.in, a.out);
  EXPECT_FALSE(first.done());
  const BatchFuture second = batcher.submit(b.in, b.out);
  first.get();
  second.get();
  EXPECT_TRUE(a.answered() && b.answered());
  EXPECT_EQ(recorder_.batches(), (Sizes{4}));
}

TEST_F(BatcherTest, ABatchIsRunWhenItsFirstRequestHasWaitedLongEnough) {
  Batcher batcher = this->batcher();
  Rows a(1, 10), b(2, 20);
  const BatchFuture first = batcher.submit(a.in, a.out);
  clock_->advance(999);
  const BatchFuture second = batcher.submit(b.in, b.out);
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_FALSE(first.done());
  clock_->advance(1);
  first.get();
  second.get();
  EXPECT_TRUE(a.answered() && b.answered());
  EXPECT_EQ(recorder_.batches(), (Sizes{3}));
}

TEST_F(BatcherTest, WithoutATimeoutABatchIsWhatCameWhileThreadsWereBusy) {
  options_.batch_timeout_micros = 0;
  Batcher batcher = this->batcher();
  const BatchFuture occupying = occupy(batcher);
  std::deque<Rows> rows;
  std::vector<BatchFuture> futures;
  for (int i = 0; i < 6; ++i) {
    rows.emplace_back(1, static_cast<float>(i));
    futures.push_back(batcher.submit(rows.back().in, rows.back().out));
  }
  recorder_.open();
  for (const BatchFuture& future : futures) future.get();
  for (const Rows& row : rows) EXPECT_TRUE(row.answered());
  occupying.get();
  EXPECT_EQ(recorder_.batches(), (Sizes{1, 4, 2}));
}

TEST_F(BatcherTest, AThreadThatPredictsRunsTheBatchThatItMakesDue) {
  options_.batch_timeout_micros = 0;
  Batcher batcher = this->batcher();
  batcher.start_trace();
  Rows a(2, 10);
  batcher.predict(a.in, a.out);
  EXPECT_TRUE(a.answered());
  const BatchTrace trace = batcher.stop_trace();
  ASSERT_EQ(trace.batches.size(), 1u);
  EXPECT_EQ(trace.batches[0].thread, -1);
}

TEST_F(BatcherTest, NoMoreBatchesRunAtOnceThanThereAreThreads) {
  options_.batch_timeout_micros = 0;
  Batcher batcher = this->batcher();
  const BatchFuture occupying = occupy(batcher);
  Rows a(4);
  std::thread caller([&] { batcher.predict(a.in, a.out); });
  EXPECT_TRUE(eventually([&] { return batcher.metrics().queued_rows == 4; }));
  EXPECT_EQ(batcher.metrics().running_batches, 1);
  recorder_.open();
  caller.join();
  EXPECT_TRUE(a.answered());
}

TEST_F(BatcherTest, BatchesArePaddedToAnAllowedSizeWithTheFirstRowOfTheLastRequest) {
  options_.max_batch_size = 8;
  options_.allowed_batch_sizes = {1, 5, 8};
  Batcher batcher = this->batcher();
  Rows a(1, 10), b(2, 20);
  const BatchFuture first = batcher.submit(a.in, a.out);
  const BatchFuture second = batcher.submit(b.in, b.out);
  clock_->advance(1000);
  first.get();
  second.get();
  EXPECT_TRUE(a.answered() && b.answered());
  EXPECT_EQ(recorder_.batches(), (Sizes{5}));
  EXPECT_EQ(recorder_.last_rows(), (std::vector<float>{10, 20, 22, 20, 20}));
  const BatchMetrics metrics = batcher.metrics();
  EXPECT_EQ(metrics.padding_size.at(5).sum, 2);
  EXPECT_EQ(metrics.processed_batch_size.sum, 5);
}

TEST_F(BatcherTest, ARequestThatIsLargerThanABatchIsSplitIfAllowed) {
  options_.max_batch_size = 100;
  options_.enable_large_batch_splitting = true;
  options_.max_execution_batch_size = 4;
  Batcher batcher = this->batcher();
  Rows a(3, 10), b(10, 20);
  const BatchFuture first = batcher.submit(a.in, a.out);
  const BatchFuture second = batcher.submit(b.in, b.out);
  first.get();
  EXPECT_FALSE(second.done());  // A row of it waits for others.
  clock_->advance(1000);
  second.get();
  EXPECT_TRUE(a.answered() && b.answered());
  EXPECT_EQ(recorder_.batches(), (Sizes{4, 4, 4, 1}));
}

TEST_F(BatcherTest, ARequestThatIsTooLargeIsRejected) {
  Batcher batcher = this->batcher();
  Rows a(5);
  const auto [code, message] = error_of([&] { batcher.predict(a.in, a.out); });
  EXPECT_EQ(static_cast<Code>(code), Code::kInvalidArgument);
  EXPECT_EQ(message, "function 'twice': a request has 5 rows, but max_batch_size is 4");
}

TEST_F(BatcherTest, ARequestThatDoesNotFitIsRejectedBeforeItJoinsABatch) {
  Batcher batcher = this->batcher();
  Rows good(1), bad(1, 0, 3);
  const BatchFuture future = batcher.submit(good.in, good.out);
  const auto [code, message] = error_of([&] { batcher.submit(bad.in, bad.out); });
  EXPECT_EQ(static_cast<Code>(code), Code::kInvalidArgument);
  EXPECT_NE(message.find("expected float32 (rows, 2) with 1 rows, got float32 (1, 3)"),
            std::string::npos)
      << message;
  clock_->advance(1000);
  future.get();
  EXPECT_TRUE(good.answered());
}

TEST_F(BatcherTest, AFullQueueRejects) {
  options_.max_enqueued_batches = 2;
  Batcher batcher = this->batcher();
  const BatchFuture occupying = occupy(batcher);
  Rows a(4), b(3), c(2);
  const BatchFuture first = batcher.submit(a.in, a.out);
  const BatchFuture second = batcher.submit(b.in, b.out);
  const auto [code, message] = error_of([&] { batcher.predict(c.in, c.out); });
  EXPECT_EQ(static_cast<Code>(code), Code::kUnavailable);
  EXPECT_NE(message.find("7 rows of 2 requests wait in 2 batches"), std::string::npos)
      << message;
  Rows d(1);  // There is room for it in the second batch.
  const BatchFuture third = batcher.submit(d.in, d.out);
  recorder_.open();
  first.get();
  second.get();
  third.get();
  EXPECT_EQ(batcher.metrics().errors.at(Code::kUnavailable), 1u);
}

TEST_F(BatcherTest, PredictTriesAgainForAWhileIfItIsTold) {
  options_.max_enqueued_batches = 1;
  options_.retry_max_time_micros = 500;
  Batcher batcher = this->batcher();
  const BatchFuture occupying = occupy(batcher);
  Rows a(4), b(4);
  const BatchFuture first = batcher.submit(a.in, a.out);
  std::thread caller([&] { batcher.predict(b.in, b.out); });
  EXPECT_TRUE(eventually([&] { return batcher.metrics().request_count == 3; }));
  recorder_.open();
  first.get();
  clock_->advance(100);
  caller.join();
  EXPECT_TRUE(b.answered());

  recorder_.block();
  Rows c(4), d(4), e(4);
  const BatchFuture running = batcher.submit(c.in, c.out);
  recorder_.wait_until_begun(4);
  const BatchFuture waiting = batcher.submit(d.in, d.out);
  Code code{};
  std::thread late([&] { code = code_of([&] { batcher.predict(e.in, e.out); }); });
  EXPECT_TRUE(eventually([&] {
    clock_->advance(100);
    return batcher.metrics().errors.count(Code::kUnavailable) == 1;
  }));
  late.join();
  EXPECT_EQ(code, Code::kUnavailable);
  recorder_.open();
  waiting.get();
}

// Wakes one thread too early whenever it waits, and records for how long it wanted to.
class HastyClock : public FakeClock {
 public:
  void wait(std::condition_variable& condition, std::unique_lock<std::mutex>& lock,
            std::int64_t until_micros) override {
    if (std::this_thread::get_id() != watched) {
      return FakeClock::wait(condition, lock, until_micros);
    }
    waits.push_back(until_micros - now_micros());
    advance(60);
  }

  const std::thread::id watched = std::this_thread::get_id();
  std::vector<std::int64_t> waits;
};

TEST_F(BatcherTest, PredictWaitsBetweenTries) {
  const auto hasty = std::make_shared<HastyClock>();
  clock_ = hasty;
  options_.max_enqueued_batches = 1;
  options_.retry_max_time_micros = 300;
  options_.retry_delay_micros = 100;
  Batcher batcher = this->batcher();
  const BatchFuture occupying = occupy(batcher);
  Rows a(4), b(4);
  const BatchFuture waiting = batcher.submit(a.in, a.out);
  EXPECT_EQ(code_of([&] { batcher.predict(b.in, b.out); }), Code::kUnavailable);
  // It tries after 0, 120, 240 and 360 microseconds.
  EXPECT_EQ(hasty->waits, (std::vector<std::int64_t>{100, 40, 100, 40, 100, 40}));
  recorder_.open();
  waiting.get();
}

TEST_F(BatcherTest, ADeadlineThatPassesInTheQueueFreesThePlace) {
  options_.max_enqueued_batches = 1;
  Batcher batcher = this->batcher();
  const BatchFuture occupying = occupy(batcher);
  Rows a(4), b(4);
  const BatchFuture late = batcher.submit(a.in, a.out, 300);
  clock_->advance(299);
  std::this_thread::sleep_for(std::chrono::milliseconds(3));
  EXPECT_FALSE(late.done());
  clock_->advance(1);
  const auto [code, message] = error_of([&] { late.get(); });
  EXPECT_EQ(static_cast<Code>(code), Code::kDeadlineExceeded);
  EXPECT_NE(message.find("for 300 microseconds"), std::string::npos) << message;
  const BatchFuture next = batcher.submit(b.in, b.out);
  recorder_.open();
  next.get();
  EXPECT_EQ(recorder_.batches(), (Sizes{1, 4}));
  EXPECT_EQ(a.y[0], -1) << "an answer to a request that failed";
}

TEST_F(BatcherTest, ADeadlinePassesAfterAllOthersHavePassed) {
  Batcher batcher = this->batcher();
  const BatchFuture occupying = occupy(batcher);
  Rows a(1), b(1);
  for (Rows* rows : {&a, &b}) {
    const BatchFuture late = batcher.submit(rows->in, rows->out, 100);
    clock_->advance(100);
    EXPECT_TRUE(eventually([&] { return late.done(); }));
    // Who watches deadlines has none now, and sleeps until it is told of the next.
    std::this_thread::sleep_for(std::chrono::milliseconds(3));
  }
  recorder_.open();
  occupying.get();
}

TEST_F(BatcherTest, PredictHasADeadlineToo) {
  Batcher batcher = this->batcher();
  const BatchFuture occupying = occupy(batcher);
  Rows a(1);
  Code code{};
  std::thread caller(
      [&] { code = code_of([&] { batcher.predict(a.in, a.out, 200); }); });
  EXPECT_TRUE(eventually([&] { return batcher.metrics().queued_rows == 1; }));
  clock_->advance(200);
  caller.join();
  EXPECT_EQ(code, Code::kDeadlineExceeded);
  EXPECT_EQ(batcher.metrics().queued_rows, 0);
  recorder_.open();
}

TEST_F(BatcherTest, ADeadlineDoesNotStopWhatRuns) {
  Batcher batcher = this->batcher();
  recorder_.block();
  Rows a(4);
  const BatchFuture future = batcher.submit(a.in, a.out, 100);
  recorder_.wait_until_begun(1);
  clock_->advance(1000);
  recorder_.open();
  future.get();
  EXPECT_TRUE(a.answered());
}

TEST_F(BatcherTest, CancellingTakesRowsOutOfTheQueue) {
  Batcher batcher = this->batcher();
  Rows a(1, 10), b(1, 20);
  const BatchFuture first = batcher.submit(a.in, a.out);
  const BatchFuture second = batcher.submit(b.in, b.out);
  EXPECT_TRUE(first.cancel());
  EXPECT_FALSE(first.cancel());
  EXPECT_EQ(code_of([&] { first.get(); }), Code::kCancelled);
  clock_->advance(1000);
  second.get();
  EXPECT_EQ(recorder_.last_rows(), (std::vector<float>{20}));
  EXPECT_FALSE(second.cancel());
}

TEST_F(BatcherTest, CancellingASplitRequestTakesAllOfItsParts) {
  options_.max_batch_size = 100;
  options_.enable_large_batch_splitting = true;
  options_.max_execution_batch_size = 4;
  Batcher batcher = this->batcher();
  const BatchFuture occupying = occupy(batcher);
  Rows a(2), b(9), c(3);
  const BatchFuture first = batcher.submit(a.in, a.out);
  const BatchFuture large = batcher.submit(b.in, b.out);
  const BatchFuture last = batcher.submit(c.in, c.out);
  EXPECT_TRUE(large.cancel());
  EXPECT_EQ(batcher.metrics().queued_rows, 5);
  recorder_.open();
  clock_->advance(1000);
  first.get();
  last.get();
  EXPECT_TRUE(a.answered() && c.answered());
}

TEST_F(BatcherTest, AFailureReachesEveryRequestOfTheBatchAndNoOther) {
  Batcher batcher = this->batcher();
  recorder_.fail_with([] { throw std::runtime_error("no luck"); });
  Rows a(2), b(2), c(4);
  const BatchFuture first = batcher.submit(a.in, a.out);
  const BatchFuture second = batcher.submit(b.in, b.out);
  for (const BatchFuture& future : {first, second}) {
    const auto [code, message] = error_of([&] { future.get(); });
    EXPECT_EQ(static_cast<Code>(code), Code::kInternal);
    EXPECT_EQ(message, "function 'twice': no luck");
  }
  recorder_.fail_with([] { throw Error(Code::kResourceExhausted, "full"); });
  const BatchFuture third = batcher.submit(c.in, c.out);
  EXPECT_EQ(code_of([&] { third.get(); }), Code::kResourceExhausted);
  recorder_.fail_with([] { throw 5; });
  const BatchFuture fourth = batcher.submit(c.in, c.out);
  EXPECT_EQ(code_of([&] { fourth.get(); }), Code::kInternal);
  recorder_.fail_with(nullptr);
  batcher.predict(c.in, c.out);
  EXPECT_TRUE(c.answered());
}

TEST_F(BatcherTest, CallbacksAreCalledOnceAndMayThrow) {
  Batcher batcher = this->batcher();
  Rows a(2), b(2);
  std::atomic<int> calls{0};
  const auto callback = [&](const Error* error) {
    calls += error == nullptr ? 1 : 100;
    throw std::runtime_error("a callback's own trouble");
  };
  const BatchFuture first = batcher.submit(a.in, a.out, kForever, callback);
  const BatchFuture second = batcher.submit(b.in, b.out, kForever, callback);
  first.get();
  second.get();
  EXPECT_TRUE(eventually([&] { return calls == 2; }));
  Rows c(1);
  const BatchFuture third = batcher.submit(c.in, c.out, kForever, callback);
  third.cancel();
  EXPECT_EQ(calls, 102);
}

TEST_F(BatcherTest, NoRowsNeedNoRun) {
  Batcher batcher = this->batcher();
  Rows a(0);
  batcher.predict(a.in, a.out);
  const BatchFuture future = batcher.submit(a.in, a.out);
  EXPECT_TRUE(future.done());
  EXPECT_EQ(recorder_.batches(), (Sizes{}));
}

TEST_F(BatcherTest, NoRowsAreRefusedByWhatIsAskedAboutThem) {
  BatchFunction function = recorder_.function();
  function.run = [](auto, auto) { throw Error(Code::kInvalidArgument, "no rows"); };
  function.runs_empty = true;
  Batcher batcher(function, options_, scheduler());
  Rows a(0);
  EXPECT_THROW(batcher.predict(a.in, a.out), Error);
  const BatchFuture future = batcher.submit(a.in, a.out);
  EXPECT_TRUE(future.done());
  EXPECT_THROW(future.get(), Error);
}

TEST_F(BatcherTest, SmallerInputsArePaddedWithTheirFirstElementIfAllowed) {
  options_.pad_variable_length_inputs = true;
  Batcher batcher(recorder_.function(1, 3), options_, scheduler());
  const Sizes shape = {1, 2}, whole = {1, 3};
  const float x[] = {5, 7}, z[] = {1, 2, 3};
  float y[3] = {}, w[3] = {};
  const TensorView in[] = {{x, DType::kFloat32, shape}};
  const MutableTensorView out[] = {{y, DType::kFloat32, whole}};
  const TensorView other_in[] = {{z, DType::kFloat32, whole}};
  const MutableTensorView other_out[] = {{w, DType::kFloat32, whole}};
  const BatchFuture first = batcher.submit(in, out);
  const BatchFuture second = batcher.submit(other_in, other_out);
  clock_->advance(1000);
  first.get();
  second.get();
  EXPECT_EQ(std::vector<float>(y, y + 3), (std::vector<float>{11, 15, 11}));
  EXPECT_EQ(std::vector<float>(w, w + 3), (std::vector<float>{3, 5, 7}));
  Rows wide(1, 0, 4);
  EXPECT_EQ(code_of([&] { batcher.submit(wide.in, other_out); }),
            Code::kInvalidArgument);
}

TEST_F(BatcherTest, QueuesShareThreadsInTurn) {
  const BatchScheduler shared = scheduler();
  options_.max_batch_size = 1;
  Recorder other;
  Batcher a(recorder_.function(), options_, shared);
  Batcher b(other.function(), options_, shared);
  const BatchFuture occupying = occupy(a);
  std::deque<Rows> rows;
  std::vector<BatchFuture> futures;
  std::mutex mutex;
  std::string order;
  const auto submit = [&](Batcher& batcher, char name) {
    rows.emplace_back(1);
    futures.push_back(batcher.submit(rows.back().in, rows.back().out, kForever,
                                     [&, name](const Error*) {
                                       const std::lock_guard<std::mutex> lock(mutex);
                                       order += name;
                                     }));
  };
  for (int i = 0; i < 4; ++i) submit(a, 'a');
  for (int i = 0; i < 2; ++i) submit(b, 'b');
  recorder_.open();
  for (const BatchFuture& future : futures) future.get();
  EXPECT_TRUE(eventually([&] {
    const std::lock_guard<std::mutex> lock(mutex);
    return order.size() == 6;
  }));
  EXPECT_EQ(order, "babaaa");
}

TEST_F(BatcherTest, StreamingBatchesTakeAThreadAndRowsUntilTheyAreClosed) {
  options_.mode = BatchMode::kStreaming;
  Batcher batcher = this->batcher();
  Rows a(1, 10), b(2, 20), c(2, 30);
  const BatchFuture first = batcher.submit(a.in, a.out);
  EXPECT_TRUE(eventually([&] { return batcher.metrics().running_batches == 1; }));
  const BatchFuture second = batcher.submit(b.in, b.out);
  const auto [code, message] = error_of([&] { batcher.submit(c.in, c.out); });
  EXPECT_EQ(static_cast<Code>(code), Code::kUnavailable);
  EXPECT_NE(message.find("all batch threads are busy"), std::string::npos) << message;
  first.get();  // What did not fit has closed the batch.
  second.get();
  EXPECT_TRUE(a.answered() && b.answered());
  EXPECT_EQ(recorder_.batches(), (Sizes{3}));
  EXPECT_TRUE(eventually([&] { return batcher.metrics().running_batches == 0; }));
  const BatchFuture third = batcher.submit(c.in, c.out);
  clock_->advance(1000);
  third.get();
  EXPECT_TRUE(c.answered());
}

TEST(Batcher, ManyThreadsGetTheirOwnAnswers) {
  Recorder recorder;
  BatchOptions options;
  options.max_batch_size = 16;
  options.batch_timeout_micros = 50;
  options.max_enqueued_batches = 1000;
  Batcher batcher(recorder.function(), options, BatchScheduler({2, "test"}));
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 16; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 100; ++i) {
        Rows rows(1 + i % 3, static_cast<float>(1000 * t + i));
        if (i % 2 == 0) {
          batcher.predict(rows.in, rows.out);
        } else {
          batcher.submit(rows.in, rows.out, 10'000'000).get();
        }
        wrong += rows.answered() ? 0 : 1;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  const BatchMetrics metrics = batcher.metrics();
  EXPECT_EQ(metrics.request_count, 1600u);
  EXPECT_EQ(metrics.request_latency.count(), 1600u);
  EXPECT_EQ(metrics.queued_rows, 0);
}

}  // namespace
}  // namespace tfnative
