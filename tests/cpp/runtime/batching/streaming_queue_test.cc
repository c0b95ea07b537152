// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "batching/streaming_queue.h"

#include <gtest/gtest.h>

#include "harness.h"

namespace tfnative::internal {
namespace {

using Numbers = std::vector<std::int64_t>;

std::shared_ptr<const BatchFunction> named(const std::string& name) {
  auto function = std::make_shared<BatchFunction>();
  function->name = name;
  return function;
}

// Batches of up to 4 rows, which take more for 100 microseconds.
class StreamingQueueTest : public ::testing::Test {
 protected:
  static BatchOptions options() {
    BatchOptions options;
    options.mode = BatchMode::kStreaming;
    options.max_batch_size = 4;
    options.max_execution_batch_size = 4;
    options.batch_timeout_micros = 100;
    return options;
  }

  std::shared_ptr<Request> add(std::int64_t rows, std::int64_t now_micros = 0,
                               std::int32_t free_threads = 10) {
    auto request = std::make_shared<Request>();
    request->id = next_id_++;
    request->rows = rows;
    queue_.add(request, now_micros, free_threads);
    return request;
  }

  std::shared_ptr<Batch> take() {
    std::vector<std::shared_ptr<Request>> expired;
    std::shared_ptr<Batch> batch = queue_.take(0, &expired);
    EXPECT_TRUE(expired.empty());
    return batch;
  }

  // The requests, rows and batches that wait.
  Numbers counts() const {
    return {queue_.requests(), queue_.rows(), queue_.batches()};
  }

  static Numbers requests_of(const std::vector<Part>& parts) {
    Numbers ids;
    for (const Part& part : parts) {
      EXPECT_EQ(part.first_row, 0);
      EXPECT_EQ(part.rows, part.request->rows);
      ids.push_back(static_cast<std::int64_t>(part.request->id));
    }
    return ids;
  }

  StreamingQueue queue_{options(), named("first")};
  std::uint64_t next_id_ = 0;
};

TEST_F(StreamingQueueTest, ABatchIsDueWithItsFirstRequest) {
  EXPECT_EQ(queue_.due_micros(), kForever);
  EXPECT_EQ(take(), nullptr);
  EXPECT_EQ(counts(), (Numbers{0, 0, 0}));
  const auto request = add(1, 50);
  EXPECT_EQ(queue_.due_micros(), 0);
  EXPECT_FALSE(queue_.is_next(*request));
  EXPECT_EQ(counts(), (Numbers{1, 1, 1}));
  const auto batch = take();
  ASSERT_NE(batch, nullptr);
  EXPECT_TRUE(batch->is_open);
  EXPECT_EQ(batch->function->name, "first");
  EXPECT_EQ(batch->opened_micros, 50);
  EXPECT_EQ(batch->closes_micros, 150);
  EXPECT_EQ(request->bell, batch->bell);
  EXPECT_EQ(request->queued_parts, 1);
  EXPECT_EQ(request->unanswered_parts, 1);
  EXPECT_EQ(queue_.due_micros(), kForever);
  EXPECT_EQ(counts(), (Numbers{1, 1, 0}));  // Until they are gathered.
}

TEST_F(StreamingQueueTest, ATakenBatchTakesRowsUntilItIsFull) {
  add(1);
  const auto batch = take();
  add(2);
  EXPECT_EQ(batch->rows, 3);
  EXPECT_TRUE(batch->is_open);
  EXPECT_EQ(take(), nullptr);
  add(1);
  EXPECT_FALSE(batch->is_open);
  EXPECT_EQ(requests_of(batch->parts), (Numbers{0, 1, 2}));
  EXPECT_EQ(batch->rows, 4);
  add(1);
  EXPECT_EQ(batch->rows, 4);
  const auto next = take();
  ASSERT_NE(next, nullptr);
  EXPECT_EQ(next->id, batch->id + 1);
}

TEST_F(StreamingQueueTest, ABatchClosesWithItsTimeAndByWhatDoesNotFit) {
  add(1, 0);
  const auto first = take();
  add(1, 99);
  EXPECT_EQ(first->rows, 2);
  add(1, 100);
  EXPECT_FALSE(first->is_open);
  EXPECT_EQ(first->rows, 2);
  const auto second = take();
  add(4, 101);
  EXPECT_FALSE(second->is_open);
  EXPECT_EQ(second->rows, 1);
  EXPECT_EQ(take()->rows, 4);
}

TEST_F(StreamingQueueTest, AnEndlessTimeoutIsNoOverflow) {
  queue_.set_timeout(kForever);
  EXPECT_EQ(queue_.timeout_micros(), kForever);
  add(1, 10);
  const auto batch = take();
  EXPECT_EQ(batch->closes_micros, kForever);
  add(1, kForever - 1);
  EXPECT_EQ(batch->rows, 2);
}

TEST_F(StreamingQueueTest, EachBatchThatWaitsNeedsAThreadThatIsFree) {
  const auto code_of_add = [&](std::int64_t rows, std::int32_t free_threads) {
    return code_of([&] { add(rows, 0, free_threads); });
  };
  EXPECT_EQ(code_of_add(3, 0), Code::kUnavailable);
  EXPECT_EQ(counts(), (Numbers{0, 0, 0}));
  add(3, 0, 1);
  add(1, 0, 0);  // What has room needs no thread.
  EXPECT_EQ(code_of_add(3, 1), Code::kUnavailable);
  EXPECT_EQ(counts(), (Numbers{2, 4, 1}));
  add(3, 0, 2);
  EXPECT_EQ(counts(), (Numbers{3, 7, 2}));
}

TEST_F(StreamingQueueTest, WhatNoThreadHasGatheredIsTakenOut) {
  const auto first = add(1), second = add(2);
  EXPECT_TRUE(queue_.remove(*first));
  EXPECT_EQ(first->queued_parts, 0);
  EXPECT_FALSE(queue_.remove(*first));
  EXPECT_EQ(counts(), (Numbers{1, 2, 1}));
  const auto batch = take();
  EXPECT_EQ(batch->rows, 2);
  second->started = true;
  EXPECT_FALSE(queue_.remove(*second));
  EXPECT_EQ(counts(), (Numbers{0, 0, 0}));
  const auto third = add(2);
  EXPECT_FALSE(batch->is_open);
  EXPECT_FALSE(queue_.remove(*third));  // Who has the batch has all of its rows.
}

TEST_F(StreamingQueueTest, RemovedRowsMakeRoomInABatchThatWasTaken) {
  const auto first = add(3);
  const auto batch = take();
  EXPECT_TRUE(queue_.remove(*first));
  add(4);
  EXPECT_EQ(requests_of(batch->parts), (Numbers{1}));
  EXPECT_EQ(batch->rows, 4);
}

TEST_F(StreamingQueueTest, ClearingGivesBackAllThatNoThreadHasGathered) {
  add(2)->started = true;
  const auto batch = take();
  add(1);
  add(3);
  EXPECT_EQ(counts(), (Numbers{1, 3, 1}));  // What was closed is its thread's.
  EXPECT_EQ(requests_of(queue_.clear()), (Numbers{2}));
  EXPECT_EQ(batch->rows, 3);
  EXPECT_EQ(counts(), (Numbers{0, 0, 0}));
  EXPECT_EQ(queue_.due_micros(), kForever);
  add(1)->started = true;
  const auto open = take();
  add(2);
  EXPECT_EQ(requests_of(queue_.clear()), (Numbers{4}));
  EXPECT_EQ(requests_of(open->parts), (Numbers{3}));
  EXPECT_EQ(open->rows, 1);
  EXPECT_FALSE(open->is_open);
}

TEST_F(StreamingQueueTest, EachBatchIsForTheFunctionThatItsRequestsCameFor) {
  add(1);
  queue_.set_function(named("second"));
  EXPECT_EQ(queue_.function()->name, "second");
  add(1);
  const auto first = take(), second = take();
  ASSERT_TRUE(first && second);
  EXPECT_FALSE(first->is_open);
  EXPECT_EQ(first->function->name, "first");
  EXPECT_EQ(second->function->name, "second");
  EXPECT_TRUE(second->is_open);
}

}  // namespace
}  // namespace tfnative::internal
