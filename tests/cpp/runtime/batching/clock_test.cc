// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tfnative/batcher.hpp"

namespace tfnative {
namespace {

TEST(Clock, SaysHowLongToWaitAndWhatHasNoEnd) {
  const std::shared_ptr<Clock> clock = Clock::system();
  const std::int64_t now = clock->now_micros();
  EXPECT_LT(clock->nanos_until(kForever), 0);
  EXPECT_EQ(clock->nanos_until(now - 1), 0);
  EXPECT_EQ(clock->nanos_until(0), 0);
  const std::int64_t minute = 60'000'000;
  EXPECT_GT(clock->nanos_until(now + 60 * minute), 1000 * minute);
  EXPECT_LE(clock->nanos_until(now + 60 * minute), 60 * 1000 * minute);
  EXPECT_GE(clock->now_micros(), now);
}

TEST(Clock, ThatIsNotTheMachinesIsLookedAtNowAndThen) {
  FakeClock clock;
  clock.advance(100);
  EXPECT_EQ(clock.now_micros(), 100);
  EXPECT_LT(clock.nanos_until(kForever), 0);
  EXPECT_EQ(clock.nanos_until(99), 0);
  EXPECT_EQ(clock.nanos_until(100), 0);
  EXPECT_GT(clock.nanos_until(101), 0);
  EXPECT_LT(clock.nanos_until(kForever - 1), 1'000'000'000);
  clock.advance(0);
  EXPECT_THROW(clock.advance(-1), Error);
  EXPECT_EQ(clock.now_micros(), 100);
}

}  // namespace
}  // namespace tfnative
