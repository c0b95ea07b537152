// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "description_check.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string_view>

#include "base/text.h"
#include "base/utf8.h"
#include "tfnative/tensor.hpp"

namespace tfnative::internal {
namespace {

constexpr auto kMostDimensionsOfAll = static_cast<std::int32_t>(kMostDimensions);
// Sums and products of sizes below these do not overflow.
constexpr std::int64_t kMostBytes = std::int64_t{1} << 47;
constexpr std::int64_t kLargestSize = std::int64_t{1} << 40;

bool is_count(std::int64_t number, std::int64_t most) {
  return number >= 0 && number <= most;
}

class Checker {
 public:
  explicit Checker(const MappedImage& library) : library_(library) {}

  bool is_sane(const tfn_artifact& artifact) const {
    if (!library_.has_text(artifact.triple) || artifact.cpu_level_count < 1 ||
        artifact.signature_count < 1 || !has_manifest(artifact) ||
        !library_.has_array(artifact.cpu_levels, artifact.cpu_level_count) ||
        !library_.has_array(artifact.signatures, artifact.signature_count)) {
      return false;
    }
    for (std::int32_t i = 0; i < artifact.cpu_level_count; ++i) {
      if (!library_.has_text(artifact.cpu_levels[i].name)) return false;
    }
    for (std::int32_t i = 0; i < artifact.signature_count; ++i) {
      if (!is_sane(artifact.signatures[i], artifact.cpu_level_count)) return false;
    }
    return true;
  }

 private:
  bool has_manifest(const tfn_artifact& artifact) const {
    return library_.has(artifact.manifest, artifact.manifest_bytes) &&
           is_utf8({artifact.manifest, artifact.manifest_bytes});
  }

  bool is_sane(const tfn_signature& signature, std::int32_t levels) const {
    if (!library_.has_text(signature.name) || signature.variant_count < 1 ||
        (signature.empty_error != nullptr &&
         !library_.has_text(signature.empty_error)) ||
        !library_.has_array(signature.variants, signature.variant_count) ||
        !library_.has_array(signature.checks, signature.check_count)) {
      return false;
    }
    bool has_batch = false;
    std::int64_t row_bytes = 0;
    if (!are_sane(signature.inputs, signature.input_count, has_batch, row_bytes) ||
        !are_sane(signature.outputs, signature.output_count, has_batch, row_bytes) ||
        !has_sane_empty_outputs(signature)) {
      return false;
    }
    for (std::int32_t i = 0; i < signature.variant_count; ++i) {
      const tfn_variant& variant = signature.variants[i];
      const bool is_batch = signature.variants[0].batch_size > 0;
      if (!is_sane(variant, levels) || is_batch != (variant.batch_size > 0) ||
          (has_batch && !is_batch) ||
          (is_batch && row_bytes > kMostBytes / variant.batch_size)) {
        return false;
      }
    }
    return std::all_of(signature.checks, signature.checks + signature.check_count,
                       [&](const tfn_check& check) { return is_sane(check); });
  }

  bool is_sane(const tfn_variant& variant, std::int32_t levels) const {
    constexpr auto kMost = static_cast<std::uint64_t>(kMostBytes);
    return library_.has_code(variant.run) && variant.cpu_level >= 0 &&
           variant.cpu_level < levels && is_count(variant.batch_size, kLargestSize) &&
           variant.step_count >= 0 && variant.workspace_bytes <= kMost &&
           variant.thread_bytes <= kMost / 65536 &&
           (variant.steps == nullptr || library_.has_text(variant.steps));
  }

  // Notes whether any has a batch, and the bytes of the largest row.
  bool are_sane(const tfn_tensor_spec* specs, std::int32_t count, bool& has_batch,
                std::int64_t& row_bytes) const {
    if (!library_.has_array(specs, count)) return false;
    for (std::int32_t i = 0; i < count; ++i) {
      const std::int64_t bytes = row_bytes_of(specs[i]);
      if (bytes < 0) return false;
      row_bytes = std::max(row_bytes, bytes);
      has_batch = has_batch || (specs[i].rank > 0 && specs[i].shape[0] == kBatch);
    }
    return true;
  }

  // Bytes of a row, or of all if there is no batch, as if no size were 0; or -1.
  std::int64_t row_bytes_of(const tfn_tensor_spec& spec) const {
    const auto dtype = static_cast<DType>(spec.dtype);
    auto bytes = static_cast<std::int64_t>(dtype_bytes(dtype));
    if (!library_.has_text(spec.name) || bytes == 0 || dtype == DType::kString ||
        !is_count(spec.rank, kMostDimensionsOfAll) ||
        !library_.has_array(spec.shape, spec.rank)) {
      return -1;
    }
    for (std::int32_t d = 0; d < spec.rank; ++d) {
      const std::int64_t size = spec.shape[d];
      if (size == kBatch && d == 0) continue;
      if (size < 0 || size > kMostBytes / bytes) return -1;
      bytes *= std::max<std::int64_t>(size, 1);
    }
    return bytes;
  }

  bool has_sane_empty_outputs(const tfn_signature& signature) const {
    if (signature.empty_outputs == nullptr) return true;
    if (!library_.has_array(signature.empty_outputs, signature.output_count)) {
      return false;
    }
    for (std::int32_t i = 0; i < signature.output_count; ++i) {
      const tfn_tensor_spec& spec = signature.outputs[i];
      const bool has_batch = spec.rank > 0 && spec.shape[0] == kBatch;
      const auto bytes = static_cast<std::uint64_t>(row_bytes_of(spec));
      const bool is_empty =
          std::count(spec.shape, spec.shape + spec.rank, std::int64_t{0}) > 0;
      if (!has_batch &&
          !library_.has(signature.empty_outputs[i], is_empty ? 0 : bytes)) {
        return false;
      }
    }
    return true;
  }

  bool is_sane(const tfn_check& check) const {
    if (!library_.has_text(check.node) || !library_.has_text(check.op) ||
        !library_.has_text(check.message) ||
        !is_count(check.value_count, TFN_MAX_CHECK_VALUES) ||
        !is_count(check.rank, kMostDimensionsOfAll) ||
        !library_.has_array(check.shape, check.rank)) {
      return false;
    }
    return std::all_of(check.shape, check.shape + check.rank, [](std::int64_t size) {
      return size >= -kLargestSize && size <= kLargestSize;
    });
  }

  const MappedImage& library_;
};

// Whether the whole table is there, with all that it had when there was least of it.
bool is_there(const tfn_artifact* artifact, const MappedImage& library) {
  constexpr std::size_t kFewestBytes = offsetof(tfn_artifact, bind_weights);
  return library.has_array(reinterpret_cast<const std::uint64_t*>(artifact), 1) &&
         artifact->abi_version == TFN_ABI_VERSION &&
         artifact->struct_bytes >= kFewestBytes &&
         library.has(artifact, artifact->struct_bytes);
}

bool has_weights(const tfn_artifact& artifact, const tfn_trailer& trailer,
                 const MappedImage& library) {
  const bool is_apart =
      artifact.struct_bytes >= sizeof artifact && artifact.bind_weights != nullptr;
  if (is_apart) return library.has_code(artifact.bind_weights);
  return artifact.weights_bytes <= trailer.weights_bytes &&
         library.has(artifact.weights, trailer.weights_bytes);
}

}  // namespace

bool is_sane(const tfn_artifact* artifact, const tfn_trailer& trailer,
             const MappedImage& library) {
  return is_there(artifact, library) && library.has_text(artifact->name) &&
         std::string_view(artifact->name) == trailer.name &&
         Checker(library).is_sane(*artifact) &&
         has_weights(*artifact, trailer, library);
}

}  // namespace tfnative::internal
