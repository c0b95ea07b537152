// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <functional>
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
