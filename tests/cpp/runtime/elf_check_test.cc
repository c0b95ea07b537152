// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <random>

#include "elf/check.h"
#include "files.h"

namespace tfnative::internal::elf {
namespace {

using testing::read_file;
using testing::TemporaryFolder;

// The fake artifact as the compiler links its own, whatever this test is built with.
const std::string& closed_library() {
  static const std::string library = read_file(FAKE_CLOSED_LIBRARY);
  return library;
}

std::string said(const std::string& library, const std::string& name = "fake") {
  // An allocation of its own, so that AddressSanitizer sees what is read behind its
  // end.
  const std::vector<char> bytes(library.begin(), library.end());
  try {
    check_closed({bytes.data(), bytes.size()}, name, Rules::kClosed);
  } catch (const Problem& problem) {
    return problem.what();
  }
  return "no problem";
}

// A library of which a test changes some fields.
class Changed {
 public:
  Changed() : bytes_(closed_library()) {
    std::memcpy(&header_, bytes_.data(), sizeof header_);
  }

  // Changes the header, or all segments, entries, symbols or relocations.
  Changed& header(const std::function<void(Elf64_Ehdr&)>& change) {
    each<Elf64_Ehdr>(0, sizeof(Elf64_Ehdr), change);
    return *this;
  }
  Changed& segments(const std::function<void(Elf64_Phdr&)>& change) {
    each<Elf64_Phdr>(header_.e_phoff, header_.e_phnum * sizeof(Elf64_Phdr), change);
    return *this;
  }
  Changed& segment(std::uint32_t type, const std::function<void(Elf64_Phdr&)>& change) {
    return segments([&](Elf64_Phdr& segment) {
      if (segment.p_type == type) change(segment);
    });
  }
  Changed& entry(std::int64_t tag, const std::function<void(Elf64_Dyn&)>& change) {
    for_segment(PT_DYNAMIC, [&](const Elf64_Phdr& segment) {
      each<Elf64_Dyn>(segment.p_offset, segment.p_filesz, [&](Elf64_Dyn& entry) {
        if (entry.d_tag == tag) change(entry);
      });
    });
    return *this;
  }
  Changed& symbols(const std::function<void(Elf64_Sym&)>& change) {
    // Of the linker's tables, the names follow the symbols.
    const std::uint64_t begin = value(DT_SYMTAB);
    each<Elf64_Sym>(begin, value(DT_STRTAB) - begin, change);
    return *this;
  }
  Changed& relocations(const std::function<void(Elf64_Rela&)>& change) {
    each<Elf64_Rela>(value(DT_RELA), value(DT_RELASZ), change);
    return *this;
  }
  Changed& word(std::uint64_t place, std::uint32_t value) {
    std::memcpy(bytes_.data() + place, &value, sizeof value);
    return *this;
  }
  std::uint64_t value(std::int64_t tag) {
    std::uint64_t found = 0;
    entry(tag, [&](Elf64_Dyn& each) { found = each.d_un.d_val; });
    return found;
  }
  std::uint64_t dynamic_address() {
    std::uint64_t found = 0;
    for_segment(PT_DYNAMIC, [&](const Elf64_Phdr& each) { found = each.p_vaddr; });
    return found;
  }

  std::uint64_t dynamic_offset() {
    std::uint64_t found = 0;
    for_segment(PT_DYNAMIC, [&](const Elf64_Phdr& each) { found = each.p_offset; });
    return found;
  }

  std::string bytes() const { return bytes_; }

 private:
  template <typename T>
  void each(std::uint64_t begin, std::uint64_t size,
            const std::function<void(T&)>& change) {
    for (std::uint64_t at = begin; at + sizeof(T) <= begin + size; at += sizeof(T)) {
      T value;
      std::memcpy(&value, bytes_.data() + at, sizeof value);
      change(value);
      std::memcpy(bytes_.data() + at, &value, sizeof value);
    }
  }
  void for_segment(std::uint32_t type,
                   const std::function<void(const Elf64_Phdr&)>& use) {
    std::vector<Elf64_Phdr> found;
    segment(type, [&](Elf64_Phdr& segment) { found.push_back(segment); });
    for (const Elf64_Phdr& segment : found) use(segment);
  }

  std::string bytes_;
  Elf64_Ehdr header_;
};

void set_type(Elf64_Rela& relocation, std::uint64_t type) {
  relocation.r_info = ELF64_R_INFO(ELF64_R_SYM(relocation.r_info), type);
}

void expect_said(const Changed& changed, const std::string& part) {
  const std::string text = said(changed.bytes());
  EXPECT_NE(text.find(part), std::string::npos) << text;
}

TEST(ClosedLibrary, IsWhatTheCompilerLinks) {
  EXPECT_EQ(said(closed_library()), "no problem");
}

TEST(ClosedLibrary, ExportsItsEntryPointAndNothingOfAnotherName) {
  EXPECT_NE(said(closed_library(), "fak").find("exports 'fake_artifact'"),
            std::string::npos);
  expect_said(Changed().symbols([](Elf64_Sym& symbol) { symbol.st_shndx = SHN_UNDEF; }),
              "does not export 'fake_artifact'");
  for (const unsigned char type : {STT_GNU_IFUNC, STT_TLS}) {
    expect_said(Changed().symbols([&](Elf64_Sym& symbol) {
      if (symbol.st_name != 0) symbol.st_info = ELF64_ST_INFO(STB_GLOBAL, type);
    }),
                "of a kind that no model has");
  }
  expect_said(Changed().symbols([](Elf64_Sym& symbol) {
    if (symbol.st_name != 0) symbol.st_value = 0;
  }),
              "functions alone");
}

TEST(ClosedLibrary, ExportsFunctionsThatDoNotOverlap) {
  Elf64_Sym entry_point = {};
  Changed().symbols([&](Elf64_Sym& symbol) {
    if (symbol.st_name != 0) entry_point = symbol;
  });
  const auto with_another = [&](std::uint64_t distance) {
    return Changed().symbols([&](Elf64_Sym& symbol) {
      if (symbol.st_name != 0) return;
      symbol = entry_point;
      symbol.st_value += distance;
      symbol.st_size = 1;
    });
  };
  EXPECT_EQ(said(with_another(0).bytes()), "no problem");
  expect_said(with_another(1), "begins inside of another one");
  expect_said(with_another(entry_point.st_size - 1), "begins inside of another one");
}

// RELACOUNT is an entry that it can do without.
TEST(ClosedLibrary, RunsNothingWhenItIsOpenedOrClosed) {
  for (const std::int64_t tag :
       {DT_INIT, DT_FINI, DT_INIT_ARRAY, DT_INIT_ARRAYSZ, DT_FINI_ARRAY,
        DT_FINI_ARRAYSZ, DT_PREINIT_ARRAY, DT_PREINIT_ARRAYSZ}) {
    expect_said(Changed().entry(DT_RELACOUNT, [&](Elf64_Dyn& e) { e.d_tag = tag; }),
                "runs code of its own");
  }
}

TEST(ClosedLibrary, AsksTheLinkerForNothingElse) {
  const std::pair<std::int64_t, const char*> refused[] = {
      {DT_TEXTREL, "changes its own code"},
      {DT_RPATH, "folders of its own choice"},
      {DT_RUNPATH, "folders of its own choice"},
      {DT_AUDIT, "no model has"},
      {DT_FILTER, "no model has"},
      {DT_AUXILIARY, "no model has"},
      {DT_SYMBOLIC, "no model has"},
      {0x6fffff00, "no model has"},
      {DT_RELA, "there twice"}};
  for (const auto& [tag, text] : refused) {
    expect_said(
        Changed().entry(DT_RELACOUNT, [&](Elf64_Dyn& entry) { entry.d_tag = tag; }),
        text);
  }
  for (const std::uint64_t flag : {DF_ORIGIN, DF_TEXTREL, DF_STATIC_TLS}) {
    const std::string text = said(Changed()
                                      .entry(DT_RELACOUNT,
                                             [&](Elf64_Dyn& entry) {
                                               entry.d_tag = DT_FLAGS;
                                               entry.d_un.d_val = flag;
                                             })
                                      .bytes());
    EXPECT_NE(text, "no problem") << flag;
  }
}

// Linkers read the others of such a group without asking whether they are there.
TEST(ClosedLibrary, HasNoEntryWithoutThoseThatBelongToIt) {
  constexpr std::int64_t kRelrSize = 35, kRelr = 36, kRelrEntry = 37;
  for (const std::int64_t tag :
       {std::int64_t{DT_RELA}, std::int64_t{DT_RELASZ}, std::int64_t{DT_RELAENT},
        std::int64_t{DT_STRSZ}, std::int64_t{DT_SYMENT}, std::int64_t{DT_STRTAB},
        std::int64_t{DT_SYMTAB}}) {
    expect_said(Changed().entry(tag, [](Elf64_Dyn& e) { e.d_tag = DT_BIND_NOW; }),
                "lacks another one");
  }
  for (const std::int64_t tag :
       {std::int64_t{DT_JMPREL}, std::int64_t{DT_PLTRELSZ}, std::int64_t{DT_PLTREL},
        std::int64_t{DT_VERSYM}, std::int64_t{DT_VERNEED}, std::int64_t{DT_VERNEEDNUM},
        kRelr, kRelrSize, kRelrEntry}) {
    expect_said(
        Changed().entry(DT_RELACOUNT, [&](Elf64_Dyn& entry) { entry.d_tag = tag; }),
        "lacks another one");
  }
}

TEST(ClosedLibrary, HasANameOfItsOwnThatEnds) {
  expect_said(Changed().entry(DT_RELACOUNT,
                              [](Elf64_Dyn& entry) {
                                entry.d_tag = DT_SONAME;
                                entry.d_un.d_val = 1 << 20;
                              }),
              "a name in it has no end");
}

// The library with packed relocations, these words, in the place of its ordinary ones.
Changed packed(const std::vector<std::uint64_t>& words) {
  Changed changed;
  const std::uint64_t place = changed.value(DT_RELA);
  changed.entry(DT_RELA, [](Elf64_Dyn& entry) { entry.d_tag = 36; });
  changed.entry(DT_RELASZ, [&](Elf64_Dyn& entry) {
    entry = {35, {words.size() * sizeof(std::uint64_t)}};
  });
  changed.entry(DT_RELAENT, [](Elf64_Dyn& entry) { entry = {37, {8}}; });
  changed.entry(DT_RELACOUNT, [](Elf64_Dyn& entry) { entry.d_tag = DT_BIND_NOW; });
  for (std::size_t i = 0; i < words.size(); ++i) {
    changed.word(place + 8 * i, static_cast<std::uint32_t>(words[i]));
    changed.word(place + 8 * i + 4, static_cast<std::uint32_t>(words[i] >> 32));
  }
  return changed;
}

TEST(ClosedLibrary, HasPackedRelocationsOfItsOwnAddressesEachOnce) {
  Changed library;
  std::uint64_t place = 0;
  library.relocations([&](Elf64_Rela& r) { place = std::max(place, r.r_offset); });
  EXPECT_EQ(said(packed({place}).bytes()), "no problem");
  expect_said(packed({place, place}), "make no sense");
  expect_said(packed({place + 4}), "where nothing may be written");
  expect_said(packed({1 << 30}), "where nothing may be written");
  Changed wrong = packed({place});
  const std::uint64_t offset =
      library.dynamic_offset() - library.dynamic_address() + place;
  expect_said(wrong.word(offset + 4, 1), "an address outside of the library");
}

TEST(ClosedLibrary, HasNoRelocationForAnAddressOutsideOfIt) {
  for (const std::int64_t addend :
       {std::int64_t{1} << 40, std::int64_t{-1}, std::int64_t{-4096},
        std::numeric_limits<std::int64_t>::max(),
        std::numeric_limits<std::int64_t>::min()}) {
    expect_said(Changed().relocations([&](Elf64_Rela& relocation) {
      if (ELF64_R_SYM(relocation.r_info) == 0) relocation.r_addend = addend;
    }),
                "an address outside of the library");
  }
}

TEST(ClosedLibrary, NeedsLibcAndLibmAlone) {
  // The only name in its table of texts is that of the entry point.
  expect_said(Changed().entry(DT_RELACOUNT,
                              [](Elf64_Dyn& entry) {
                                entry.d_tag = DT_NEEDED;
                                entry.d_un.d_val = 1;
                              }),
              "it needs the library 'fake_artifact'");
}

TEST(ClosedLibrary, HasNoRelocationThatCallsCodeOrWritesElsewhere) {
  for (const std::uint64_t type :
       {R_X86_64_IRELATIVE, R_X86_64_COPY, R_X86_64_TPOFF64, R_X86_64_DTPMOD64,
        R_X86_64_TLSDESC, 1032 /* R_AARCH64_IRELATIVE */}) {
    expect_said(Changed().relocations(
                    [&](Elf64_Rela& relocation) { set_type(relocation, type); }),
                "relocation of type");
  }
  Changed changed;
  for (const std::uint64_t place :
       {std::uint64_t{0}, changed.dynamic_address(), changed.dynamic_address() - 7,
        std::uint64_t{1} << 40, ~std::uint64_t{0} - 3}) {
    expect_said(Changed().relocations(
                    [&](Elf64_Rela& relocation) { relocation.r_offset = place; }),
                "where nothing may be written");
  }
  expect_said(Changed().relocations([](Elf64_Rela& relocation) {
    relocation.r_info += std::uint64_t{1000} << 32;
  }),
              "a name that there is not");
}

TEST(ClosedLibrary, LiesInTheFileAndOnPagesOfItsOwn) {
  expect_said(
      Changed().segment(PT_LOAD, [](Elf64_Phdr& s) { s.p_flags |= PF_W | PF_X; }),
      "written and executed");
  expect_said(Changed().segment(PT_GNU_STACK, [](Elf64_Phdr& s) { s.p_flags |= PF_X; }),
              "stack");
  expect_said(Changed().segment(PT_LOAD, [](Elf64_Phdr& s) { s.p_filesz = 1 << 30; }),
              "outside of the file");
  expect_said(Changed().segment(PT_LOAD, [](Elf64_Phdr& s) { s.p_align = 3; }),
              "not aligned");
  expect_said(Changed().segment(PT_LOAD, [](Elf64_Phdr& s) { s.p_memsz = 1 << 20; }),
              "overlap");
  for (const std::uint32_t type : {PT_TLS, PT_INTERP, PT_SHLIB}) {
    expect_said(
        Changed().segment(PT_GNU_STACK, [&](Elf64_Phdr& s) { s.p_type = type; }),
        "which no model has");
  }
  expect_said(Changed().header([](Elf64_Ehdr& h) { h.e_phnum = 65535; }),
              "not in the file");
  expect_said(Changed().header([](Elf64_Ehdr& h) { h.e_phoff = ~std::uint64_t{0}; }),
              "not in the file");
  expect_said(Changed().header([](Elf64_Ehdr& h) { h.e_phnum = 0; }), "no table");
}

TEST(ClosedLibrary, HasSegmentsThatAreEachOtherBytesOfTheFile) {
  const auto is_code = [](const Elf64_Phdr& s) {
    return s.p_type == PT_LOAD && (s.p_flags & PF_X) != 0;
  };
  expect_said(Changed().segments([&](Elf64_Phdr& s) {
    if (is_code(s)) s.p_offset = 0;
  }),
              "overlap in the file");
  expect_said(Changed().segments([&](Elf64_Phdr& s) {
    if (is_code(s)) s.p_filesz = 0;
  }),
              "bytes that no file has");
}

TEST(ClosedLibrary, HasATableForTheLinkerThatCanBeWritten) {
  expect_said(Changed().segments([](Elf64_Phdr& s) { s.p_flags &= PF_R | PF_X; }),
              "cannot be written");
  expect_said(Changed().segment(PT_DYNAMIC, [](Elf64_Phdr& s) { s.p_flags = PF_R; }),
              "cannot be written");
}

TEST(ClosedLibrary, HasNotesThatEnd) {
  Changed library;
  std::uint64_t place = 0;
  library.segment(PT_NOTE, [&](Elf64_Phdr& s) { place = s.p_offset; });
  if (place == 0) GTEST_SKIP() << "this linker writes no notes";
  for (const std::uint64_t word : {0u, 4u}) {  // The sizes of its name and of the rest.
    expect_said(Changed().word(place + word, 0xfffffff0), "its notes make no sense");
  }
}

TEST(ClosedLibrary, HasTablesInWhichLookingUpANameEnds) {
  Changed library;
  const std::uint64_t hash = library.value(DT_GNU_HASH);
  for (std::uint64_t word = 0; word < 12; ++word) {
    for (const std::uint32_t value : {0u, 3u, 0x7fffffffu, 0xffffffffu}) {
      said(Changed()
               .word(hash + 4 * word, value)
               .bytes());  // Ends, and reads nothing else.
    }
  }
  expect_said(Changed().word(hash, 0), "table of hashes");
  expect_said(Changed().word(hash + 8, 3), "table of hashes");
}

TEST(ClosedLibrary, NothingIsReadOutsideOfItHoweverShortItIs) {
  const std::string& whole = closed_library();
  for (std::size_t size = 0; size < whole.size(); size += size < 1024 ? 1 : 101) {
    said(whole.substr(0, size));
  }
  EXPECT_NE(said(""), "no problem");
  EXPECT_NE(said(std::string(4096, '\x7f')), "no problem");
}

// Opens and closes a library in a process of its own; returns what ended it, or 0.
int signal_of_opening(const std::string& file) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (void* const handle = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL)) {
      ::dlsym(handle, "fake_artifact");
      ::dlsym(handle, "fake_no_such_function");
      ::dlclose(handle);
    }
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
}

// The dynamic linker itself is the judge.
TEST(ClosedLibrary, WhateverBitsAreWrongTheLinkerSurvivesWhatIsNotRefused) {
  const TemporaryFolder folder;
  const std::string& whole = closed_library();
  Changed library;
  const std::uint64_t tables = library.value(DT_RELA) + library.value(DT_RELASZ);
  const std::uint64_t dynamic = library.dynamic_offset();
  std::mt19937 engine(7);
  int accepted = 0, refused = 0;
  const auto judge = [&](const std::string& damaged, std::size_t place) {
    if (said(damaged) != "no problem") {
      ++refused;
      return;
    }
    if (accepted++ % 20 != 0) return;  // Others are like it, and a process takes long.
    const std::string file = folder.write("libdamaged.so", damaged);
    EXPECT_EQ(signal_of_opening(file), 0) << place;
  };
  for (std::size_t i = 0; i < 4000; ++i) {
    const std::size_t place = i % 4 == 0 ? dynamic + engine() % 200 : engine() % tables;
    std::string damaged = whole;
    damaged[place] = static_cast<char>(damaged[place] ^ (1 << engine() % 8));
    judge(damaged, place);
  }
  EXPECT_GT(refused, 0);
  EXPECT_GT(accepted, 0);
}

}  // namespace
}  // namespace tfnative::internal::elf
