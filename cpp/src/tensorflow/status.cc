// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "tensorflow/status.h"

namespace tfnative::internal {

Code code_from_tensorflow(int code) {
  switch (code) {
    case 1: return Code::kCancelled;
    case 3: return Code::kInvalidArgument;
    case 4: return Code::kDeadlineExceeded;
    case 5: return Code::kNotFound;
    case 6: return Code::kFailedPrecondition;  // ALREADY_EXISTS
    case 7: return Code::kFailedPrecondition;  // PERMISSION_DENIED
    case 8: return Code::kResourceExhausted;
    case 9: return Code::kFailedPrecondition;
    case 10: return Code::kUnavailable;      // ABORTED
    case 11: return Code::kInvalidArgument;  // OUT_OF_RANGE
    case 12: return Code::kUnimplemented;
    case 14: return Code::kUnavailable;
    case 16: return Code::kFailedPrecondition;  // UNAUTHENTICATED
    default: return Code::kInternal;            // UNKNOWN, INTERNAL, DATA_LOSS
  }
}

Error TensorflowStatus::error(const std::string& where) const {
  return Error(code_from_tensorflow(api_.TF_GetCode(get())),
               where + ": " + api_.TF_Message(get()));
}

}  // namespace tfnative::internal
