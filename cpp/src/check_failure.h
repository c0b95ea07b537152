// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// What compiled code found wrong with its inputs, in TensorFlow's words.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "tfnative/abi.h"
#include "tfnative/error.hpp"
#include "tfnative/tensor.hpp"

namespace tfnative::internal {

// Where and when a check failed.
struct FailedRun {
  std::string where;        // Begins the message: names the model and the signature.
  std::int64_t batch_size;  // Of the variant; 0 if there is no batch dimension.
  std::int64_t first_row;   // Of the caller's that the batch began with.
};

// The data of a request are at fault: TensorFlow raises an error for them, too. The
// message has TensorFlow's own, the node, its op, and the row of the caller's:
//
//   model 'm', signature 's': indices[0,1] = 10 is not in [0, 10) (node 'e/Gather',
//   GatherV2, row 0)
//
// Owns what it needs: it may outlive the model.
class CheckError : public Error {
 public:
  // Throws Error (kInternal) if `failure` does not fit the checks that the artifact
  // has: nothing that compiled code says of itself is taken for granted.
  CheckError(FailedRun run, Span<const tfn_check> checks, const tfn_failure& failure);

  // The same failure, for a caller who has `rows` more rows before the first one.
  CheckError after(std::int64_t rows) const;

 private:
  struct Facts;
  explicit CheckError(std::shared_ptr<const Facts> facts);

  static Facts read(FailedRun run, Span<const tfn_check> checks,
                    const tfn_failure& failure);
  static std::string text(const Facts& facts);

  std::shared_ptr<const Facts> facts_;  // Shared, so that copies cannot fail.
};

}  // namespace tfnative::internal
