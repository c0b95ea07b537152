// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// An artifact's shared library, checked and mapped.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/mapped_file.h"
#include "base/private_copy.h"
#include "library_file.h"
#include "tfnative/abi.h"

namespace tfnative::internal {

// The library of an artifact: a folder with one lib*.so in it, or the file itself.
// Throws LoadError if there is none, or several.
std::string find_library(const std::string& path);

// Checks that the bytes of a library are an artifact, whole, undamaged and for this
// machine, and that opening it runs none of its code, without running any of it. The
// weights are not read. Returns its trailer. Throws LoadError, which names the file.
tfn_trailer check_library(const std::string& file, std::string_view bytes);

// What of LoadOptions is for a library.
struct LibraryOptions {
  bool verify = true;
  bool map_in_place = false;
  std::function<void(const std::string& file, std::string_view bytes)> inspect;
};

// Weights that lie in a file of their own.
class Weights {
 public:
  // A copy of them that nobody can change, unless they are to be used in place. Throws
  // LoadError.
  Weights(const std::string& file, bool in_place);
  std::string_view bytes() const;

 private:
  std::unique_ptr<const MappedFile> mapped_;  // Null if they are copied.
  std::unique_ptr<const PrivateCopy> copy_;
};

// A loaded library. Unloaded with this object.
class Library {
 public:
  // Throws LoadError, and whatever `inspect` throws.
  explicit Library(const std::string& path, const LibraryOptions& options = {});
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  const std::string& file() const { return file_; }
  const tfn_artifact& artifact() const { return *artifact_; }

 private:
  std::string file_;
  std::shared_ptr<LibraryFile> opened_;
  const tfn_artifact* artifact_ = nullptr;
  std::shared_ptr<const Weights> weights_;  // Null unless they are apart.
};

}  // namespace tfnative::internal
