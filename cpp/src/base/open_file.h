// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tfnative::internal {

// Which file a descriptor is of, whatever its name; empty if it is of none.
std::string identity_of(int descriptor);

// A file that is open for reading, and what it was when it was opened.
class OpenFile {
 public:
  // Throws LoadError: there is none, it cannot be read, or it is no ordinary file.
  explicit OpenFile(const std::string& file);
  ~OpenFile();
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  const std::string& name() const { return name_; }
  std::size_t size() const { return size_; }
  // Which file it is, whatever its name.
  const std::string& identity() const { return identity_; }
  // Whether it has these bytes now, and no others. Throws LoadError.
  bool has(std::string_view bytes) const;
  // Copies bytes from a place on into `block`; returns how many there were, 0 at the
  // end. Throws LoadError.
  std::size_t read(std::size_t at, char* block, std::size_t bytes) const;

 private:
  std::string name_, identity_;
  int descriptor_;
  std::size_t size_ = 0;
};

}  // namespace tfnative::internal
