// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "library.h"

#include <dlfcn.h>

#include <cstring>
#include <filesystem>
#include <map>
#include <vector>

#include "base/mutex.h"
#include "base/text.h"
#include "description_check.h"
#include "tfnative/checksum.hpp"
#include "tfnative/error.hpp"

namespace tfnative::internal {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const std::string& file, const std::string& problem) {
  throw LoadError("cannot load " + internal::quoted(file) + ": " + problem);
}

// Of what is mapped to be run, so that nothing is read that is not used later.
void check_weights(const std::string& file, const tfn_artifact& artifact,
                   const tfn_trailer& trailer) {
  // Their section has a byte even if there are none.
  if (crc32c(0, artifact.weights, trailer.weights_bytes) == trailer.weights_crc32c) {
    return;
  }
  fail(file,
       "its weights are damaged: their checksum does not fit. Copy the model again, or "
       "compile it again");
}

bool has_weights_apart(const tfn_artifact& artifact) {
  return artifact.struct_bytes >= sizeof artifact && artifact.bind_weights != nullptr;
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

// Whether what the library says of itself, through its function, makes sense.
bool has_sane_tables(const tfn_artifact* artifact, const tfn_trailer& trailer,
                     std::string_view bytes, void* handle) {
  try {
    return is_sane(artifact, trailer, MappedImage(bytes, handle));
  } catch (const elf::Problem&) {
    return false;
  }
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
  if (!has_sane_tables(artifact_, trailer, opened_->bytes(), handle)) {
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
