// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// The bytes of a library, first to be checked and then to be opened.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/mapped_file.h"
#include "base/mutex.h"
#include "base/private_copy.h"

namespace tfnative::internal {

// Held by whoever opens or closes a library. dlopen and dlclose have a lock of their
// own, but none that ThreadSanitizer sees.
Mutex& linker_mutex();

// A library's bytes, and the library that the dynamic linker makes of these very bytes:
// what has been checked is what runs. Thread-safe.
class LibraryFile {
 public:
  // Reads a file into a copy that nobody can change. A file that is read several times
  // is there once, for as long as its content is the same. `in_place`: nothing is
  // copied, and whoever writes to the file changes what is here. Throws LoadError.
  static std::shared_ptr<LibraryFile> read(const std::string& file, bool in_place);

  ~LibraryFile();
  LibraryFile(const LibraryFile&) = delete;
  LibraryFile& operator=(const LibraryFile&) = delete;

  std::string_view bytes() const;
  // What the dynamic linker calls the library, which it opens when it is first asked
  // for. Throws LoadError.
  void* open();

 private:
  explicit LibraryFile(const OpenFile& file);     // A copy.
  explicit LibraryFile(const std::string& file);  // In place.
  bool open_as(const std::string& path, std::string* reason)
      TFN_REQUIRES(linker_mutex());

  const std::string file_;
  std::string path_;
  std::unique_ptr<const MappedFile> mapped_;  // Null if it is copied.
  std::unique_ptr<PrivateCopy> copy_;
  void* handle_ = nullptr;
};

}  // namespace tfnative::internal
