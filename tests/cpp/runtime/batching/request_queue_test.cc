// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "batching/request_queue.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "harness.h"

namespace tfnative::internal {
namespace {

using Requests = std::vector<std::shared_ptr<Request>>;
using Sizes = std::vector<std::int64_t>;

// Rows of a request that are in a batch: which request, its first row, how many.
struct Piece {
  std::size_t request;
  std::int64_t first_row, rows;
};

bool operator==(const Piece& a, const Piece& b) {
  return a.request == b.request && a.first_row == b.first_row && a.rows == b.rows;
}

std::ostream& operator<<(std::ostream& out, const Piece& piece) {
  return out << "rows " << piece.first_row << " to " << piece.first_row + piece.rows
             << " of request " << piece.request;
}

using Pieces = std::vector<Piece>;

std::shared_ptr<const BatchFunction> named(const std::string& name) {
  auto function = std::make_shared<BatchFunction>();
  function->name = name;
  return function;
}

// Batches of up to 4 rows, of which 3 may wait, for 100 microseconds.
class RequestQueueTest : public ::testing::Test {
 protected:
  RequestQueueTest() {
    options_.max_batch_size = 4;
    options_.max_enqueued_batches = 3;
    options_.batch_timeout_micros = 100;
  }

  RequestQueue queue() { return RequestQueue(resolve(options_, 1), named("first")); }

  void allow_splitting(std::int64_t largest_request = 100) {
    options_.enable_large_batch_splitting = true;
    options_.max_batch_size = largest_request;
    options_.max_execution_batch_size = 4;
  }

  // Adds the next request: 0, 1, ...
  std::shared_ptr<Request> add(RequestQueue& queue, std::int64_t rows,
                               std::int64_t now_micros = 0,
                               std::int64_t deadline_micros = kForever) {
    auto request = std::make_shared<Request>();
    request->id = requests_.size();
    request->rows = rows;
    request->deadline_micros = deadline_micros;
    requests_.push_back(request);
    queue.add(request, now_micros, 0);
    return request;
  }

  Code code_of_add(RequestQueue& queue, std::int64_t rows) {
    return code_of([&] { add(queue, rows); });
  }

  static Pieces pieces(const std::vector<Part>& parts) {
    Pieces result;
    for (const Part& part : parts) {
      result.push_back(
          {static_cast<std::size_t>(part.request->id), part.first_row, part.rows});
    }
    return result;
  }

  // What the next batch has; nothing if none is due.
  Pieces take(RequestQueue& queue, std::int64_t now_micros = 0) {
    std::vector<std::shared_ptr<Request>> expired;
    const std::shared_ptr<Batch> batch = queue.take(now_micros, &expired);
    expired_.clear();
    for (const auto& request : expired) expired_.push_back(request->id);
    if (batch == nullptr) return {};
    EXPECT_FALSE(batch->parts.empty());
    std::int64_t rows = 0;
    for (const Part& part : batch->parts) {
      rows += part.rows;
      EXPECT_TRUE(part.request->started);
    }
    EXPECT_EQ(batch->rows, rows);
    last_function_ = batch->function->name;
    return pieces(batch->parts);
  }

  // Requests, rows and batches that wait.
  static Sizes counts(const RequestQueue& queue) {
    return {queue.requests(), queue.rows(), queue.batches()};
  }

  BatchOptions options_;
  Requests requests_;
  std::vector<std::uint64_t> expired_;  // By the last `take`.
  std::string last_function_;
};

TEST_F(RequestQueueTest, NothingIsDueInAnEmptyQueue) {
  RequestQueue queue = this->queue();
  EXPECT_EQ(queue.due_micros(), kForever);
  EXPECT_EQ(take(queue, kForever - 1), Pieces{});
  EXPECT_EQ(counts(queue), (Sizes{0, 0, 0}));
}

TEST_F(RequestQueueTest, ABatchIsDueWhenItsFirstRequestHasWaitedLongEnough) {
  RequestQueue queue = this->queue();
  add(queue, 1, 1000);
  add(queue, 2, 1050);
  EXPECT_EQ(queue.due_micros(), 1100);
  EXPECT_EQ(take(queue, 1099), Pieces{});
  EXPECT_EQ(counts(queue), (Sizes{2, 3, 1}));
  EXPECT_EQ(take(queue, 1100), (Pieces{{0, 0, 1}, {1, 0, 2}}));
  EXPECT_EQ(counts(queue), (Sizes{0, 0, 0}));
  add(queue, 1, 2000);
  EXPECT_EQ(queue.due_micros(), 2100);
}

TEST_F(RequestQueueTest, AFullBatchIsDueAtOnceAndStaysWhole) {
  RequestQueue queue = this->queue();
  add(queue, 3);
  add(queue, 1);
  EXPECT_EQ(queue.due_micros(), 0);
  add(queue, 1, 500);
  EXPECT_EQ(take(queue), (Pieces{{0, 0, 3}, {1, 0, 1}}));
  EXPECT_EQ(queue.due_micros(), 600);
}

TEST_F(RequestQueueTest, WhatDoesNotFitClosesTheBatchForAll) {
  RequestQueue queue = this->queue();
  add(queue, 3, 10);
  add(queue, 2, 20);
  EXPECT_EQ(queue.due_micros(), 0);
  add(queue, 1, 30);  // Would fit into the first batch, but overtakes nobody.
  EXPECT_EQ(counts(queue), (Sizes{3, 6, 2}));
  EXPECT_EQ(take(queue, 30), (Pieces{{0, 0, 3}}));
  EXPECT_EQ(queue.due_micros(), 120);
  EXPECT_EQ(take(queue, 120), (Pieces{{1, 0, 2}, {2, 0, 1}}));
}

TEST_F(RequestQueueTest, AnEndlessTimeoutIsNoOverflow) {
  options_.batch_timeout_micros = kForever;
  RequestQueue queue = this->queue();
  add(queue, 1, 1000);
  EXPECT_EQ(queue.due_micros(), kForever);
  queue.set_timeout(50);
  EXPECT_EQ(queue.due_micros(), 1050);
  EXPECT_EQ(queue.timeout_micros(), 50);
}

TEST_F(RequestQueueTest, AFullQueueRefusesAndIsLeftAsItWas) {
  RequestQueue queue = this->queue();
  for (const std::int64_t rows : {4, 4, 3}) add(queue, rows);
  const auto [code, message] = error_of([&] { add(queue, 2); });
  EXPECT_EQ(static_cast<Code>(code), Code::kUnavailable);
  EXPECT_EQ(message,
            "first: the queue is full: 11 rows of 3 requests wait in 3 batches, "
            "max_enqueued_batches is 3, and a request with 2 rows does not fit");
  EXPECT_EQ(requests_.back()->queued_parts, 0);
  EXPECT_EQ(counts(queue), (Sizes{3, 11, 3}));
  add(queue, 1);  // Fits into the last batch.
  EXPECT_EQ(code_of_add(queue, 1), Code::kUnavailable);
  EXPECT_EQ(take(queue), (Pieces{{0, 0, 4}}));
  add(queue, 1);  // A batch has left.
  EXPECT_EQ(counts(queue), (Sizes{4, 9, 3}));
}

TEST_F(RequestQueueTest, WhatNoEmptyQueueHasRoomForIsNotToldToTryAgain) {
  allow_splitting();
  RequestQueue queue = this->queue();
  const auto [code, message] = error_of([&] { add(queue, 13); });
  EXPECT_EQ(static_cast<Code>(code), Code::kUnavailable);
  EXPECT_EQ(message,
            "first: a request with 13 rows does not fit the queue when it is empty, "
            "either: 3 batches (max_enqueued_batches) of 4 rows "
            "(max_execution_batch_size) are 12");
  EXPECT_EQ(counts(queue), (Sizes{0, 0, 0}));
  add(queue, 12);
  EXPECT_EQ(code_of_add(queue, 12), Code::kUnavailable);
}

TEST_F(RequestQueueTest, AQueueWithoutAnEndHasRoom) {
  allow_splitting();
  options_.max_enqueued_batches = std::numeric_limits<std::int64_t>::max();
  RequestQueue queue = this->queue();
  add(queue, 13);
  EXPECT_EQ(counts(queue), (Sizes{1, 13, 4}));
}

TEST_F(RequestQueueTest, ALargeRequestFillsTheOpenBatchAndThenOthers) {
  allow_splitting();
  RequestQueue queue = this->queue();
  add(queue, 3, 10);
  const auto large = add(queue, 7, 20);
  EXPECT_EQ(large->queued_parts, 3);
  EXPECT_EQ(large->unanswered_parts, 3);
  EXPECT_EQ(counts(queue), (Sizes{2, 10, 3}));
  EXPECT_EQ(take(queue, 20), (Pieces{{0, 0, 3}, {1, 0, 1}}));
  EXPECT_EQ(take(queue, 20), (Pieces{{1, 1, 4}}));
  EXPECT_EQ(counts(queue), (Sizes{1, 2, 1}));
  EXPECT_EQ(queue.due_micros(), 120);
  add(queue, 1, 30);
  EXPECT_EQ(take(queue, 120), (Pieces{{1, 5, 2}, {2, 0, 1}}));
  EXPECT_EQ(large->queued_parts, 0);
  EXPECT_EQ(large->unanswered_parts, 3);
}

TEST_F(RequestQueueTest, ALargeRequestThatDoesNotFitWholeIsRefusedWhole) {
  allow_splitting();
  RequestQueue queue = this->queue();
  add(queue, 3);
  EXPECT_EQ(code_of_add(queue, 10), Code::kUnavailable);  // There is room for 9.
  EXPECT_EQ(counts(queue), (Sizes{1, 3, 1}));
  add(queue, 9);
  EXPECT_EQ(counts(queue), (Sizes{2, 12, 3}));
  EXPECT_EQ(code_of_add(queue, 1), Code::kUnavailable);
}

TEST_F(RequestQueueTest, RemovedRowsMakeRoomInTheOpenBatch) {
  RequestQueue queue = this->queue();
  const auto a = add(queue, 2, 10);
  add(queue, 1, 20);
  EXPECT_TRUE(queue.remove(*a));
  EXPECT_FALSE(queue.remove(*a));
  EXPECT_EQ(a->queued_parts, 0);
  EXPECT_EQ(counts(queue), (Sizes{1, 1, 1}));
  add(queue, 3, 30);
  EXPECT_EQ(take(queue, 30), (Pieces{{1, 0, 1}, {2, 0, 3}}));
}

TEST_F(RequestQueueTest, AnOpenBatchThatWasEmptiedWaitsFromItsNextRequestOn) {
  RequestQueue queue = this->queue();
  EXPECT_TRUE(queue.remove(*add(queue, 2, 10)));
  EXPECT_EQ(queue.due_micros(), kForever);
  EXPECT_EQ(counts(queue), (Sizes{0, 0, 0}));
  add(queue, 1, 50);
  EXPECT_EQ(queue.due_micros(), 150);
}

TEST_F(RequestQueueTest, AClosedBatchThatWasEmptiedGivesItsPlaceBack) {
  RequestQueue queue = this->queue();
  add(queue, 4);
  const auto b = add(queue, 4);
  add(queue, 3);
  EXPECT_EQ(code_of_add(queue, 4), Code::kUnavailable);
  EXPECT_TRUE(queue.remove(*b));
  EXPECT_EQ(counts(queue), (Sizes{2, 7, 2}));
  add(queue, 4);
  EXPECT_EQ(take(queue), (Pieces{{0, 0, 4}}));
  EXPECT_EQ(take(queue), (Pieces{{2, 0, 3}}));
  EXPECT_EQ(take(queue), (Pieces{{4, 0, 4}}));
}

TEST_F(RequestQueueTest, ALargeRequestIsRemovedFromAllBatchesUnlessItHasBegun) {
  allow_splitting();
  RequestQueue queue = this->queue();
  add(queue, 3);
  const auto b = add(queue, 6);
  add(queue, 3);
  EXPECT_TRUE(queue.remove(*b));
  EXPECT_EQ(counts(queue), (Sizes{2, 6, 2}));
  EXPECT_EQ(take(queue), (Pieces{{0, 0, 3}}));
  const auto d = add(queue, 4);
  EXPECT_EQ(take(queue), (Pieces{{2, 0, 3}, {3, 0, 1}}));
  EXPECT_FALSE(queue.remove(*d));
  EXPECT_EQ(counts(queue), (Sizes{1, 3, 1}));
}

TEST_F(RequestQueueTest, WhatWasNeverAddedIsNotRemoved) {
  RequestQueue queue = this->queue();
  add(queue, 2);
  EXPECT_FALSE(queue.remove(Request()));
  EXPECT_EQ(counts(queue), (Sizes{1, 2, 1}));
}

TEST_F(RequestQueueTest, RequestsWhoseTimeHasPassedAreLeftOut) {
  RequestQueue queue = this->queue();
  add(queue, 1, 0, 50);
  add(queue, 1, 0, 101);
  add(queue, 1, 0, 100);
  EXPECT_EQ(take(queue, 100), (Pieces{{1, 0, 1}}));
  EXPECT_EQ(expired_, (std::vector<std::uint64_t>{0, 2}));
  EXPECT_EQ(requests_[0]->queued_parts, 0);
  EXPECT_FALSE(requests_[0]->started);
  EXPECT_EQ(counts(queue), (Sizes{0, 0, 0}));
}

TEST_F(RequestQueueTest, ABatchThatNobodyWaitsForAnyMoreIsSkipped) {
  RequestQueue queue = this->queue();
  add(queue, 4, 0, 50);
  add(queue, 3, 0, 50);
  add(queue, 2, 0);
  EXPECT_EQ(take(queue, 100), (Pieces{{2, 0, 2}}));
  EXPECT_EQ(expired_, (std::vector<std::uint64_t>{0, 1}));
  add(queue, 4, 100, 100);
  EXPECT_EQ(take(queue, 100), Pieces{});
  EXPECT_EQ(expired_, (std::vector<std::uint64_t>{3}));
  EXPECT_EQ(counts(queue), (Sizes{0, 0, 0}));
}

TEST_F(RequestQueueTest, ALargeRequestExpiresWholeAndOnlyBeforeItHasBegun) {
  allow_splitting();
  RequestQueue queue = this->queue();
  add(queue, 3);
  add(queue, 6, 0, 50);  // In three batches.
  add(queue, 2);
  EXPECT_EQ(take(queue, 50), (Pieces{{0, 0, 3}}));
  EXPECT_EQ(expired_, (std::vector<std::uint64_t>{1}));
  EXPECT_EQ(requests_[1]->queued_parts, 0);
  EXPECT_EQ(counts(queue), (Sizes{1, 2, 1}));

  add(queue, 6, 50, 200);
  EXPECT_EQ(take(queue, 150), (Pieces{{2, 0, 2}, {3, 0, 2}}));
  EXPECT_EQ(take(queue, 300), (Pieces{{3, 2, 4}})) << "a part of it has run";
  EXPECT_TRUE(expired_.empty());
}

TEST_F(RequestQueueTest, TheNextBatchIsTheOneThatHasWaitedLongest) {
  RequestQueue queue = this->queue();
  const auto a = add(queue, 2);
  const auto b = add(queue, 2);
  const auto c = add(queue, 1);
  EXPECT_TRUE(queue.is_next(*a) && queue.is_next(*b));
  EXPECT_FALSE(queue.is_next(*c));
  take(queue);
  EXPECT_TRUE(queue.is_next(*c));
}

TEST_F(RequestQueueTest, ClearingGivesBackAllThatWaits) {
  allow_splitting();
  RequestQueue queue = this->queue();
  add(queue, 3);
  add(queue, 6);
  take(queue);
  EXPECT_EQ(pieces(queue.clear()), (Pieces{{1, 1, 4}, {1, 5, 1}}));
  EXPECT_EQ(requests_[1]->queued_parts, 0);
  EXPECT_EQ(counts(queue), (Sizes{0, 0, 0}));
  EXPECT_EQ(queue.due_micros(), kForever);
  EXPECT_TRUE(queue.clear().empty());
  add(queue, 4);
  EXPECT_EQ(take(queue), (Pieces{{2, 0, 4}}));
}

TEST_F(RequestQueueTest, AnOpenBatchThatIsClosedIsDueAtOnce) {
  RequestQueue queue = this->queue();
  queue.close_open_batch();
  EXPECT_EQ(queue.due_micros(), kForever);
  add(queue, 1, 10);
  queue.close_open_batch();
  add(queue, 1, 20);
  EXPECT_EQ(queue.due_micros(), 0);
  EXPECT_EQ(take(queue, 20), (Pieces{{0, 0, 1}}));
  EXPECT_EQ(queue.due_micros(), 120);
}

TEST_F(RequestQueueTest, EachBatchIsForTheFunctionThatItsRequestsCameFor) {
  RequestQueue queue = this->queue();
  EXPECT_EQ(queue.function()->name, "first");
  add(queue, 1, 10);
  queue.set_function(named("second"));
  EXPECT_EQ(queue.function()->name, "second");
  add(queue, 1, 20);
  EXPECT_EQ(take(queue, 20), (Pieces{{0, 0, 1}}));
  EXPECT_EQ(last_function_, "first");
  queue.set_function(named("third"));
  queue.set_function(named("fourth"));  // For nobody came in between.
  add(queue, 1, 30);
  EXPECT_EQ(take(queue, 200), (Pieces{{1, 0, 1}}));
  EXPECT_EQ(last_function_, "second");
  EXPECT_EQ(take(queue, 200), (Pieces{{2, 0, 1}}));
  EXPECT_EQ(last_function_, "fourth");
}

TEST_F(RequestQueueTest, AFunctionIsLetGoWithItsLastBatch) {
  RequestQueue queue = this->queue();
  const std::weak_ptr<const BatchFunction> first = queue.function();
  const auto a = add(queue, 1);
  queue.set_function(named("second"));
  EXPECT_FALSE(first.expired());
  EXPECT_TRUE(queue.remove(*a));
  EXPECT_TRUE(first.expired());
  const std::weak_ptr<const BatchFunction> second = queue.function();
  queue.set_function(named("third"));
  EXPECT_TRUE(second.expired());
}

// A swap closes a batch that is not full, which takes a place nevertheless.
TEST_F(RequestQueueTest, BatchesThatASwapHasClosedCountAsAnyOther) {
  for (const bool splitting : {false, true}) {
    if (splitting) allow_splitting();
    options_.max_enqueued_batches = 2;
    RequestQueue queue = this->queue();
    for (int i = 0; i < 3; ++i) {
      add(queue, 1);
      queue.set_function(named("next"));
    }
    EXPECT_EQ(queue.batches(), 3);
    EXPECT_EQ(code_of_add(queue, 5), Code::kUnavailable);
    add(queue, 4);  // What is open takes rows still.
    EXPECT_EQ(code_of_add(queue, 1), Code::kUnavailable);
    EXPECT_EQ(queue.rows(), 7);
  }
}

TEST_F(RequestQueueTest, BatchesAreNumberedAndKnowWhenTheyWereOpened) {
  RequestQueue queue = this->queue();
  std::vector<std::shared_ptr<Request>> expired;
  add(queue, 3, 10);
  add(queue, 2, 20);
  const auto a = queue.take(20, &expired), b = queue.take(120, &expired);
  ASSERT_TRUE(a && b);
  EXPECT_LT(a->id, b->id);
  EXPECT_EQ(a->opened_micros, 10);
  EXPECT_EQ(b->opened_micros, 20);
}

}  // namespace
}  // namespace tfnative::internal
