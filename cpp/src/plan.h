// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// How any number of rows is cut into compiled batches.
#pragma once

#include <cstdint>
#include <vector>

namespace tfnative::internal {

// The cheapest way to cover a number of rows with batches of given sizes, of which
// the last may be padded. Immutable.
//
//   for (std::int64_t left = rows; left > 0; left -= sizes[i]) i = plan.next(left);
class Plan {
 public:
  // `sizes` are ascending and positive, `costs` (any unit) belong to them. Neither
  // is empty.
  Plan(std::vector<std::int64_t> sizes, const std::vector<double>& costs);

  // The index of the size to run next when `rows` > 0 are left.
  std::size_t next(std::int64_t rows) const {
    return rows < static_cast<std::int64_t>(choices_.size())
               ? choices_[static_cast<std::size_t>(rows)]
               : densest_;
  }

 private:
  // For each number of rows up to a limit the size to begin with. Beyond it the
  // size that is cheapest per row is taken until few enough are left.
  std::vector<std::uint16_t> choices_;
  std::uint16_t densest_ = 0;
};

}  // namespace tfnative::internal
