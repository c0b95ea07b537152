// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Batchers over functions that use batchers: those that would wait for themselves are
// told so.
#include <gtest/gtest.h>

#include <functional>

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

INSTANTIATE_TEST_SUITE_P(Threads, NestedTest, ::testing::Values(1, 3));

}  // namespace
}  // namespace tfnative
