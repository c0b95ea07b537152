// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "elf/relocations.h"

namespace tfnative::internal::elf {
namespace {

constexpr std::int64_t kRelrSize = 35, kRelr = 36;  // Older headers lack these.

enum class Kind { kOwnAddress, kImport, kOther };

Kind kind_of(unsigned machine, std::uint64_t type) {
  if (machine == EM_X86_64) {
    switch (type) {
      case R_X86_64_RELATIVE: return Kind::kOwnAddress;
      case R_X86_64_64:
      case R_X86_64_GLOB_DAT:
      case R_X86_64_JUMP_SLOT: return Kind::kImport;
      default: return Kind::kOther;
    }
  }
  if (machine == EM_AARCH64) {
    switch (type) {
      case R_AARCH64_RELATIVE: return Kind::kOwnAddress;
      case R_AARCH64_ABS64:
      case R_AARCH64_GLOB_DAT:
      case R_AARCH64_JUMP_SLOT: return Kind::kImport;
      default: return Kind::kOther;
    }
  }
  return Kind::kOther;
}

class Checker {
 public:
  Checker(const Image& image, const std::vector<Symbol>& symbols)
      : image_(image), symbols_(symbols) {}

  void check(std::string_view table) const {
    if (table.size() % sizeof(Elf64_Rela) != 0) {
      throw Problem("its relocations make no sense");
    }
    for (std::uint64_t i = 0; i < table.size() / sizeof(Elf64_Rela); ++i) {
      check(Image::at<Elf64_Rela>(table, i));
    }
  }

  // Addresses alone, packed: an even word is a place, an odd one says which of the 63
  // words behind the last place are others.
  void check_packed(std::string_view table) const {
    if (table.size() % sizeof(std::uint64_t) != 0) {
      throw Problem("its relocations make no sense");
    }
    std::uint64_t next = 0, free = 0;
    const auto check_next = [&](std::uint64_t place) {
      // To a place that is there twice, the linker would add twice.
      if (place < free) throw Problem("its relocations make no sense");
      free = place + sizeof(std::uint64_t);
      check_place(place);
      check_address(
          Image::at<std::uint64_t>(image_.bytes(place, sizeof place, true), 0));
    };
    for (std::uint64_t i = 0; i < table.size() / sizeof(std::uint64_t); ++i) {
      std::uint64_t word = Image::at<std::uint64_t>(table, i);
      if ((word & 1) == 0) {
        check_next(word);
        next = word + sizeof word;
        continue;
      }
      for (std::uint64_t place = next; (word >>= 1) != 0; place += sizeof word) {
        if ((word & 1) != 0) check_next(place);
      }
      next += 63 * sizeof word;
    }
  }

 private:
  void check(const Elf64_Rela& relocation) const {
    const Kind kind = kind_of(image_.machine(), ELF64_R_TYPE(relocation.r_info));
    const std::uint64_t symbol = ELF64_R_SYM(relocation.r_info);
    if (kind == Kind::kOther) {
      throw Problem("it has a relocation of type " +
                    std::to_string(ELF64_R_TYPE(relocation.r_info)) +
                    ", which no model has");
    }
    if (symbol >= symbols_.size() || (kind == Kind::kOwnAddress && symbol != 0)) {
      throw Problem("a relocation is for a name that there is not");
    }
    check_place(relocation.r_offset);
    const auto addend = static_cast<std::uint64_t>(relocation.r_addend);
    if (kind == Kind::kOwnAddress) return check_address(addend);
    // The first symbol is no name, but would be taken for an address.
    const Symbol& import = symbols_[symbol];
    if (symbol == 0 || (!import.is_defined && addend != 0)) {
      throw Problem("a relocation is for a name that there is not");
    }
    if (import.is_defined) check_address(import.address + addend);
  }

  // That something is written which points into the library, or to its end.
  void check_address(std::uint64_t address) const {
    if (!image_.lies_in(address, 0, 0)) {
      throw Problem("a relocation is for an address outside of the library");
    }
  }

  void check_place(std::uint64_t place) const {
    const std::uint64_t bytes = sizeof(std::uint64_t);
    const std::uint64_t begin = image_.dynamic_address();
    const bool is_aligned = place % bytes == 0;
    const bool is_for_linker =
        place + bytes > begin && place < begin + image_.dynamic_bytes();
    if (!image_.lies_in(place, bytes, PF_W) || is_for_linker || !is_aligned) {
      throw Problem("a relocation would write where nothing may be written");
    }
  }

  const Image& image_;
  const std::vector<Symbol>& symbols_;
};

}  // namespace

void check_relocations(const Image& image, const Dynamic& dynamic,
                       const std::vector<Symbol>& symbols) {
  const Checker checker(image, symbols);
  const std::string_view ordinary = dynamic.table(DT_RELA, DT_RELASZ);
  checker.check(ordinary);
  // The linker trusts that so many at the beginning need no look at their type.
  const std::uint64_t trusted = dynamic.value(DT_RELACOUNT);
  if (trusted > ordinary.size() / sizeof(Elf64_Rela)) {
    throw Problem("its relocations make no sense");
  }
  for (std::uint64_t i = 0; i < trusted; ++i) {
    const auto relocation = Image::at<Elf64_Rela>(ordinary, i);
    if (kind_of(image.machine(), ELF64_R_TYPE(relocation.r_info)) !=
        Kind::kOwnAddress) {
      throw Problem("its relocations make no sense");
    }
  }
  checker.check(dynamic.table(DT_JMPREL, DT_PLTRELSZ));
  checker.check_packed(dynamic.table(kRelr, kRelrSize));
}

}  // namespace tfnative::internal::elf
