// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// A process is forked while its other threads are at work. A child that hangs is ended
// by its alarm.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <thread>
#include <vector>

#include "tfnative/batcher.hpp"
#include "tfnative/model.hpp"

namespace tfnative {
namespace {

using Shape = std::vector<std::int64_t>;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
// Their allocators have locks that a child may find held: nothing works while it forks.
// Forks beside threads are tested without them, from Python as well.
constexpr int kThreads = 0;
#else
constexpr int kThreads = 3;
#endif
constexpr int kForks = 40;
constexpr unsigned kWatchdogSeconds = 60;

// Forks again and again while threads do `work`, and has each child do `job`, which
// returns whether all was well. Returns how many children hung or failed.
int failed_children(const std::function<void()>& work,
                    const std::function<bool()>& job) {
  std::atomic<bool> is_over{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      while (!is_over) work();
    });
  }
  int failed = 0;
  for (int i = 0; i < kForks; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      ::alarm(kWatchdogSeconds);
      ::_exit(job() ? 0 : 1);
    }
    int status = -1;
    ::waitpid(child, &status, 0);
    failed += status != 0;
  }
  is_over = true;
  for (std::thread& thread : threads) thread.join();
  return failed;
}

// Whether "affine" gives 2 x + 1 for so many rows.
bool answers(const Model& model, std::int64_t rows = 21) {
  const auto count = static_cast<std::size_t>(rows * 3);
  std::vector<float> x(count, 3.0f), y(count);
  const Shape shape = {rows, 3};
  const TensorView in[] = {{x.data(), DType::kFloat32, shape}};
  const MutableTensorView out[] = {{y.data(), DType::kFloat32, shape}};
  model.run(model.signature("affine"), in, out);
  return y == std::vector<float>(count, 7.0f);
}

void load_and_close() { Model::load(FAKE_ARTIFACT); }

TEST(Fork, AChildLoadsAndClosesWhileThreadsOfTheParentDidSo) {
  EXPECT_EQ(failed_children(load_and_close,
                            [] { return answers(Model::load(FAKE_ARTIFACT)); }),
            0);
}

TEST(Fork, AChildClosesWhatTheParentHasLoaded) {
  auto model = std::make_unique<Model>(Model::load(FAKE_ARTIFACT));
  EXPECT_EQ(failed_children(load_and_close,
                            [&] {
                              const bool found = answers(*model);
                              model.reset();
                              return found;
                            }),
            0);
}

// What a model finds when it first matters is looked for in the parent's threads.
TEST(Fork, AChildRunsModelsThatThreadsOfTheParentWereAboutToWarmUp) {
  std::vector<Model> fresh;
  for (int i = 0; i < 2000; ++i) fresh.push_back(Model::load(FAKE_ARTIFACT));
  std::atomic<std::size_t> next{0};
  const auto work = [&] { fresh[next++ % fresh.size()].warmup(); };
  const auto job = [&] {
    const std::size_t reached = next;
    bool all = true;
    for (std::size_t i = reached; i < reached + 8; ++i) {
      const Model& model = fresh[(i + fresh.size() - 4) % fresh.size()];
      model.warmup();
      all = all && answers(model);
    }
    return all;
  };
  EXPECT_EQ(failed_children(work, job), 0);
}

TEST(Fork, AChildRunsAModelWhoseThreadsAreTheParents) {
  LoadOptions options;
  options.threads = ThreadPool(3);
  const Model model = Model::load(FAKE_ARTIFACT, options);
  EXPECT_EQ(failed_children([&] { answers(model); }, [&] { return answers(model); }),
            0);
}

// Whether something throws kFailedPrecondition.
bool is_refused(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.code() == Code::kFailedPrecondition;
  }
  return false;
}

TEST(Fork, AChildIsRefusedTheParentsBatchersAndLetsGoOfThem) {
  const Model model = Model::load(FAKE_ARTIFACT);
  const Signature& affine = model.signature("affine");
  BatchOptions options;
  options.batch_timeout_micros = 1000 * 1000;
  auto batcher = std::make_unique<Batcher>(model, affine, options);
  auto scheduler = std::make_unique<BatchScheduler>();
  std::vector<float> x(3), y(3);
  const Shape shape = {1, 3};
  const TensorView in[] = {{x.data(), DType::kFloat32, shape}};
  const MutableTensorView out[] = {{y.data(), DType::kFloat32, shape}};
  const auto work = [&] {
    std::vector<float> mine(3);
    const MutableTensorView to[] = {{mine.data(), DType::kFloat32, shape}};
    batcher->predict(in, to, 1000);
  };
  const auto job = [&] {
    const bool refused = is_refused([&] { batcher->predict(in, out); }) &&
                         is_refused([&] { batcher->submit(in, out); }) &&
                         is_refused([&] { batcher->close(); }) &&
                         is_refused([&] { batcher->metrics(); });
    batcher.reset();
    scheduler.reset();
    return refused;
  };
  const auto quiet_work = [&] {
    try {
      work();
    } catch (const Error&) {  // It waited too long, or the queue was full.
    }
  };
  EXPECT_EQ(failed_children(quiet_work, job), 0);
  BatchFuture waiting = batcher->submit(in, out);
  EXPECT_EQ(
      failed_children(
          [] {}, [&] { return waiting.done() || is_refused([&] { waiting.get(); }); }),
      0);
}

}  // namespace
}  // namespace tfnative
