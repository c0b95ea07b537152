// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "elf/dynamic.h"

#include <algorithm>
#include <iterator>

#include "base/text.h"

namespace tfnative::internal::elf {
namespace {

// Older headers lack these.
constexpr std::int64_t kRelrSize = 35, kRelr = 36, kRelrEntry = 37;
constexpr std::int64_t kFirstOfMachine = 0x70000000, kLastOfMachine = 0x70000005;

// What GNU ld, gold and lld write for a closed library, whatever the machine.
bool is_known(std::int64_t tag) {
  switch (tag) {
    case DT_SONAME:
    case DT_HASH:
    case DT_GNU_HASH:
    case DT_STRTAB:
    case DT_STRSZ:
    case DT_SYMTAB:
    case DT_SYMENT:
    case DT_PLTGOT:
    case DT_PLTRELSZ:
    case DT_PLTREL:
    case DT_JMPREL:
    case DT_RELA:
    case DT_RELASZ:
    case DT_RELAENT:
    case DT_RELACOUNT:
    case kRelr:
    case kRelrSize:
    case kRelrEntry:
    case DT_FLAGS:
    case DT_FLAGS_1:
    case DT_BIND_NOW:
    case DT_VERSYM:
    case DT_VERNEED:
    case DT_VERNEEDNUM: return true;
    // How the PLT is protected, and where it is: PAC, BTI, and that of x86-64.
    default: return tag >= kFirstOfMachine && tag <= kLastOfMachine;
  }
}

// Entries that say something only together: linkers that find one of them look at the
// others without asking whether they are there. Each list ends in 0.
constexpr std::int64_t kTogether[][4] = {
    {DT_STRTAB, DT_STRSZ},
    {DT_SYMTAB, DT_SYMENT},
    {DT_RELA, DT_RELASZ, DT_RELAENT},
    {DT_JMPREL, DT_PLTRELSZ, DT_PLTREL},
    {kRelr, kRelrSize, kRelrEntry},
    {DT_VERSYM, DT_VERNEED, DT_VERNEEDNUM},
};

bool is_code_at_opening(std::int64_t tag) {
  switch (tag) {
    case DT_INIT:
    case DT_FINI:
    case DT_INIT_ARRAY:
    case DT_INIT_ARRAYSZ:
    case DT_FINI_ARRAY:
    case DT_FINI_ARRAYSZ:
    case DT_PREINIT_ARRAY:
    case DT_PREINIT_ARRAYSZ: return true;
    default: return false;
  }
}

std::string refusal(std::int64_t tag) {
  if (is_code_at_opening(tag)) {
    return "it runs code of its own when it is opened or closed";
  }
  switch (tag) {
    case DT_RPATH:
    case DT_RUNPATH: return "it looks for libraries in folders of its own choice";
    case DT_TEXTREL: return "it changes its own code when it is opened";
    default: {
      const auto number = static_cast<std::uint64_t>(tag);
      return "it has an entry for the dynamic linker (" + std::to_string(number) +
             ") that no model has";
    }
  }
}

}  // namespace

Dynamic::Dynamic(const Image& image, Rules rules) : image_(image) {
  const std::string_view table =
      image.bytes(image.dynamic_address(), image.dynamic_bytes(), true);
  for (std::uint64_t i = 0;; ++i) {
    const auto entry = Image::at<Elf64_Dyn>(table, i);
    if (entry.d_tag == DT_NULL) break;
    add(entry, rules);
  }
  check();
  texts_ = image_.bytes(value(DT_STRTAB), value(DT_STRSZ));
  for (const std::uint64_t place : needed_places_) needed_.push_back(text(place));
  if (has(DT_SONAME)) text(value(DT_SONAME));
}

void Dynamic::add(const Elf64_Dyn& entry, Rules rules) {
  const std::int64_t tag = entry.d_tag;
  if (tag == DT_NEEDED) {
    needed_places_.push_back(entry.d_un.d_val);
    return;
  }
  const bool is_tolerated =
      rules == Rules::kInstrumented && (is_code_at_opening(tag) || tag == DT_RUNPATH);
  if (!is_known(tag) && !is_tolerated) throw Problem(refusal(tag));
  if (!entries_.emplace(tag, entry.d_un.d_val).second) {
    throw Problem("an entry for the dynamic linker is there twice");
  }
}

void Dynamic::check() const {
  const auto is = [&](std::int64_t tag, std::uint64_t expected) {
    return !has(tag) || value(tag) == expected;
  };
  for (const auto& tags : kTogether) {
    const auto end = std::find(std::begin(tags), std::end(tags), DT_NULL);
    const auto found = std::count_if(std::begin(tags), end,
                                     [&](std::int64_t tag) { return has(tag); });
    if (found != 0 && found != end - std::begin(tags)) {
      throw Problem("an entry for the dynamic linker lacks another one");
    }
  }
  if (!is(DT_SYMENT, sizeof(Elf64_Sym)) || !is(DT_RELAENT, sizeof(Elf64_Rela)) ||
      !is(kRelrEntry, sizeof(std::uint64_t)) || !is(DT_PLTREL, DT_RELA)) {
    throw Problem("its dynamic table makes no sense");
  }
  if ((value(DT_FLAGS) & DF_TEXTREL) != 0) throw Problem(refusal(DT_TEXTREL));
  if ((value(DT_FLAGS) & ~std::uint64_t{DF_BIND_NOW | DF_SYMBOLIC}) != 0 ||
      (value(DT_FLAGS_1) & ~std::uint64_t{DF_1_NOW}) != 0) {
    throw Problem("it asks the dynamic linker for what no model asks for");
  }
  if (has(DT_PLTGOT) && !image_.lies_in(value(DT_PLTGOT), 0, PF_W)) {
    throw Problem("its dynamic table makes no sense");
  }
  if (!has(DT_SYMTAB) || !has(DT_STRTAB)) {
    throw Problem("it has no table of names");
  }
}

std::uint64_t Dynamic::value(std::int64_t tag) const {
  const auto found = entries_.find(tag);
  return found == entries_.end() ? 0 : found->second;
}

std::string_view Dynamic::table(std::int64_t address_tag, std::int64_t size_tag) const {
  if (!has(address_tag)) return {};
  return image_.bytes(value(address_tag), value(size_tag));
}

std::string Dynamic::text(std::uint64_t place) const {
  if (place < texts_.size()) {
    const std::string_view rest = texts_.substr(place);
    const std::size_t end = rest.find('\0');
    if (end != std::string_view::npos) return std::string(rest.substr(0, end));
  }
  throw Problem("a name in it has no end");
}

}  // namespace tfnative::internal::elf
