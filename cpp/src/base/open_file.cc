// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "base/open_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "base/text.h"
#include "tfnative/error.hpp"

namespace tfnative::internal {
namespace {

constexpr std::size_t kBlockBytes = 1 << 18;

}  // namespace

std::string identity_of(int descriptor) {
  struct stat status;
  if (descriptor < 0 || ::fstat(descriptor, &status) != 0) return "";
  return std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);
}

OpenFile::OpenFile(const std::string& file)
    : name_(file),
      descriptor_(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
  struct stat status;
  const bool known = descriptor_ >= 0 && ::fstat(descriptor_, &status) == 0;
  const int error = errno;
  if (!known || !S_ISREG(status.st_mode)) {
    if (descriptor_ >= 0) ::close(descriptor_);
    throw LoadError("cannot load " + internal::quoted(file) + ": " +
                    (known ? "it is no file" : std::strerror(error)));
  }
  size_ = static_cast<std::size_t>(status.st_size);
  identity_ = identity_of(descriptor_);
}

OpenFile::~OpenFile() { ::close(descriptor_); }

std::size_t OpenFile::read(std::size_t at, char* block, std::size_t bytes) const {
  for (;;) {
    const ssize_t count = ::pread(descriptor_, block, bytes, static_cast<off_t>(at));
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno != EINTR) {
      throw LoadError("cannot load " + internal::quoted(name_) + ": " +
                      std::strerror(errno));
    }
  }
}

bool OpenFile::has(std::string_view bytes) const {
  std::vector<char> block(std::min(kBlockBytes, bytes.size() + 1));
  std::size_t at = 0;
  while (const std::size_t count = read(at, block.data(), block.size())) {
    if (count > bytes.size() - at ||
        std::memcmp(block.data(), bytes.data() + at, count) != 0) {
      return false;
    }
    at += count;
  }
  return at == bytes.size();
}

}  // namespace tfnative::internal
