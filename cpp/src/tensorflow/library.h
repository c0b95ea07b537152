// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// TensorFlow's own library, opened when it is first needed.
#pragma once

#include <string>

#include "tensorflow/c_api.h"

namespace tfnative::internal {

// One per process, from its first use to the end. It is never closed: TensorFlow has
// threads and memory that nobody may take away.
class TensorflowLibrary {
 public:
  // Opens the library; the one that is open after the first time. Looks for it in the
  // environment variable TFNATIVE_LIBTENSORFLOW, in `path` (if not empty), and as
  // libtensorflow.so.2 where the dynamic linker looks. Thread-safe.
  //
  // Throws Error: kNotFound if there is none, kFailedPrecondition if it is older than
  // 2.16, cannot be opened, or was opened before this process was forked.
  static const TensorflowLibrary& get(const std::string& path = {});

  // The file that was opened; "libtensorflow.so.2" if the linker has found it.
  const std::string& path() const { return path_; }
  const std::string& version() const { return version_; }
  const TensorflowApi& api() const { return api_; }

  // False in a process that was forked from the one that opened the library:
  // TensorFlow's threads are not there.
  bool is_own_process() const;
  // Throws Error (kFailedPrecondition) then.
  void check_process() const;

 private:
  friend TensorflowLibrary open_tensorflow(const std::string& path);
  TensorflowLibrary() = default;

  std::string path_, version_;
  int process_ = 0;
  TensorflowApi api_;
};

// Opens a library by itself, for tests. Throws as `get`.
TensorflowLibrary open_tensorflow(const std::string& path);

}  // namespace tfnative::internal
