// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// The shortest and the longest timeout that are tried.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <set>

#include "batching/timeout_search.h"

namespace tfnative::internal {
namespace {

// All timeouts that are tried, where rows per second depend on the timeout alone.
std::set<std::int64_t> tried(TimeoutSearch& search,
                             const std::function<double(double)>& speed) {
  std::set<std::int64_t> found;
  double now = 0;
  for (int i = 0; i < 30000; ++i) {
    const auto timeout = search.timeout_micros();
    found.insert(timeout);
    now += 16 / speed(static_cast<double>(timeout)) * 1e6;
    search.ran(static_cast<std::int64_t>(now), 16, {100});
  }
  return found;
}

double rising(double timeout) { return 5000 + timeout; }
double falling(double timeout) { return 10000 / (1 + timeout / 50); }

// The first is none, the next 50, and each is by half larger than the one before.
std::vector<std::int64_t> candidates(std::int64_t target) {
  std::vector<std::int64_t> found{0};
  for (std::int64_t micros = 50; micros < target; micros += micros / 2) {
    found.push_back(micros);
  }
  return found;
}

TEST(TimeoutEnds, ItStartsAtTheLongestThatIsNotLongerThanWhatItIsGiven) {
  for (const std::int64_t known : candidates(20000)) {
    EXPECT_EQ(TimeoutSearch(known, 20000).timeout_micros(), known);
    EXPECT_EQ(TimeoutSearch(known + 1, 20000).timeout_micros(), known);
    if (known == 0) continue;
    EXPECT_LT(TimeoutSearch(known - 1, 20000).timeout_micros(), known);
  }
}

TEST(TimeoutEnds, NoneIsAsLongAsTheTarget) {
  for (const std::int64_t target : {1, 49, 50, 51, 75, 76, 112, 20000}) {
    EXPECT_EQ(TimeoutSearch(1000000, target).timeout_micros(),
              candidates(target).back())
        << target;
  }
}

TEST(TimeoutEnds, TheShortestIsReachedFromTheNext) {
  TimeoutSearch search(50, 20000);
  tried(search, falling);
  EXPECT_EQ(search.timeout_micros(), 0);
}

TEST(TimeoutEnds, TheLongestIsReachedFromTheOneBefore) {
  const std::vector<std::int64_t> all = candidates(20000);
  TimeoutSearch search(all[all.size() - 2], 20000);
  const std::set<std::int64_t> found = tried(search, rising);
  EXPECT_EQ(found.count(all.back()), 1u);
}

TEST(TimeoutEnds, BeyondTheEndsNothingIsTried) {
  for (const std::int64_t target : {50, 75, 112, 20000}) {
    const std::vector<std::int64_t> all = candidates(target);
    for (const auto& speed : {rising, falling}) {
      for (const std::int64_t start : {all.front(), all.back()}) {
        TimeoutSearch search(start, target);
        for (const std::int64_t timeout : tried(search, speed)) {
          EXPECT_TRUE(std::binary_search(all.begin(), all.end(), timeout)) << timeout;
        }
      }
    }
  }
}

}  // namespace
}  // namespace tfnative::internal
