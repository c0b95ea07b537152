// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "library.h"

#include <dlfcn.h>

#include <atomic>
#include <cstring>
#include <filesystem>
#include <vector>

#include "base/text.h"
#include "tfnative/error.hpp"
#include "tfnative/tensor.hpp"

namespace tfnative::internal {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const std::string& file, const std::string& problem) {
  throw LoadError("cannot load " + internal::quoted(file) + ": " + problem);
}

// Another spelling of a path for each call. The dynamic linker takes a path that it
// has loaded before for the same file, even if the file was replaced since; a new
// spelling has it compare the files themselves.
std::string respelled(const std::string& file) {
  static std::atomic<unsigned> calls{0};
  const fs::path path(file);
  std::string prefix = fs::absolute(path).parent_path().string();
  for (unsigned bits = calls++; bits != 0; bits >>= 1) {
    prefix += bits & 1 ? "/." : "//.";
  }
  return prefix + "/" + path.filename().string();
}

bool is_sane(const tfn_tensor_spec& spec) {
  if (spec.name == nullptr || dtype_bytes(static_cast<DType>(spec.dtype)) == 0) {
    return false;
  }
  if (spec.rank < 0 || spec.rank > 64 || (spec.rank > 0 && spec.shape == nullptr)) {
    return false;
  }
  for (std::int32_t d = 0; d < spec.rank; ++d) {
    if (spec.shape[d] < (d == 0 ? kBatch : 0)) return false;
  }
  return true;
}

bool is_sane(const tfn_signature& signature, std::int32_t levels) {
  if (signature.name == nullptr || signature.variant_count < 1 ||
      signature.variants == nullptr) {
    return false;
  }
  for (std::int32_t i = 0; i < signature.input_count; ++i) {
    if (!is_sane(signature.inputs[i])) return false;
  }
  for (std::int32_t i = 0; i < signature.output_count; ++i) {
    if (!is_sane(signature.outputs[i])) return false;
  }
  for (std::int32_t i = 0; i < signature.variant_count; ++i) {
    const tfn_variant& variant = signature.variants[i];
    if (variant.run == nullptr || variant.batch_size < 0 || variant.cpu_level < 0 ||
        variant.cpu_level >= levels) {
      return false;
    }
  }
  return true;
}

// The checksum has shown that the tables are what a compiler wrote: this finds
// compilers that write other ones.
bool is_sane(const tfn_artifact& artifact) {
  if (artifact.struct_bytes < sizeof(tfn_artifact) || artifact.name == nullptr ||
      artifact.triple == nullptr || artifact.manifest == nullptr ||
      artifact.cpu_level_count < 1 || artifact.signature_count < 1) {
    return false;
  }
  for (std::int32_t i = 0; i < artifact.signature_count; ++i) {
    if (!is_sane(artifact.signatures[i], artifact.cpu_level_count)) return false;
  }
  return true;
}

}  // namespace

std::string find_library(const std::string& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) {
    throw LoadError(
        "cannot load " + internal::quoted(path) + ": there is no such file or folder",
        Code::kNotFound);
  }
  if (!fs::is_directory(status)) return path;
  std::vector<std::string> found;
  for (const fs::directory_entry& entry : fs::directory_iterator(path, error)) {
    const std::string name = entry.path().filename().string();
    if (name.rfind("lib", 0) == 0 && entry.path().extension() == ".so") {
      found.push_back(entry.path().string());
    }
  }
  if (error) fail(path, error.message());
  if (found.empty()) fail(path, "the folder has no lib*.so: it is not an artifact");
  if (found.size() > 1) {
    fail(path, "the folder has several libraries, name one of " + joined(found));
  }
  return found[0];
}

Library::Library(const std::string& path) : file_(find_library(path)) {
  const tfn_trailer trailer = check_library(file_);
  handle_ = ::dlopen(respelled(file_).c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle_ == nullptr) {
    const char* const reason = ::dlerror();
    fail(file_, reason != nullptr ? reason : "the dynamic linker refuses it");
  }
  const std::string symbol = std::string(trailer.name) + "_artifact";
  void* const address = ::dlsym(handle_, symbol.c_str());
  if (address != nullptr) {
    tfn_artifact_fn function;
    std::memcpy(&function, &address, sizeof function);
    artifact_ = function();
  }
  if (artifact_ == nullptr || artifact_->abi_version != TFN_ABI_VERSION ||
      !is_sane(*artifact_)) {
    ::dlclose(handle_);
    fail(file_,
         "its tables are not those of ABI version " + std::to_string(TFN_ABI_VERSION));
  }
}

Library::~Library() { ::dlclose(handle_); }

}  // namespace tfnative::internal
