// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "plan.h"

#include <algorithm>

namespace tfnative::internal {
namespace {

constexpr std::int64_t kMaxTableRows = 1 << 16;

// An optimal cover has fewer than `densest` batches of other sizes: among as many,
// some add up to a multiple of it, and it is cheaper per row. So a table up to
// densest * largest rows makes every plan optimal; a smaller one nearly every.
std::int64_t table_rows(std::int64_t densest, std::int64_t largest) {
  if (largest >= kMaxTableRows / 2 || densest >= kMaxTableRows / largest) {
    return kMaxTableRows;
  }
  return std::max(densest * largest, 2 * largest);
}

}  // namespace

Plan::Plan(std::vector<std::int64_t> sizes, const std::vector<double>& costs) {
  const auto per_row = [&](std::size_t i) {
    return costs[i] / static_cast<double>(sizes[i]);
  };
  for (std::size_t i = 1; i < sizes.size(); ++i) {
    if (per_row(i) <= per_row(densest_)) densest_ = static_cast<std::uint16_t>(i);
  }
  if (sizes.size() == 1) return;
  const auto limit =
      static_cast<std::size_t>(table_rows(sizes[densest_], sizes.back()));
  std::vector<double> best(limit + 1, 0.0);
  choices_.assign(limit + 1, 0);
  for (std::size_t rows = 1; rows <= limit; ++rows) {
    // From the largest size down: of plans that cost the same, the shortest.
    for (std::size_t i = sizes.size(); i-- > 0;) {
      const auto size = static_cast<std::size_t>(sizes[i]);
      const double cost = costs[i] + (rows > size ? best[rows - size] : 0.0);
      if (i + 1 == sizes.size() || cost < best[rows]) {
        best[rows] = cost;
        choices_[rows] = static_cast<std::uint16_t>(i);
      }
    }
  }
}

}  // namespace tfnative::internal
