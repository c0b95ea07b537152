// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

namespace tfnative::internal {
namespace {

using Sizes = std::vector<std::int64_t>;

double cost_of(const Plan& plan, const Sizes& sizes, const std::vector<double>& costs,
               std::int64_t rows) {
  double cost = 0;
  for (std::int64_t left = rows; left > 0;) {
    const std::size_t i = plan.next(left);
    cost += costs[i];
    left -= sizes[i];
  }
  return cost;
}

// The cheapest way to cover any number of rows, by trying all.
std::vector<double> cheapest(const Sizes& sizes, const std::vector<double>& costs,
                             std::int64_t most) {
  std::vector<double> best(static_cast<std::size_t>(most) + 1, 0);
  for (std::int64_t rows = 1; rows <= most; ++rows) {
    double least = std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      const std::int64_t left = std::max<std::int64_t>(rows - sizes[i], 0);
      least = std::min(least, costs[i] + best[static_cast<std::size_t>(left)]);
    }
    best[static_cast<std::size_t>(rows)] = least;
  }
  return best;
}

TEST(Plan, IsTheCheapestForAnyNumberOfRows) {
  const std::vector<std::pair<Sizes, std::vector<double>>> cases = {
      {{1}, {1}},
      {{1, 8, 32}, {1, 2, 5}},
      {{1, 8, 32}, {1, 9, 40}},  // Larger batches do not pay.
      {{1, 8, 32}, {3, 4, 30}},
      {{2, 3, 7}, {1.0, 1.2, 2.5}},
      {{4, 6}, {1.1, 1.3}},
  };
  for (const auto& [sizes, costs] : cases) {
    const Plan plan(sizes, costs);
    const std::vector<double> best = cheapest(sizes, costs, 200);
    for (std::int64_t rows = 1; rows <= 200; ++rows) {
      EXPECT_NEAR(cost_of(plan, sizes, costs, rows),
                  best[static_cast<std::size_t>(rows)], 1e-9)
          << rows << " rows";
    }
  }
}

TEST(Plan, CoversHugeNumbersOfRows) {
  const Sizes sizes = {1, 100000};
  const std::vector<double> costs = {1, 1000};
  const Plan plan(sizes, costs);
  EXPECT_LE(cost_of(plan, sizes, costs, 10000001), 100 * 1000 + 1 + 1e-9);
}

}  // namespace
}  // namespace tfnative::internal
