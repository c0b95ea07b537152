// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "tensorflow/library.h"

#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "base/fork_mutex.h"
#include "base/process.h"
#include "base/text.h"
#include "tfnative/error.hpp"

namespace tfnative::internal {
namespace {

constexpr const char* kSystemLibrary = "libtensorflow.so.2";
constexpr const char* kVariable = "TFNATIVE_LIBTENSORFLOW";
constexpr const char* kInstall = "pip install \"tensorflow>=2.16\"";
constexpr int kMajor = 2, kMinor = 16;

ForkMutex opening;
const TensorflowLibrary* opened TFN_GUARDED_BY(opening) = nullptr;  // To the end.

[[noreturn]] void fail(const std::string& path, const std::string& problem) {
  throw Error(Code::kFailedPrecondition, "cannot use TensorFlow's library " +
                                             internal::quoted(path) + ": " + problem);
}

[[noreturn]] void fail_not_found(const std::string& detail) {
  throw Error(Code::kNotFound, "there is no TensorFlow library: " + detail +
                                   ". Install one with\n  " + kInstall +
                                   "\nor name the file in " + kVariable);
}

std::string last_error() {
  const char* const reason = ::dlerror();
  return reason != nullptr ? reason : "the dynamic linker refuses it";
}

void* open(const std::string& path) {
  const bool is_file = path.find('/') != std::string::npos;
  std::error_code error;
  if (is_file && !std::filesystem::exists(path, error)) {
    fail_not_found(internal::quoted(path) + " does not exist");
  }
  void* const handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (handle != nullptr) return handle;
  const std::string reason = last_error();
  if (is_file) fail(path, reason);
  fail_not_found(reason);
}

template <typename Function>
bool find(void* handle, const char* name, Function** function) {
  void* const address = ::dlsym(handle, name);
  if (address == nullptr) return false;
  std::memcpy(function, &address, sizeof address);
  return true;
}

void check_version(const std::string& path, const std::string& version) {
  int major = 0, minor = 0;
  if (std::sscanf(version.c_str(), "%d.%d", &major, &minor) != 2) {
    fail(path, "its version is " + internal::quoted(version));
  }
  if (major > kMajor || (major == kMajor && minor >= kMinor)) return;
  fail(path, "it is TensorFlow " + version + ", and " + std::to_string(kMajor) + "." +
                 std::to_string(kMinor) + " is the oldest one that works: " + kInstall);
}

}  // namespace

TensorflowLibrary open_tensorflow(const std::string& path) {
  void* const handle = open(path);
  TensorflowLibrary library;
  library.path_ = path;
  library.process_ = process_id();
  TensorflowApi& api = library.api_;
  if (!find(handle, "TF_Version", &api.TF_Version)) {
    fail(path, "it has no TF_Version: it is another library");
  }
  library.version_ = api.TF_Version();
  check_version(path, library.version_);
  const char* missing = nullptr;
#define TFN_FIND(result, name, parameters) \
  if (!find(handle, #name, &api.name)) missing = #name;
  TFN_TENSORFLOW_FUNCTIONS(TFN_FIND)
#undef TFN_FIND
  if (missing != nullptr) {
    fail(path,
         "TensorFlow " + library.version_ + " has no " + missing + " in this build");
  }
  return library;
}

const TensorflowLibrary& TensorflowLibrary::get(const std::string& path) {
  const MutexLock lock(opening);
  if (opened == nullptr) {
    const char* const named = std::getenv(kVariable);
    opened =
        new TensorflowLibrary(open_tensorflow(named != nullptr && *named != '\0' ? named
                                              : path.empty() ? kSystemLibrary
                                                             : path));
  }
  opened->check_process();
  return *opened;
}

bool TensorflowLibrary::is_own_process() const { return process_id() == process_; }

void TensorflowLibrary::check_process() const {
  if (is_own_process()) return;
  throw Error(Code::kFailedPrecondition,
              "TensorFlow was loaded before this process was forked, and its threads "
              "are in the parent alone: load it after the fork, or start processes "
              "with \"spawn\"");
}

}  // namespace tfnative::internal
