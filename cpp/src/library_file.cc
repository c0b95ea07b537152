// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "library_file.h"

#include <dlfcn.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>

#include "base/fork_mutex.h"
#include "base/text.h"
#include "tfnative/error.hpp"

namespace tfnative::internal {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const std::string& file, const std::string& problem) {
  throw LoadError("cannot load " + internal::quoted(file) + ": " + problem);
}

// A spelling of the path that is the file's own. The dynamic linker takes a path that
// it has loaded before for the same file, even if the file was replaced since; given
// another spelling, it compares the files themselves.
std::string spelled(const std::string& file) {
  struct stat status = {};
  if (::stat(file.c_str(), &status) != 0) fail(file, std::strerror(errno));
  const fs::path path = fs::absolute(file);
  std::string spelling = path.parent_path().string();
  for (auto bits = static_cast<std::uint64_t>(status.st_ino); bits != 0; bits >>= 1) {
    spelling += bits & 1 ? "/." : "//.";
  }
  return spelling + "/" + path.filename().string();
}

// What the linker says begins with the path that it was given, which tells nobody
// anything.
std::string without(const std::string& path, const std::string& reason) {
  const std::string begin = path + ": ";
  return reason.compare(0, begin.size(), begin) == 0 ? reason.substr(begin.size())
                                                     : reason;
}

// dlopen and dlclose have a lock of their own, but none that ThreadSanitizer sees, nor
// one that fork() waits for: a child would find the linker's lists half changed.
ForkMutex linker;

ForkMutex reading;
std::map<std::string, std::weak_ptr<LibraryFile>> known TFN_GUARDED_BY(reading);

}  // namespace

Mutex& linker_mutex() { return linker; }

std::shared_ptr<LibraryFile> LibraryFile::read(const std::string& file, bool in_place) {
  if (in_place) return std::shared_ptr<LibraryFile>(new LibraryFile(file));
  const OpenFile opened(file);
  // Outlives the lock: the last user of a file waits for the linker's.
  std::shared_ptr<LibraryFile> before;
  const MutexLock lock(reading);
  for (auto each = known.begin(); each != known.end();) {
    each = each->second.expired() ? known.erase(each) : std::next(each);
  }
  std::weak_ptr<LibraryFile>& same = known[opened.identity()];
  before = same.lock();
  if (before != nullptr && opened.has(before->bytes())) return before;
  const std::shared_ptr<LibraryFile> made(new LibraryFile(opened));
  same = made;
  return made;
}

LibraryFile::LibraryFile(const OpenFile& file)
    : file_(file.name()), copy_(std::make_unique<PrivateCopy>(file)) {
  path_ = copy_->path();
}

LibraryFile::LibraryFile(const std::string& file)
    : file_(file),
      path_(spelled(file)),
      mapped_(std::make_unique<const MappedFile>(file)) {}

LibraryFile::~LibraryFile() {
  // The maps go under the lock as well: a library may be mapped where they were.
  const MutexLock lock(linker_mutex());
  if (handle_ != nullptr) ::dlclose(handle_);
  copy_.reset();
  mapped_.reset();
}

std::string_view LibraryFile::bytes() const {
  return copy_ ? copy_->bytes() : std::string_view(mapped_->data(), mapped_->size());
}

bool LibraryFile::open_as(const std::string& path, std::string* reason) {
  handle_ = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle_ != nullptr) return true;
  const char* const said = ::dlerror();
  *reason = without(path, said != nullptr ? said : "the dynamic linker refuses it");
  return false;
}

void* LibraryFile::open() {
  const MutexLock lock(linker_mutex());
  if (handle_ != nullptr) return handle_;
  std::string reason;
  bool is_open = open_as(path_, &reason);
  if (!is_open && copy_ && copy_->kind() == PrivateCopy::Kind::kMemory) {
    // Some systems do not let anybody run what lies in such memory.
    auto temporary = std::make_unique<PrivateCopy>(file_, copy_->bytes());
    is_open = open_as(temporary->path(), &reason);
    if (is_open) copy_ = std::move(temporary);
  }
  if (!is_open) fail(file_, reason);
  if (copy_) copy_->hide();
  return handle_;
}

}  // namespace tfnative::internal
