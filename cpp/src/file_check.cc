// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include <elf.h>

#include <cctype>
#include <cstring>
#include <string_view>

#include "base/text.h"
#include "crc32.h"
#include "elf/check.h"
#include "library.h"
#include "tfnative/error.hpp"

namespace tfnative::internal {
namespace {

[[noreturn]] void fail(const std::string& file, const std::string& problem) {
  throw LoadError("cannot load " + quoted(file) + ": " + problem);
}

std::string machine_name(unsigned machine) {
  switch (machine) {
    case EM_X86_64: return "x86-64";
    case EM_AARCH64: return "aarch64";
    case EM_386: return "32-bit x86";
    case EM_ARM: return "32-bit ARM";
    case EM_RISCV: return "RISC-V";
    default: return "machine type " + std::to_string(machine);
  }
}

#if defined(__x86_64__)
constexpr unsigned kThisMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr unsigned kThisMachine = EM_AARCH64;
#else
constexpr unsigned kThisMachine = EM_NONE;
#endif

// What is built with sanitizers loads what is built with them, too.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr elf::Rules kRules = elf::Rules::kInstrumented;
#else
constexpr elf::Rules kRules = elf::Rules::kClosed;
#endif

void check_elf(const std::string& file, std::string_view bytes) {
  Elf64_Ehdr header;
  if (bytes.size() < sizeof header || std::memcmp(bytes.data(), ELFMAG, SELFMAG) != 0) {
    fail(file, "it is not a shared library (" + std::to_string(bytes.size()) +
                   " bytes, no ELF header)");
  }
  std::memcpy(&header, bytes.data(), sizeof header);
  const bool is_64_bit =
      header.e_ident[EI_CLASS] == ELFCLASS64 && header.e_ident[EI_DATA] == ELFDATA2LSB;
  if (!is_64_bit || header.e_machine != kThisMachine) {
    // e_machine is at the same place in 32-bit headers.
    fail(file, "it is made for " + machine_name(header.e_machine) +
                   ", this machine is " + machine_name(kThisMachine));
  }
  if (header.e_type != ET_DYN) fail(file, "it is not a shared library");
}

// Whether the name is one of C, and what comes after it is zero.
bool is_identifier(const tfn_trailer& trailer) {
  const std::size_t length = ::strnlen(trailer.name, sizeof trailer.name);
  if (length == 0 || length == sizeof trailer.name) return false;
  for (std::size_t i = 0; i < sizeof trailer.name; ++i) {
    const unsigned char c = static_cast<unsigned char>(trailer.name[i]);
    if (i < length ? !std::isalnum(c) && c != '_' : c != 0) return false;
  }
  return true;
}

tfn_trailer read_trailer(const std::string& file, std::string_view bytes) {
  tfn_trailer trailer = {};
  if (bytes.size() >= sizeof trailer) {
    std::memcpy(&trailer, bytes.data() + bytes.size() - sizeof trailer, sizeof trailer);
  }
  if (std::memcmp(trailer.magic, TFN_TRAILER_MAGIC, sizeof trailer.magic) != 0) {
    fail(file,
         "it is not an artifact of tfnative, or the end of the file is missing "
         "(a stripped or truncated copy)");
  }
  if (trailer.abi_version != TFN_ABI_VERSION) {
    fail(file, "it has ABI version " + std::to_string(trailer.abi_version) +
                   ", this tfnative reads version " + std::to_string(TFN_ABI_VERSION));
  }
  if (trailer.file_bytes != bytes.size()) {
    fail(file, "it is truncated or damaged: it has " + std::to_string(bytes.size()) +
                   " bytes of " + std::to_string(trailer.file_bytes));
  }
  const std::uint64_t end = bytes.size() - sizeof trailer;
  if (trailer.weights_offset > end ||
      trailer.weights_bytes > end - trailer.weights_offset || trailer.reserved != 0 ||
      !is_identifier(trailer)) {
    fail(file, "it is damaged: its trailer makes no sense");
  }
  return trailer;
}

void check_crc(const std::string& file, std::string_view bytes,
               const tfn_trailer& trailer) {
  const std::size_t end = bytes.size() - sizeof trailer;
  const std::size_t begin_weights = trailer.weights_offset;
  const std::size_t end_weights = begin_weights + trailer.weights_bytes;
  std::uint32_t crc = crc32(0, bytes.data(), begin_weights);
  crc = crc32(crc, bytes.data() + end_weights, end - end_weights);
  if (crc != trailer.crc32) fail(file, "it is damaged: its checksum does not fit");
}

}  // namespace

tfn_trailer check_library(const std::string& file, std::string_view bytes) {
  check_elf(file, bytes);
  const tfn_trailer trailer = read_trailer(file, bytes);
  check_crc(file, bytes, trailer);
  try {
    elf::check_closed(bytes, trailer.name, kRules);
  } catch (const elf::Problem& problem) {
    fail(file, std::string(problem.what()) +
                   ". It was compiled by an older tfnative, or somebody changed it: "
                   "compile the model again");
  }
  return trailer;
}

}  // namespace tfnative::internal
