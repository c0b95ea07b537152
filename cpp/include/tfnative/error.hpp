// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Errors of the C++ API.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

namespace tfnative {

// Canonical status codes, numbered as gRPC and TensorFlow number them.
enum class Code : std::int32_t {
  kCancelled = 1,
  kInvalidArgument = 3,
  kDeadlineExceeded = 4,
  kNotFound = 5,
  kResourceExhausted = 8,
  kFailedPrecondition = 9,
  kUnimplemented = 12,
  kInternal = 13,
  kUnavailable = 14,
};

// The name of a code as status messages have it: "INVALID_ARGUMENT".
const char* code_name(Code code) noexcept;

// What every function of this library throws. The message (UTF-8) names the
// model, the signature and the tensor, what was expected and what came.
class Error : public std::runtime_error {
 public:
  Error(Code code, const std::string& message)
      : std::runtime_error(message), code_(code) {}

  Code code() const noexcept { return code_; }

 private:
  Code code_;
};

// An artifact cannot be loaded: it is not there (kNotFound), or truncated,
// damaged, foreign, made for another machine or CPU, or newer than this library
// (kFailedPrecondition). The message says which.
class LoadError : public Error {
 public:
  explicit LoadError(const std::string& message, Code code = Code::kFailedPrecondition)
      : Error(code, message) {}
};

}  // namespace tfnative
