// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "base/doorbell.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

namespace tfnative::internal {
namespace {

constexpr std::int64_t kNanosPerMilli = 1000 * 1000;

// Waits until `word` is at least `value`.
void wait_for(Doorbell& bell, const std::atomic<int>& word, int value) {
  for (;;) {
    const std::uint32_t rings = bell.rings();
    if (word.load() >= value) return;
    bell.wait(rings);
  }
}

TEST(Doorbell, DoesNotWaitForARingThatHasBeen) {
  Doorbell bell;
  const std::uint32_t before = bell.rings();
  bell.ring();
  bell.wait(before);  // Or the test never ends.
  EXPECT_NE(bell.rings(), before);
}

TEST(Doorbell, WaitsNoLongerThanItIsTold) {
  Doorbell bell;
  const auto start = std::chrono::steady_clock::now();
  bell.wait(bell.rings(), 20 * kNanosPerMilli);
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(15));
  bell.wait(bell.rings(), 0);
}

TEST(Doorbell, WakesAllWhoWait) {
  Doorbell bell;
  std::atomic<int> happened{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 16; ++i) {
    threads.emplace_back([&] { wait_for(bell, happened, 1); });
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  happened.store(1);
  bell.ring();
  for (std::thread& thread : threads) thread.join();
}

// Two threads that wake each other in turn would both sleep for ever after a ring that
// was lost.
TEST(Doorbell, LosesNoRing) {
  constexpr int kTurns = 20000;
  Doorbell bells[2];
  std::atomic<int> turns[2] = {0, 0};
  std::thread other([&] {
    for (int turn = 1; turn <= kTurns; ++turn) {
      wait_for(bells[0], turns[0], turn);
      turns[1].store(turn);
      bells[1].ring();
    }
  });
  for (int turn = 1; turn <= kTurns; ++turn) {
    turns[0].store(turn);
    bells[0].ring();
    wait_for(bells[1], turns[1], turn);
  }
  other.join();
}

}  // namespace
}  // namespace tfnative::internal
