// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// An artifact's shared library, checked and mapped.
#pragma once

#include <memory>
#include <string>

#include "base/mapped_file.h"
#include "tfnative/abi.h"

namespace tfnative::internal {

// The library of an artifact: a folder with one lib*.so in it, or the file itself.
// Throws LoadError if there is none, or several.
std::string find_library(const std::string& path);

// Reads a library's file and checks that it is an artifact, whole, undamaged and for
// this machine, without running any of it. The weights are not read. Returns its
// trailer. Throws LoadError.
tfn_trailer check_library(const std::string& file);

// A loaded library. Unloaded with this object.
class Library {
 public:
  // `verify`: whether to compare the weights with their checksum, for which all of them
  // are read. Those that lie in a file of their own are always compared. Throws
  // LoadError.
  explicit Library(const std::string& path, bool verify = true);
  ~Library();
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  const std::string& file() const { return file_; }
  const tfn_artifact& artifact() const { return *artifact_; }

 private:
  std::string file_;
  void* handle_ = nullptr;
  const tfn_artifact* artifact_ = nullptr;
  std::shared_ptr<const MappedFile> weights_;  // Null unless they are apart.
};

}  // namespace tfnative::internal
