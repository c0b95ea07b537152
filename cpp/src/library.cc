// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "library.h"

#include <dlfcn.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <map>
#include <vector>

#include "base/fork_mutex.h"
#include "base/text.h"
#include "tfnative/checksum.hpp"
#include "tfnative/error.hpp"
#include "tfnative/tensor.hpp"

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

// dlopen and dlclose have a lock of their own, but none that ThreadSanitizer sees, nor
// one that fork() waits for: a child would find the linker's lists half changed. The
// check is under it, too: it maps the file where the next library may be mapped.
ForkMutex linker;

Mutex& linker_mutex() { return linker; }

void* open_library(const std::string& file, tfn_trailer* trailer) {
  const std::string path = spelled(file);
  const MutexLock lock(linker_mutex());
  *trailer = check_library(file);
  void* const handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* const reason = ::dlerror();
    fail(file, reason != nullptr ? reason : "the dynamic linker refuses it");
  }
  return handle;
}

void close_library(void* handle) {
  const MutexLock lock(linker_mutex());
  ::dlclose(handle);
}

bool is_sane(const tfn_tensor_spec& spec) {
  const auto dtype = static_cast<DType>(spec.dtype);
  if (spec.name == nullptr || dtype_bytes(dtype) == 0 || dtype == DType::kString) {
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

bool has_sane_empty_outputs(const tfn_signature& signature) {
  if (signature.empty_outputs == nullptr) return true;
  for (std::int32_t i = 0; i < signature.output_count; ++i) {
    const tfn_tensor_spec& spec = signature.outputs[i];
    const bool has_batch = spec.rank > 0 && spec.shape[0] == kBatch;
    if (!has_batch && signature.empty_outputs[i] == nullptr) return false;
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
  if (!has_sane_empty_outputs(signature)) return false;
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
  constexpr std::size_t kFewestBytes = offsetof(tfn_artifact, bind_weights);
  if (artifact.struct_bytes < kFewestBytes || artifact.name == nullptr ||
      artifact.triple == nullptr || artifact.manifest == nullptr ||
      artifact.cpu_level_count < 1 || artifact.signature_count < 1) {
    return false;
  }
  for (std::int32_t i = 0; i < artifact.signature_count; ++i) {
    if (!is_sane(artifact.signatures[i], artifact.cpu_level_count)) return false;
  }
  return true;
}

// Of what is mapped to be run, so that nothing is read that is not used later.
void check_weights(const std::string& file, const tfn_artifact& artifact,
                   const tfn_trailer& trailer) {
  // Their section has a byte even if there are none.
  const bool known =
      artifact.weights != nullptr && artifact.weights_bytes <= trailer.weights_bytes;
  if (known &&
      crc32c(0, artifact.weights, trailer.weights_bytes) == trailer.weights_crc32c) {
    return;
  }
  fail(file,
       "its weights are damaged: their checksum does not fit. Copy the model again, or "
       "compile it again");
}

bool has_weights_apart(const tfn_artifact& artifact) {
  return artifact.struct_bytes > offsetof(tfn_artifact, bind_weights) &&
         artifact.bind_weights != nullptr;
}

// Lends an artifact its weights, which lie in a file beside its library. A library that
// is loaded twice is there once, with one place for them: whoever comes second shares
// what the first has lent.
std::shared_ptr<const MappedFile> bind_weights(const tfn_artifact& artifact,
                                               const std::string& library) {
  const MutexLock lock(linker_mutex());
  static std::map<const tfn_artifact*, std::weak_ptr<const MappedFile>> bound;
  std::weak_ptr<const MappedFile>& known = bound[&artifact];
  if (std::shared_ptr<const MappedFile> same = known.lock()) return same;
  const fs::path folder = fs::path(library).parent_path();
  const std::string file =
      (folder / (std::string(artifact.name) + ".weights")).string();
  const auto weights = std::make_shared<const MappedFile>(file);
  const std::int32_t problem = artifact.bind_weights(weights->data(), weights->size());
  if (problem == TFN_WEIGHTS_OTHER_SIZE) {
    fail(file, "it has " + std::to_string(weights->size()) + " bytes, and not the " +
                   std::to_string(artifact.weights_bytes) + " of this model's weights");
  }
  if (problem != 0) {
    fail(file, "it is damaged, or has the weights of another model");
  }
  known = weights;
  return weights;
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

Library::Library(const std::string& path, bool verify) : file_(find_library(path)) {
  tfn_trailer trailer;
  handle_ = open_library(file_, &trailer);
  const std::string symbol = std::string(trailer.name) + "_artifact";
  void* const address = ::dlsym(handle_, symbol.c_str());
  if (address != nullptr) {
    tfn_artifact_fn function;
    std::memcpy(&function, &address, sizeof function);
    artifact_ = function();
  }
  if (artifact_ == nullptr || artifact_->abi_version != TFN_ABI_VERSION ||
      !is_sane(*artifact_)) {
    close_library(handle_);
    fail(file_,
         "its tables are not those of ABI version " + std::to_string(TFN_ABI_VERSION));
  }
  try {
    if (has_weights_apart(*artifact_)) {
      weights_ = bind_weights(*artifact_, file_);
    } else if (verify) {
      check_weights(file_, *artifact_, trailer);
    }
  } catch (...) {
    close_library(handle_);
    throw;
  }
}

Library::~Library() { close_library(handle_); }

}  // namespace tfnative::internal
