// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>

#include "base/text.h"
#include "tfnative/error.hpp"

namespace tfnative::internal {

// A file's bytes, read on demand. They begin at a page.
class MappedFile {
 public:
  // Throws LoadError.
  explicit MappedFile(const std::string& file) {
    const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) fail(file, errno);
    struct stat status;
    const bool known = ::fstat(descriptor, &status) == 0;
    size_ = known ? static_cast<std::size_t>(status.st_size) : 0;
    if (known && size_ > 0) {
      data_ = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, descriptor, 0);
    }
    const int error = errno;
    ::close(descriptor);
    if (data_ == MAP_FAILED) fail(file, error);
  }
  ~MappedFile() {
    if (size_ > 0) ::munmap(data_, size_);
  }
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const char* data() const { return static_cast<const char*>(data_); }
  std::size_t size() const { return size_; }

 private:
  [[noreturn]] static void fail(const std::string& file, int error) {
    throw LoadError("cannot load " + internal::quoted(file) + ": " +
                    std::strerror(error));
  }

  void* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace tfnative::internal
