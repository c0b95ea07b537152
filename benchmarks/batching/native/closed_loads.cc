// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "base/doorbell.h"
#include "loads.h"
#include "stopwatch.h"

namespace bench {
namespace {

using tfnative::Batcher;

// Runs `work(i, until_nanos)` in threads that begin together; it returns the latencies
// of its calls. Rows of the result are calls.
Round run_threads(int threads, double seconds,
                  const std::function<std::vector<double>(int, std::int64_t)>& work) {
  std::vector<std::vector<double>> micros(static_cast<std::size_t>(threads));
  std::mutex mutex;
  std::condition_variable begun;
  std::int64_t until = 0;
  std::vector<std::thread> running;
  for (int i = 0; i < threads; ++i) {
    running.emplace_back([&, i] {
      {
        std::unique_lock<std::mutex> lock(mutex);
        begun.wait(lock, [&] { return until != 0; });
      }
      micros[static_cast<std::size_t>(i)] = work(i, until);
    });
  }
  const Stopwatch watch;
  {
    const std::lock_guard<std::mutex> lock(mutex);
    until = now_nanos() + static_cast<std::int64_t>(seconds * 1e9);
  }
  begun.notify_all();
  for (std::thread& thread : running) thread.join();
  Round round;
  round.seconds = watch.seconds();
  round.cpu_seconds = watch.cpu_seconds();
  for (const auto& some : micros) {
    round.micros.insert(round.micros.end(), some.begin(), some.end());
  }
  round.rows = static_cast<std::int64_t>(round.micros.size());
  return round;
}

// Microseconds of each call, until it is late.
template <typename Call>
std::vector<double> repeat(std::int64_t until, const Call& call) {
  std::vector<double> micros;
  for (std::int64_t start = now_nanos(); start < until;) {
    call();
    const std::int64_t end = now_nanos();
    micros.push_back(static_cast<double>(end - start) / 1e3);
    start = end;
  }
  return micros;
}

// Requests of one thread that are on their way, answered in any order.
class Window {
 public:
  explicit Window(int size) : slots_(static_cast<std::size_t>(size)) {}

  // Waits until slot `i` is free, and notes the latency of what was in it.
  void await(std::size_t i, std::vector<double>& micros) {
    Slot& slot = slots_[i];
    if (slot.start == 0) return;
    if (slot.done.load(std::memory_order_acquire) == 0) sleep_until_done(slot);
    micros.push_back(static_cast<double>(slot.done - slot.start) / 1e3);
    slot.start = 0;
  }

  void start(std::size_t i) {
    slots_[i].done.store(0, std::memory_order_relaxed);
    slots_[i].start = now_nanos();
  }

  // Called by any thread.
  void answer(std::size_t i) {
    slots_[i].done.store(now_nanos());
    if (awaited_.load() != &slots_[i]) return;
    const std::lock_guard<std::mutex> lock(mutex_);
    answered_.notify_one();
  }

  std::size_t size() const { return slots_.size(); }

 private:
  struct Slot {
    std::int64_t start = 0;  // 0: free.
    std::atomic<std::int64_t> done{0};
  };

  void sleep_until_done(Slot& slot) {
    std::unique_lock<std::mutex> lock(mutex_);
    awaited_.store(&slot);
    answered_.wait(lock, [&] { return slot.done.load() != 0; });
    awaited_.store(nullptr);
  }

  std::vector<Slot> slots_;
  std::mutex mutex_;
  std::condition_variable answered_;
  std::atomic<Slot*> awaited_{nullptr};
};

}  // namespace

Round model_load(const Subject& subject, int threads, std::int64_t batch_size,
                 double seconds) {
  const std::int64_t rows = std::min(batch_size, subject.rows());
  const auto work = [&](int, std::int64_t until) {
    std::vector<float> output(static_cast<std::size_t>(rows * subject.output_size()));
    return subject.with_views(0, rows, output.data(), [&](auto in, auto out) {
      return repeat(until, [&] { subject.function().run(in, out); });
    });
  };
  Round round = run_threads(threads, seconds, work);
  round.rows *= rows;
  return round;
}

Round blocking_load(const Subject& subject, Batcher& batcher, int callers,
                    double seconds) {
  return run_threads(callers, seconds, [&](int i, std::int64_t until) {
    std::vector<float> output(static_cast<std::size_t>(subject.output_size()));
    return subject.with_views(i % subject.rows(), 1, output.data(),
                              [&](auto in, auto out) {
                                return repeat(until, [&] { batcher.predict(in, out); });
                              });
  });
}

Round meeting_load(int threads, std::int64_t group, double seconds) {
  std::atomic<std::int64_t> came{0};
  tfnative::internal::Doorbell bell;
  constexpr std::int64_t kNanosPerMilli = 1000 * 1000;
  return run_threads(threads, seconds, [&](int, std::int64_t until) {
    return repeat(until, [&] {
      const std::uint32_t rings = bell.rings();
      if ((came.fetch_add(1) + 1) % group == 0) {
        bell.ring();
        return;
      }
      // At the end too few may come to meet.
      while (bell.rings() == rings && now_nanos() < until) {
        bell.wait(rings, kNanosPerMilli);
      }
    });
  });
}

Round submit_load(const Subject& subject, Batcher& batcher, int outstanding,
                  double seconds) {
  const std::int64_t size = subject.output_size();
  std::vector<float> output(static_cast<std::size_t>(outstanding * size));
  Window window(outstanding);
  const auto submit = [&](std::size_t slot) {
    const auto row = static_cast<std::int64_t>(slot);
    subject.with_views(
        row % subject.rows(), 1, &output[slot * static_cast<std::size_t>(size)],
        [&](auto in, auto out) {
          batcher.submit(
              in, out, tfnative::kForever,
              [&window, slot](const tfnative::Error*) { window.answer(slot); });
        });
  };
  return run_threads(1, seconds, [&](int, std::int64_t until) {
    std::vector<double> micros;
    for (std::size_t slot = 0; now_nanos() < until; slot = (slot + 1) % window.size()) {
      window.await(slot, micros);
      window.start(slot);
      submit(slot);
    }
    for (std::size_t slot = 0; slot < window.size(); ++slot) window.await(slot, micros);
    return micros;
  });
}

void check_answers(const Subject& subject, Batcher& batcher) {
  const auto rows = static_cast<std::size_t>(subject.rows());
  const auto size = static_cast<std::size_t>(subject.output_size());
  std::vector<float> output(rows * size);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < rows; ++i) {
    threads.emplace_back([&, i] {
      subject.with_views(static_cast<std::int64_t>(i), 1, &output[i * size],
                         [&](auto in, auto out) { batcher.predict(in, out); });
    });
  }
  for (std::thread& thread : threads) thread.join();
  subject.check(output);
}

}  // namespace bench
