// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include <sys/prctl.h>

#include <atomic>
#include <random>
#include <thread>
#include <unordered_map>

#include "loads.h"
#include "stopwatch.h"

namespace bench {
namespace {

using tfnative::Batcher;
using tfnative::BatchTrace;

constexpr std::int64_t kRejected = -1;

// Nanoseconds from the start to each arrival: the same ones each time.
std::vector<std::int64_t> arrivals(double per_second, double seconds) {
  std::mt19937_64 random(1);
  std::exponential_distribution<double> gap(per_second);
  std::vector<std::int64_t> found;
  for (double at = gap(random); at < seconds; at += gap(random)) {
    found.push_back(static_cast<std::int64_t>(at * 1e9));
  }
  return found;
}

void sleep_until(std::int64_t nanos) {
  const timespec until{nanos / 1000000000, nanos % 1000000000};
  while (::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr) != 0) {
  }
}

std::vector<double> queued_micros(const BatchTrace& trace) {
  std::unordered_map<std::uint64_t, std::int64_t> enqueued;
  for (const auto& request : trace.requests) {
    enqueued[request.id] = request.enqueued_micros;
  }
  std::vector<double> micros;
  for (const auto& batch : trace.batches) {
    for (const std::uint64_t id : batch.requests) {
      const auto found = enqueued.find(id);
      if (found == enqueued.end()) continue;
      micros.push_back(static_cast<double>(batch.started_micros - found->second));
    }
  }
  return micros;
}

}  // namespace

Round open_load(const Subject& subject, Batcher& batcher, double rows_per_second,
                double seconds) {
  const std::vector<std::int64_t> schedule = arrivals(rows_per_second, seconds);
  const auto size = static_cast<std::size_t>(subject.output_size());
  std::vector<float> output(schedule.size() * size);
  std::vector<std::atomic<std::int64_t>> done(schedule.size());
  std::vector<tfnative::BatchFuture> futures;
  futures.reserve(schedule.size());
  Round round;
  ::prctl(PR_SET_TIMERSLACK, 1000UL);  // Or it sleeps 50 microseconds too long.
  batcher.start_trace(3 * schedule.size() + 1);
  const Stopwatch watch;
  const std::int64_t start = now_nanos();
  for (std::size_t i = 0; i < schedule.size(); ++i) {
    if (now_nanos() < start + schedule[i]) sleep_until(start + schedule[i]);
    const auto submit = [&](auto in, auto out) {
      return batcher.submit(in, out, tfnative::kForever,
                            [&done, i](auto*) { done[i].store(now_nanos()); });
    };
    try {
      futures.push_back(subject.with_views(
          static_cast<std::int64_t>(i) % subject.rows(), 1, &output[i * size], submit));
    } catch (const tfnative::Error& error) {
      if (error.code() != tfnative::Code::kUnavailable) throw;
      ++round.rejected;
      done[i].store(kRejected);
    }
  }
  for (const tfnative::BatchFuture& future : futures) future.get();
  round.seconds = watch.seconds();
  round.cpu_seconds = watch.cpu_seconds();
  round.rows = static_cast<std::int64_t>(futures.size());
  round.queued_micros = queued_micros(batcher.stop_trace());
  for (std::size_t i = 0; i < schedule.size(); ++i) {
    while (done[i].load() == 0) std::this_thread::yield();  // Its callback is called.
    const std::int64_t end = done[i].load();
    if (end == kRejected) continue;
    round.micros.push_back(static_cast<double>(end - start - schedule[i]) / 1e3);
  }
  return round;
}

}  // namespace bench
