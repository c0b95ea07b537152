// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// The check of a library before it is opened: its trailer, its checksum, its ELF
// tables.
#include <cstddef>
#include <cstdint>
#include <string>

#include "crc32.h"
#include "elf/check.h"
#include "library.h"
#include "tfnative/error.hpp"

using tfnative::internal::check_library;
using tfnative::internal::crc32;
using tfnative::internal::elf::check_closed;
using tfnative::internal::elf::Problem;
using tfnative::internal::elf::Rules;

namespace {

// The same bytes with a trailer that is right, but for where the weights are.
std::string sealed(std::string bytes) {
  if (bytes.size() < sizeof(tfn_trailer)) return bytes;
  const std::size_t end = bytes.size() - sizeof(tfn_trailer);
  tfn_trailer trailer;
  std::memcpy(&trailer, bytes.data() + end, sizeof trailer);
  std::memcpy(trailer.magic, TFN_TRAILER_MAGIC, sizeof trailer.magic);
  trailer.abi_version = TFN_ABI_VERSION;
  trailer.file_bytes = bytes.size();
  trailer.crc32 = crc32(0, bytes.data(), end);
  trailer.weights_bytes &= trailer.weights_offset % 2 != 0 ? ~std::uint64_t{0} : 0;
  std::memcpy(bytes.data() + end, &trailer, sizeof trailer);
  return bytes;
}

void check(const std::string& bytes) {
  try {
    check_library("fuzzed", bytes);
  } catch (const tfnative::LoadError&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  check(bytes);
  check(sealed(bytes));
  try {
    check_closed(bytes, "fake", Rules::kClosed);
  } catch (const Problem&) {
  }
  return 0;
}
