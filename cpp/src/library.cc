// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "library.h"

#include <dlfcn.h>

#include <cstddef>
#include <cstring>
#include <filesystem>
#include <map>
#include <vector>

#include "base/mutex.h"
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
std::shared_ptr<const Weights> bind_weights(const tfn_artifact& artifact,
                                            const std::string& library, bool in_place) {
  const MutexLock lock(linker_mutex());
  static std::map<const tfn_artifact*, std::weak_ptr<const Weights>> bound;
  std::weak_ptr<const Weights>& known = bound[&artifact];
  if (std::shared_ptr<const Weights> same = known.lock()) return same;
  const fs::path folder = fs::path(library).parent_path();
  const std::string file =
      (folder / (std::string(artifact.name) + ".weights")).string();
  const auto weights = std::make_shared<const Weights>(file, in_place);
  const std::string_view bytes = weights->bytes();
  const std::int32_t problem = artifact.bind_weights(bytes.data(), bytes.size());
  if (problem == TFN_WEIGHTS_OTHER_SIZE) {
    fail(file, "it has " + std::to_string(bytes.size()) + " bytes, and not the " +
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

Weights::Weights(const std::string& file, bool in_place) {
  if (in_place) {
    mapped_ = std::make_unique<const MappedFile>(file);
    return;
  }
  auto copy = std::make_unique<PrivateCopy>(OpenFile(file));
  copy->hide();
  copy_ = std::move(copy);
}

std::string_view Weights::bytes() const {
  return copy_ ? copy_->bytes() : std::string_view(mapped_->data(), mapped_->size());
}

Library::Library(const std::string& path, const LibraryOptions& options)
    : file_(find_library(path)),
      opened_(LibraryFile::read(file_, options.map_in_place)) {
  const tfn_trailer trailer = check_library(file_, opened_->bytes());
  if (options.inspect) options.inspect(file_, opened_->bytes());
  void* const handle = opened_->open();
  const std::string symbol = std::string(trailer.name) + "_artifact";
  void* const address = ::dlsym(handle, symbol.c_str());
  if (address != nullptr) {
    tfn_artifact_fn function;
    std::memcpy(&function, &address, sizeof function);
    artifact_ = function();
  }
  if (artifact_ == nullptr || artifact_->abi_version != TFN_ABI_VERSION ||
      !is_sane(*artifact_)) {
    fail(file_,
         "its tables are not those of ABI version " + std::to_string(TFN_ABI_VERSION));
  }
  if (has_weights_apart(*artifact_)) {
    weights_ = bind_weights(*artifact_, file_, options.map_in_place);
  } else if (options.verify) {
    check_weights(file_, *artifact_, trailer);
  }
}

}  // namespace tfnative::internal
