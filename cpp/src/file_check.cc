// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include <elf.h>

#include <cctype>
#include <cstring>

#include "base/mapped_file.h"
#include "base/text.h"
#include "crc32.h"
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

void check_elf(const std::string& file, const MappedFile& mapped) {
  Elf64_Ehdr header;
  if (mapped.size() < sizeof header ||
      std::memcmp(mapped.data(), ELFMAG, SELFMAG) != 0) {
    fail(file, "it is not a shared library (" + std::to_string(mapped.size()) +
                   " bytes, no ELF header)");
  }
  std::memcpy(&header, mapped.data(), sizeof header);
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

tfn_trailer read_trailer(const std::string& file, const MappedFile& mapped) {
  tfn_trailer trailer = {};
  if (mapped.size() >= sizeof trailer) {
    std::memcpy(&trailer, mapped.data() + mapped.size() - sizeof trailer,
                sizeof trailer);
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
  if (trailer.file_bytes != mapped.size()) {
    fail(file, "it is truncated or damaged: it has " + std::to_string(mapped.size()) +
                   " bytes of " + std::to_string(trailer.file_bytes));
  }
  const std::uint64_t end = mapped.size() - sizeof trailer;
  if (trailer.weights_offset > end ||
      trailer.weights_bytes > end - trailer.weights_offset || trailer.reserved != 0 ||
      !is_identifier(trailer)) {
    fail(file, "it is damaged: its trailer makes no sense");
  }
  return trailer;
}

void check_crc(const std::string& file, const MappedFile& mapped,
               const tfn_trailer& trailer) {
  const std::size_t end = mapped.size() - sizeof trailer;
  const std::size_t begin_weights = trailer.weights_offset;
  const std::size_t end_weights = begin_weights + trailer.weights_bytes;
  std::uint32_t crc = crc32(0, mapped.data(), begin_weights);
  crc = crc32(crc, mapped.data() + end_weights, end - end_weights);
  if (crc != trailer.crc32) fail(file, "it is damaged: its checksum does not fit");
}

}  // namespace

tfn_trailer check_library(const std::string& file) {
  const MappedFile mapped(file);
  check_elf(file, mapped);
  const tfn_trailer trailer = read_trailer(file, mapped);
  check_crc(file, mapped, trailer);
  return trailer;
}

}  // namespace tfnative::internal
