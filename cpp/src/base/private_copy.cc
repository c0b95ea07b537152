// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "base/private_copy.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <vector>

#include "base/text.h"
#include "tfnative/error.hpp"

namespace tfnative::internal {
namespace {

constexpr std::size_t kBlockBytes = 1 << 18;

// Those of memfd_create(2) and fcntl(2), which older headers lack.
constexpr unsigned kCloseOnExec = 1, kAllowSealing = 2, kNoExecSeal = 8;
constexpr int kAddSeals = 1033;
constexpr int kSealSeals = 1, kSealShrink = 2, kSealGrow = 4, kSealWrite = 8;

int create_memory(const std::string& name) {
#ifdef SYS_memfd_create
  const unsigned flags = kCloseOnExec | kAllowSealing;
  // Newer systems want to know that it is no program, and may refuse those that are.
  const long made = ::syscall(SYS_memfd_create, name.c_str(), flags | kNoExecSeal);
  if (made >= 0 || errno != EINVAL) return static_cast<int>(made);
  return static_cast<int>(::syscall(SYS_memfd_create, name.c_str(), flags));
#else
  (void)name;
  errno = ENOSYS;
  return -1;
#endif
}

// The process as /proc numbers it: debuggers open the library by this path, too.
std::string path_of(int descriptor) {
  char number[32];
  const ssize_t length = ::readlink("/proc/self", number, sizeof number);
  if (length <= 0) return "";
  return "/proc/" + std::string(number, static_cast<std::size_t>(length)) + "/fd/" +
         std::to_string(descriptor);
}

// The dynamic linker takes a path that it has opened before for the same library: no
// two copies of a process may have one, also if somebody closes our descriptors, so
// that their numbers come back.
std::string own_spelling(const std::string& path) {
  static std::atomic<std::uint64_t> copies{0};
  const std::size_t slash = path.rfind('/');
  std::string spelling = path.substr(0, slash);
  for (std::uint64_t bits = ++copies; bits != 0; bits >>= 1) {
    spelling += bits & 1 ? "/." : "//.";
  }
  return spelling + path.substr(slash);
}

bool is_path_of(const std::string& path, int descriptor) {
  struct stat found, own;
  return ::stat(path.c_str(), &found) == 0 && ::fstat(descriptor, &own) == 0 &&
         found.st_dev == own.st_dev && found.st_ino == own.st_ino;
}

}  // namespace

PrivateCopy::PrivateCopy(const OpenFile& file) : name_(file.name()) {
  try {
    if (!open_memory()) open_temporary();
    std::vector<char> block(kBlockBytes);
    write([&]() -> std::string_view {
      return {block.data(), file.read(size_, block.data(), block.size())};
    });
    if (size_ != file.size()) {
      throw LoadError("cannot load " + internal::quoted(name_) +
                      ": somebody changed it while it was read");
    }
    seal_and_map();
  } catch (...) {
    close();
    throw;
  }
}

PrivateCopy::PrivateCopy(const std::string& name, std::string_view bytes)
    : name_(name) {
  try {
    open_temporary();
    write([&] { return bytes.substr(size_, kBlockBytes); });
    seal_and_map();
  } catch (...) {
    close();
    throw;
  }
}

PrivateCopy::~PrivateCopy() { close(); }

bool PrivateCopy::open_memory() {
  descriptor_ = create_memory(std::filesystem::path(name_).filename().string());
  if (descriptor_ < 0) return false;
  const std::string path = path_of(descriptor_);
  if (!is_path_of(path, descriptor_)) {
    close();
    return false;
  }
  path_ = own_spelling(path);
  return true;
}

void PrivateCopy::open_temporary() {
  kind_ = Kind::kTemporaryFile;
  std::error_code error;
  std::string folder = std::filesystem::temp_directory_path(error).string();
  folder = (error ? "/tmp" : folder) + "/tfnative-XXXXXX";
  if (::mkdtemp(folder.data()) == nullptr) fail("make a copy in " + folder, errno);
  folder_ = folder;
  const std::string file = folder + "/library.so";
  descriptor_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor_ < 0) fail("make a copy in " + folder, errno);
  path_ = own_spelling(file);
}

void PrivateCopy::write(const Source& next) {
  for (std::string_view block = next(); !block.empty(); block = next()) {
    size_ += block.size();
    while (!block.empty()) {
      const ssize_t count = ::write(descriptor_, block.data(), block.size());
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) fail("copy it", count < 0 ? errno : ENOSPC);
      block.remove_prefix(static_cast<std::size_t>(count));
    }
  }
}

void PrivateCopy::seal_and_map() {
  if (kind_ == Kind::kMemory &&
      ::fcntl(descriptor_, kAddSeals,
              kSealSeals | kSealShrink | kSealGrow | kSealWrite) != 0) {
    fail("seal the copy", errno);
  }
  identity_ = identity_of(descriptor_);
  if (size_ == 0) return;
  void* const data = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, descriptor_, 0);
  if (data == MAP_FAILED) fail("map the copy", errno);
  data_ = static_cast<const char*>(data);
}

void PrivateCopy::hide() {
  if (folder_.empty()) return;
  ::unlink((folder_ + "/library.so").c_str());
  ::rmdir(folder_.c_str());
  folder_.clear();
}

void PrivateCopy::close() noexcept {
  hide();
  if (data_ != nullptr) ::munmap(const_cast<char*>(data_), size_);
  data_ = nullptr;
  // Somebody who closes all descriptors, as daemons do, closed ours, too; its number
  // may be another file's by now.
  const bool is_ours = identity_.empty() || identity_of(descriptor_) == identity_;
  if (descriptor_ >= 0 && is_ours) ::close(descriptor_);
  descriptor_ = -1;
}

void PrivateCopy::fail(const std::string& doing, int error) const {
  const bool is_full = error == ENOSPC || error == ENOMEM || error == EDQUOT;
  throw LoadError("cannot load " + internal::quoted(name_) + ": cannot " + doing +
                      ": " + std::strerror(error),
                  is_full ? Code::kResourceExhausted : Code::kFailedPrecondition);
}

}  // namespace tfnative::internal
