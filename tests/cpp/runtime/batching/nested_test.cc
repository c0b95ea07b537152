// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Batchers over functions that use batchers: those that would wait for themselves are
// told so.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <thread>

#include "harness.h"

namespace tfnative {
namespace {

using Call = std::function<void(Span<const TensorView>, Span<const MutableTensorView>)>;

BatchFunction calling(const Call& call) {
  BatchFunction result = Recorder().function();
  result.name = "function 'outer'";
  result.run = [&call](auto in, auto out) { call(in, out); };
  return result;
}

BatchScheduler threads(int count, const std::string& name) {
  BatchThreadOptions options;
  options.num_batch_threads = count;
  options.thread_pool_name = name;
  return BatchScheduler(options);
}

class NestedTest : public ::testing::TestWithParam<int> {
 protected:
  // What a row gets: the error's text, or "" for an answer.
  static std::string ask(Batcher& batcher) {
    const std::vector<std::int64_t> shape = {1, 2};
    const float x[] = {1, 2};
    float y[2] = {};
    const TensorView in[] = {{x, DType::kFloat32, shape}};
    const MutableTensorView out[] = {{y, DType::kFloat32, shape}};
    try {
      batcher.predict(in, out);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Code::kFailedPrecondition) << error.what();
      return error.what();
    }
    EXPECT_EQ(y[1], 5);
    return "";
  }

  static void expect_refused(Batcher& batcher, const std::string& pool) {
    const std::string expected = "the batch threads '" + pool + "' would wait";
    const std::string found = ask(batcher);
    EXPECT_NE(found.find(expected), std::string::npos) << found;
  }

  int threads_ = GetParam();
  Recorder recorder_;
};

TEST_P(NestedTest, ABatcherThatCallsItselfIsRefused) {
  Batcher* self = nullptr;
  const Call call = [&](auto in, auto out) { self->predict(in, out); };
  Batcher batcher(calling(call), {}, threads(threads_, "own"));
  self = &batcher;
  expect_refused(batcher, "own");
  expect_refused(batcher, "own");  // And is as it was.
}

TEST_P(NestedTest, SoIsACycleOfBatchers) {
  std::vector<Batcher*> all(3);
  std::vector<Call> calls;
  for (std::size_t i = 0; i < 3; ++i) {
    calls.push_back([&, i](auto in, auto out) { all[(i + 1) % 3]->predict(in, out); });
  }
  Batcher a(calling(calls[0]), {}, threads(threads_, "a"));
  Batcher b(calling(calls[1]), {}, threads(threads_, "b"));
  Batcher c(calling(calls[2]), {}, threads(threads_, "c"));
  all = {&a, &b, &c};
  expect_refused(a, "a");
  expect_refused(b, "b");
}

TEST_P(NestedTest, SoIsWhoWaitsForAFuture) {
  Batcher* self = nullptr;
  const Call call = [&](auto in, auto out) {
    const BatchFuture inner = self->submit(in, out);
    try {
      inner.get();
    } catch (const Error&) {
      EXPECT_TRUE(inner.cancel());  // Its memory is about to go.
      throw;
    }
  };
  BatchOptions options;
  options.batch_timeout_micros = 100 * 1000;  // So that it can be cancelled.
  Batcher batcher(calling(call), options, threads(threads_, "own"));
  self = &batcher;
  expect_refused(batcher, "own");
}

TEST_P(NestedTest, SoIsClosingTheBatcherThatRuns) {
  Batcher* self = nullptr;
  const Call call = [&](auto, auto) { self->close(); };
  Batcher batcher(calling(call), {}, threads(threads_, "own"));
  self = &batcher;
  expect_refused(batcher, "own");
  EXPECT_FALSE(batcher.closed());
}

TEST_P(NestedTest, BatchersOfTheSameThreadsMustNotWaitForEachOther) {
  const BatchScheduler shared = threads(threads_, "shared");
  Batcher inner(recorder_.function(), {}, shared);
  const Call call = [&](auto in, auto out) { inner.predict(in, out); };
  Batcher outer(calling(call), {}, shared);
  expect_refused(outer, "shared");
  EXPECT_EQ(ask(inner), "");
}

TEST_P(NestedTest, AnInnerBatcherWithThreadsOfItsOwnIsUsed) {
  Batcher inner(recorder_.function(), {}, threads(1, "inner"));
  const Call call = [&](auto in, auto out) { inner.predict(in, out); };
  Batcher outer(calling(call), {}, threads(threads_, "outer"));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ask(outer), "");
  EXPECT_EQ(ask(inner), "");
}

// Whether nobody but the caller keeps it, at last: threads need a moment to end.
template <typename T>
bool is_let_go(const std::shared_ptr<T>& kept) {
  for (int i = 0; i < 10000 && kept.use_count() > 1; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return kept.use_count() == 1;
}

// A request for one row, whose memory lives as long.
struct Row {
  BatchFuture submit_to(Batcher& batcher, std::int64_t timeout_micros = kForever,
                        std::function<void(const Error*)> on_done = nullptr) {
    const TensorView in[] = {{x, DType::kFloat32, shape}};
    const MutableTensorView out[] = {{y, DType::kFloat32, shape}};
    return batcher.submit(in, out, timeout_micros, std::move(on_done));
  }

  const std::vector<std::int64_t> shape = {1, 2};
  const float x[2] = {1, 2};
  float y[2] = {};
};

TEST_P(NestedTest, ABatcherThatIsDestroyedByItsOwnBatchLeavesNothing) {
  for (const bool is_closed : {true, false}) {
    const auto held = std::make_shared<int>();
    BatchThreadOptions options;
    options.num_batch_threads = threads_;
    options.clock = std::make_shared<FakeClock>();  // That the batch threads keep.
    std::unique_ptr<Batcher> other;
    std::unique_ptr<Batcher> own;
    BatchFunction function = recorder_.function();
    std::atomic<bool> is_submitted{false};
    function.run = [held, &is_submitted, &other, &own](auto, auto) {
      while (!is_submitted) std::this_thread::yield();
      other.reset();
      own.reset();
    };
    {
      const BatchScheduler shared(options);
      other = std::make_unique<Batcher>(function, BatchOptions(), shared);
      own = std::make_unique<Batcher>(function, BatchOptions(), shared);
      function = {};
    }
    if (is_closed) other->close();
    Row row;
    {
      const BatchFuture future = row.submit_to(*own);
      is_submitted = true;
      future.get();
    }
    EXPECT_TRUE(is_let_go(held));
    EXPECT_TRUE(is_let_go(options.clock));
  }
}

TEST_P(NestedTest, NorDoesOneThatIsDestroyedWhereItsRequestsAreAnswered) {
  for (const std::int64_t timeout_micros : {kForever, std::int64_t{1000}}) {
    const auto held = std::make_shared<int>();
    BatchFunction function = recorder_.function();
    function.run = [held, run = function.run](auto in, auto out) { run(in, out); };
    BatchOptions options;
    options.batch_timeout_micros = timeout_micros == kForever ? 0 : 60 * 1000 * 1000;
    auto own = std::make_unique<Batcher>(function, options, threads(threads_, "own"));
    function = {};
    Row row;
    std::atomic<bool> is_submitted{false};
    std::atomic<bool> is_destroyed{false};
    {
      const BatchFuture future = row.submit_to(*own, timeout_micros, [&](const Error*) {
        while (!is_submitted) std::this_thread::yield();
        own.reset();
        is_destroyed = true;
      });
      is_submitted = true;
      while (!is_destroyed) std::this_thread::yield();
      EXPECT_TRUE(future.done());
    }
    EXPECT_TRUE(is_let_go(held));
  }
}

INSTANTIATE_TEST_SUITE_P(Threads, NestedTest, ::testing::Values(1, 3));

}  // namespace
}  // namespace tfnative
