// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Bytes of a file that nobody can change any more.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "base/open_file.h"

namespace tfnative::internal {

// A copy in memory that has no name. The system refuses whoever wants to change it,
// this process included, or to make it shorter. Where there is no such memory (an old
// kernel, a filter of system calls), or no /proc to find it by, a file of its own,
// which is deleted as soon as it need not be found. All processes that were forked
// share it.
class PrivateCopy {
 public:
  enum class Kind { kMemory, kTemporaryFile };

  // Whatever kind there is. Throws LoadError: the file is shorter than it was, or there
  // is no memory for it (kResourceExhausted).
  explicit PrivateCopy(const OpenFile& file);
  // A temporary file with these bytes. `name` is for messages. Throws LoadError.
  PrivateCopy(const std::string& name, std::string_view bytes);
  ~PrivateCopy();
  PrivateCopy(const PrivateCopy&) = delete;
  PrivateCopy& operator=(const PrivateCopy&) = delete;

  std::string_view bytes() const { return {data_, size_}; }
  Kind kind() const { return kind_; }
  // What this process can open it by until `hide` is called, other than for any other
  // copy that it has made.
  const std::string& path() const { return path_; }
  // Deletes its name, if it has one.
  void hide();

 private:
  bool open_memory();
  void open_temporary();
  void seal_and_map();
  [[noreturn]] void fail(const std::string& doing, int error) const;

  // What is written to it, a block at a time; an empty block ends it.
  using Source = std::function<std::string_view()>;
  void write(const Source& next);
  void close() noexcept;

  std::string name_, path_, folder_, identity_;
  Kind kind_ = Kind::kMemory;
  int descriptor_ = -1;
  const char* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace tfnative::internal
