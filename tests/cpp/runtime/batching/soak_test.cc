// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Uses batchers in all ways at once, for TFNATIVE_SOAK_SECONDS (default: 3). Made to be
// run under the sanitizers, too.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <random>

#include "harness.h"

namespace tfnative {
namespace {

using std::chrono::microseconds;
using std::chrono::steady_clock;

class Dice {
 public:
  explicit Dice(unsigned seed) : engine_(seed) {}
  int roll(int sides) {
    return static_cast<int>(engine_() % static_cast<unsigned>(sides));
  }
  bool once_in(int sides) { return roll(sides) == 0; }

 private:
  std::mt19937 engine_;
};

// y = 2 x + offset, but slowly, or not at all.
BatchFunction flaky(int offset) {
  Recorder unused;
  BatchFunction function = unused.function();
  function.default_max_batch_size = 8;
  const auto calls = std::make_shared<std::atomic<unsigned>>(0);
  function.run = [offset, calls](auto in, auto out) {
    Dice dice(++*calls * 7919);
    if (dice.once_in(40)) throw Error(Code::kResourceExhausted, "no memory");
    if (dice.once_in(40)) throw std::runtime_error("no luck");
    if (dice.once_in(4)) std::this_thread::sleep_for(microseconds(dice.roll(500)));
    const auto* const x = static_cast<const float*>(in[0].data);
    auto* const y = static_cast<float*>(out[0].data);
    const std::int64_t size = in[0].shape[0] * in[0].shape[1];
    for (std::int64_t i = 0; i < size; ++i)
      y[i] = 2 * x[i] + static_cast<float>(offset);
  };
  return function;
}

std::vector<BatchOptions> kinds() {
  std::vector<BatchOptions> kinds(6);
  kinds[0].batch_timeout_micros = 200;
  kinds[1].max_batch_size = 20;
  kinds[1].allowed_batch_sizes = {2, 4, 8};
  kinds[1].enable_large_batch_splitting = true;
  kinds[2].max_batch_size = 4;
  kinds[2].max_enqueued_batches = 1;
  kinds[3].mode = BatchMode::kStreaming;
  kinds[3].batch_timeout_micros = 300;
  kinds[4].latency_target_micros = 5000;
  kinds[5].max_enqueued_batches = 2;
  kinds[5].retry_max_time_micros = 2000;
  return kinds;
}

// A batcher, and what became of its requests.
struct Life {
  Life(const BatchOptions& options, const BatchScheduler& scheduler)
      : batcher(flaky(0), options, scheduler) {}

  // Rows of a model that was current when they came, or later.
  bool is_answer(const Rows& rows, int came_for) const {
    for (int offset = came_for; offset <= last_offset; ++offset) {
      if (rows.answered(static_cast<float>(offset))) return true;
    }
    return false;
  }

  void note(const Error* error, const Rows& rows, int came_for) {
    ++outcomes[error == nullptr ? 0 : static_cast<std::size_t>(error->code())];
    if (error == nullptr && !is_answer(rows, came_for)) ++wrong_answers;
  }
  void note_rejected(const Error& error) {
    ++outcomes[static_cast<std::size_t>(error.code())];
  }

  // What callbacks end with.
  void tell(bool slowly) {
    if (slowly) std::this_thread::sleep_for(microseconds(300));
    ++told;
    if (ended) ++told_late;
  }

  void close(bool drain, std::int64_t timeout_micros = kForever) {
    batcher.close(drain, timeout_micros);
    ended = true;
  }

  std::atomic<std::uint64_t> asked{0}, accepted{0}, told{0}, told_late{0};
  std::atomic<std::uint64_t> wrong_answers{0};
  std::atomic<bool> ended{false};
  std::array<std::atomic<std::uint64_t>, 17> outcomes{};  // By code.
  std::atomic<int> first_offset{0}, last_offset{0};
  Batcher batcher;  // First to end: callbacks use the rest.
};

// Once nobody uses it any more.
void check(const Life& life) {
  std::uint64_t outcomes = 0;
  for (const auto& count : life.outcomes) outcomes += count;
  EXPECT_EQ(outcomes, life.asked);
  EXPECT_EQ(life.told, life.accepted);
  EXPECT_EQ(life.told_late, 0u) << "after close";
  EXPECT_EQ(life.wrong_answers, 0u);
  const BatchMetrics metrics = life.batcher.metrics();
  const auto outcome = [&](Code code) -> std::uint64_t {
    return life.outcomes[static_cast<std::size_t>(code)];
  };
  const std::uint64_t invalid = outcome(Code::kInvalidArgument);
  const std::uint64_t rejected =
      outcome(Code::kUnavailable) + outcome(Code::kFailedPrecondition);
  EXPECT_EQ(metrics.request_count, life.asked - invalid);
  EXPECT_EQ(metrics.request_latency.count(), metrics.request_count - rejected);
  EXPECT_EQ(metrics.input_batch_size.count(), metrics.request_count);
  for (const auto& [code, count] : metrics.errors) EXPECT_EQ(count, outcome(code));
  EXPECT_EQ(metrics.wrapped_run_count, metrics.run_latency.count());
  EXPECT_EQ(metrics.wrapped_run_count, metrics.processed_batch_size.count());
  EXPECT_EQ(metrics.queued_requests, 0);
  EXPECT_EQ(metrics.queued_rows, 0);
  EXPECT_EQ(metrics.enqueued_batches, 0);
  EXPECT_EQ(metrics.running_batches, 0);
}

class Soak {
 public:
  explicit Soak(unsigned seed) : seed_(seed) {
    for (const BatchOptions& kind : kinds()) lives_.push_back(new_life(kind));
  }

  void run(std::chrono::duration<double> time) {
    std::vector<std::thread> threads;
    const auto add = [&](int count, void (Soak::*step)(Dice&)) {
      for (int i = 0; i < count; ++i) {
        const auto number = static_cast<unsigned>(threads.size());
        threads.emplace_back([this, step, number] {
          for (Dice dice(100 * seed_ + number); !stop_;) (this->*step)(dice);
        });
      }
    };
    add(4, &Soak::predict);
    add(2, &Soak::submit);
    add(2, &Soak::submit_and_forget);
    add(1, &Soak::swap);
    add(1, &Soak::watch);
    add(1, &Soak::renew);
    std::this_thread::sleep_for(time);
    stop_ = true;
    for (std::thread& thread : threads) thread.join();
    for (std::shared_ptr<Life>& life : lives_) bury(std::move(life));
  }

  std::uint64_t requests() const { return requests_; }
  std::uint64_t ended() const { return ended_; }
  std::uint64_t seen(Code code) const { return seen_[static_cast<std::size_t>(code)]; }

 private:
  using LifePointer = std::shared_ptr<Life>;

  LifePointer new_life(const BatchOptions& kind) {
    return std::make_shared<Life>(kind, scheduler_);
  }

  LifePointer any_life(Dice& dice) {
    const std::lock_guard<std::mutex> lock(mutex_);
    return lives_[static_cast<std::size_t>(dice.roll(static_cast<int>(lives_.size())))];
  }

  static std::unique_ptr<Rows> any_rows(Dice& dice, const Life& life) {
    const auto most = static_cast<int>(life.batcher.options().max_batch_size);
    const int rows =
        dice.once_in(50) ? most + 1 : 1 + dice.roll(dice.once_in(4) ? most : 3);
    return std::make_unique<Rows>(rows, static_cast<float>(dice.roll(1 << 20)));
  }

  static std::int64_t any_timeout(Dice& dice) {
    const std::int64_t timeouts[] = {kForever, kForever, 10'000'000, 2000, 200, 0};
    return timeouts[dice.roll(6)];
  }

  // --- What threads do, again and again.

  void predict(Dice& dice) {
    const LifePointer life = any_life(dice);
    const auto rows = any_rows(dice, *life);
    const int offset = life->first_offset;
    ++life->asked;
    try {
      life->batcher.predict(rows->in, rows->out, any_timeout(dice));
      life->note(nullptr, *rows, offset);
    } catch (const Error& error) {
      life->note(&error, *rows, offset);
    }
  }

  // Of several requests, some are cancelled.
  void submit(Dice& dice) {
    const LifePointer life = any_life(dice);
    struct Asked {
      BatchFuture future;
      std::unique_ptr<Rows> rows;
      int offset;
    };
    std::vector<Asked> asked;
    for (int i = dice.roll(20); i >= 0; --i) {
      auto rows = any_rows(dice, *life);
      const int offset = life->first_offset;
      const bool slowly = dice.once_in(20);
      ++life->asked;
      try {
        BatchFuture future = life->batcher.submit(
            rows->in, rows->out, any_timeout(dice),
            [life = life.get(), slowly](const Error*) { life->tell(slowly); });
        ++life->accepted;
        asked.push_back({std::move(future), std::move(rows), offset});
      } catch (const Error& error) {
        life->note_rejected(error);
        continue;
      }
      if (dice.once_in(5)) asked[asked.size() / 2].future.cancel();
    }
    for (const Asked& request : asked) {
      try {
        request.future.get();
        life->note(nullptr, *request.rows, request.offset);
      } catch (const Error& error) {
        life->note(&error, *request.rows, request.offset);
      }
    }
  }

  // Nobody has a future: the batcher may end as soon as its callbacks have returned.
  void submit_and_forget(Dice& dice) {
    const LifePointer life = any_life(dice);
    for (int i = dice.roll(10); i >= 0; --i) {
      const std::shared_ptr<Rows> rows = any_rows(dice, *life);
      const int offset = life->first_offset;
      const bool slowly = dice.once_in(20);
      ++life->asked;
      const auto on_done = [life = life.get(), rows, offset,
                            slowly](const Error* error) {
        life->note(error, *rows, offset);
        life->tell(slowly);
      };
      try {
        life->batcher.submit(rows->in, rows->out, any_timeout(dice), on_done);
        ++life->accepted;
      } catch (const Error& error) {
        life->note_rejected(error);
      }
    }
    std::this_thread::sleep_for(microseconds(dice.roll(1000)));
  }

  void swap(Dice& dice) {
    std::this_thread::sleep_for(microseconds(dice.roll(2000)));
    const LifePointer life = any_life(dice);
    const int offset = ++life->last_offset;
    if (code_of([&] { life->batcher.swap(flaky(offset)); }) == Code{}) {
      life->first_offset = offset;
    }
  }

  void watch(Dice& dice) {
    const LifePointer life = any_life(dice);
    life->batcher.start_trace(1000);
    std::this_thread::sleep_for(microseconds(dice.roll(2000)));
    EXPECT_GE(life->batcher.metrics().queued_rows, 0);
    for (const BatchTrace::Batch& batch : life->batcher.stop_trace().batches) {
      EXPECT_LE(batch.rows, batch.padded_rows);
    }
  }

  // Another batcher takes the place of one that is closed in some way.
  void renew(Dice& dice) {
    std::this_thread::sleep_for(microseconds(dice.roll(20000)));
    const auto index =
        static_cast<std::size_t>(dice.roll(static_cast<int>(lives_.size())));
    LifePointer fresh = new_life(kinds()[index]);
    LifePointer life;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      life = lives_[index];
    }
    const auto close = [life = life.get()](int way) {
      life->close(way > 0, way == 1 ? 500 : kForever);
    };
    std::thread other;
    if (dice.once_in(3)) other = std::thread(close, dice.roll(3));
    close(dice.roll(3));
    if (other.joinable()) other.join();
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      lives_[index] = std::move(fresh);
    }
    bury(std::move(life));
  }

  void bury(LifePointer life) {
    life->close(false);
    EXPECT_TRUE(eventually([&] { return life.use_count() == 1; }));
    check(*life);
    requests_ += life->asked;
    ++ended_;
    for (std::size_t code = 0; code < seen_.size(); ++code) {
      seen_[code] += life->outcomes[code];
    }
  }

  const unsigned seed_;
  const BatchScheduler scheduler_{{2, "soak"}};
  std::mutex mutex_;
  std::vector<LifePointer> lives_;
  std::atomic<bool> stop_{false};
  std::uint64_t requests_ = 0, ended_ = 0;
  std::array<std::uint64_t, 17> seen_{};
};

std::ptrdiff_t threads_of_this_process() {
  const std::filesystem::directory_iterator begin("/proc/self/task"), end;
  return std::distance(begin, end);
}

TEST(BatcherSoak, EveryRequestIsAnsweredOnceAndNothingIsLeftBehind) {
  const char* const said = std::getenv("TFNATIVE_SOAK_SECONDS");
  const double seconds = said == nullptr ? 3 : std::atof(said);
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::thread([] {}).join();  // With the first, ThreadSanitizer begins one of its own.
  const std::ptrdiff_t threads = threads_of_this_process();
  {
    Soak soak(seed);
    soak.run(std::chrono::duration<double>(seconds));
    EXPECT_GT(soak.requests(), 1000u);
    EXPECT_GT(soak.ended(), 6u);
    for (const Code code :
         {Code{}, Code::kCancelled, Code::kInvalidArgument, Code::kDeadlineExceeded,
          Code::kResourceExhausted, Code::kFailedPrecondition, Code::kInternal,
          Code::kUnavailable}) {
      EXPECT_GT(soak.seen(code), 0u) << "never seen: code " << static_cast<int>(code);
    }
  }
  // Fewer, if one of a test before was about to end.
  EXPECT_TRUE(eventually([&] { return threads_of_this_process() <= threads; }));
}

}  // namespace
}  // namespace tfnative
