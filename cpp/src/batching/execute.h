// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Runs a batch: gathers the rows of its requests, and gives each its own.
#pragma once

#include <cstdint>
#include <vector>

#include "batching/request.h"
#include "workspace.h"

namespace tfnative::internal {

// The memory of one run. Rows may be gathered while others are still to come.
class Gathering {
 public:
  // For up to `max_rows` rows.
  Gathering(const BatchFunction& function, std::int64_t max_rows, WorkspacePool& pool);

  void add(const Part& part);

  // Runs the function on the rows that were added, and copies of one of them up to
  // `padded_rows`. Throws what the function throws.
  void run(std::int64_t padded_rows);

  // Copies its rows to each part. In the order in which they were added.
  void scatter(Span<const Part> parts) const;

 private:
  std::vector<char*> allocate(const std::vector<TensorSpec>& specs, char** free) const;

  const BatchFunction& function_;
  const std::int64_t max_rows_;
  Workspace workspace_;
  std::vector<char*> inputs_, outputs_;  // Where each begins.
  std::int64_t rows_ = 0;
  std::int64_t last_part_row_ = 0;  // The first one of the part that came last.
};

// Runs a request by itself, without padding. It has what the signature has of all sizes
// but the rows. Throws what the function throws.
void run_in_place(const BatchFunction& function, const Part& part);

// Runs parts that are all there, with `padded_rows` rows. Rows of one request that need
// no padding are read and written where they are. Throws what the function throws.
void execute(const BatchFunction& function, Span<const Part> parts,
             std::int64_t padded_rows, WorkspacePool& pool);

}  // namespace tfnative::internal
