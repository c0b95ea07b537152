// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// The trailer that the compiler gives a library.
#pragma once

#include <cstring>
#include <string>

#include "crc32.h"
#include "tfnative/abi.h"
#include "tfnative/checksum.hpp"

namespace tfnative::testing {

// The library with its trailer; empty if it has no weights, which are found by their
// first words.
inline std::string sealed(std::string library, const std::string& name) {
  constexpr std::size_t kWeightsBytes = 4096;
  const std::size_t weights = library.find("weights of the fake artifact");
  const std::size_t end = weights + kWeightsBytes;
  if (weights == std::string::npos || end > library.size()) return "";
  tfn_trailer trailer = {};
  std::memcpy(trailer.magic, TFN_TRAILER_MAGIC, sizeof trailer.magic);
  trailer.abi_version = TFN_ABI_VERSION;
  trailer.file_bytes = library.size() + sizeof trailer;
  trailer.weights_offset = weights;
  trailer.weights_bytes = kWeightsBytes;
  std::strncpy(trailer.name, name.c_str(), sizeof trailer.name - 1);
  using internal::crc32;
  trailer.crc32 = crc32(crc32(0, library.data(), weights), library.data() + end,
                        library.size() - end);
  trailer.weights_crc32c = crc32c(0, library.data() + weights, kWeightsBytes);
  library.append(reinterpret_cast<const char*>(&trailer), sizeof trailer);
  return library;
}

}  // namespace tfnative::testing
