// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Writes libraries that no linker would, so that a test can put each number of a table
// at the end of what is allowed, and one beyond.
#pragma once

#include <unistd.h>

#include <cstring>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "elf/check.h"

namespace tfnative::internal::elf::testing {

// Three pages, one segment each: tables, code, and what may be written to, which begins
// with the dynamic table. As it stands, the library is one that models may be: it
// exports the function "fake_artifact".
struct Library {
  static std::uint64_t page() {
    return static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  }
  static std::uint64_t code() { return page(); }
  static std::uint64_t data() { return 2 * page(); }
  static std::uint64_t end() { return 3 * page(); }

  static Elf64_Phdr segment(std::uint32_t type, std::uint32_t flags,
                            std::uint64_t begin, std::uint64_t size) {
    return {type, flags, begin, begin, begin, size, size, page()};
  }
  static Elf64_Sym function(std::uint32_t text, std::uint64_t address) {
    return {text, ELF64_ST_INFO(STB_GLOBAL, STT_FUNC), STV_DEFAULT, 2, address, 16};
  }
  static Elf64_Rela relocation(std::uint64_t place, std::uint64_t symbol,
                               std::uint64_t type) {
    return {place, ELF64_R_INFO(symbol, type), 0};
  }

  Library() {
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_ident[EI_VERSION] = EV_CURRENT;
    header.e_type = ET_DYN;
    header.e_machine = EM_X86_64;
    header.e_version = EV_CURRENT;
    header.e_phoff = sizeof header;
    header.e_phentsize = sizeof(Elf64_Phdr);
  }

  // A text's place in the table of texts.
  std::uint32_t text(const std::string& value) {
    texts += value + '\0';
    return static_cast<std::uint32_t>(texts.size() - value.size() - 1);
  }

  // Puts a table anywhere in the first page.
  template <typename T>
  std::uint64_t put(const std::vector<T>& table) {
    return put_bytes(
        {reinterpret_cast<const char*>(table.data()), table.size() * sizeof(T)});
  }
  std::uint64_t put_bytes(const std::string& bytes) {
    const std::uint64_t place = next_;
    tables[place] = bytes;
    next_ += (bytes.size() + 7) / 8 * 8;
    return place;
  }
  // Puts a table at the very end of the first page.
  template <typename T>
  std::uint64_t put_last(const std::vector<T>& table) {
    const std::uint64_t place = page() - table.size() * sizeof(T);
    tables[place] = {reinterpret_cast<const char*>(table.data()),
                     table.size() * sizeof(T)};
    return place;
  }
  void set(std::int64_t tag, std::uint64_t value) { entries[tag] = value; }
  template <typename T>
  void set(std::int64_t place_tag, std::int64_t size_tag, const std::vector<T>& table) {
    set(place_tag, put(table));
    set(size_tag, table.size() * sizeof(T));
  }

  std::string bytes() {
    set(DT_SYMTAB, put(symbols));
    if (entries.count(DT_STRTAB) == 0) set(DT_STRTAB, put_bytes(texts));
    entries.insert({DT_STRSZ, texts.size()});
    add_companions();
    std::vector<Elf64_Dyn> dynamic = extra;
    for (const auto& [tag, value] : entries) dynamic.push_back({tag, {value}});
    dynamic.push_back({DT_NULL, {0}});
    const std::uint64_t size = dynamic.size() * sizeof(Elf64_Dyn);
    segments.push_back(segment(PT_DYNAMIC, PF_R | PF_W, data(), size));
    header.e_phnum = static_cast<std::uint16_t>(segments.size());
    std::string file(end(), '\0');
    const auto write = [&](std::uint64_t place, const void* from, std::size_t count) {
      std::memcpy(file.data() + place, from, count);
    };
    write(0, &header, sizeof header);
    write(sizeof header, segments.data(), segments.size() * sizeof(Elf64_Phdr));
    for (const auto& [place, table] : tables) write(place, table.data(), table.size());
    write(data(), dynamic.data(), size);
    return file;
  }

  Elf64_Ehdr header = {};
  std::vector<Elf64_Phdr> segments = {segment(PT_LOAD, PF_R, 0, page()),
                                      segment(PT_LOAD, PF_R | PF_X, code(), page()),
                                      segment(PT_LOAD, PF_R | PF_W, data(), page())};
  std::string texts = std::string("\0fake_artifact\0", 15);
  std::vector<Elf64_Sym> symbols = {Elf64_Sym{}, function(1, code())};
  std::map<std::uint64_t, std::string> tables;
  std::map<std::int64_t, std::uint64_t> entries;
  std::vector<Elf64_Dyn> extra;  // Stand first, and may be there twice.

 private:
  // Entries that have to be there beside others, unless a test has set them.
  void add_companions() {
    const std::pair<std::int64_t, std::pair<std::int64_t, std::uint64_t>> known[] = {
        {DT_SYMTAB, {DT_SYMENT, sizeof(Elf64_Sym)}},
        {DT_RELA, {DT_RELAENT, sizeof(Elf64_Rela)}},
        {DT_JMPREL, {DT_PLTREL, DT_RELA}},
        {36, {37, sizeof(std::uint64_t)}},  // DT_RELR, which older headers lack.
        {DT_VERNEED, {DT_VERNEEDNUM, 1}}};
    for (const auto& [tag, companion] : known) {
      if (entries.count(tag) != 0) entries.insert(companion);
    }
  }

  std::uint64_t next_ = 1024;  // The first page begins with the header and segments.
};

// What the check says of a library: "" if nothing is wrong.
inline std::string said(const std::string& library, Rules rules = Rules::kClosed) {
  // An allocation of its own, so that AddressSanitizer sees what is read behind it.
  const std::vector<char> bytes(library.begin(), library.end());
  try {
    check_closed({bytes.data(), bytes.size()}, "fake", rules);
  } catch (const Problem& problem) {
    return problem.what();
  }
  return "";
}

}  // namespace tfnative::internal::elf::testing
