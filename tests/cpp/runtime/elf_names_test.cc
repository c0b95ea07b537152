// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// What a library exports, needs, and asks the dynamic linker for.
#include <gtest/gtest.h>

#include <functional>

#include "elf_writer.h"

namespace tfnative::internal::elf {
namespace {

using testing::Library;

// What is said of a library with two names, of which a change makes something.
std::string said_of(const std::function<void(Library&)>& change,
                    Rules rules = Rules::kClosed) {
  Library library;
  library.set(DT_HASH, library.put(std::vector<std::uint32_t>{1, 3, 1, 0, 0, 0}));
  library.symbols.push_back(Library::function(library.text("fake_other"), 0));
  library.symbols[2].st_value = Library::code() + 16;
  change(library);
  return testing::said(library.bytes(), rules);
}

std::string said_of_symbol(const std::function<void(Elf64_Sym&)>& change) {
  return said_of([&](Library& library) { change(library.symbols[2]); });
}

const char* const kExported =
    "it exports 'fake_other', and models export functions alone that begin with "
    "'fake_'";

TEST(ElfNames, AreExportedOfFunctionsThatLieInCode) {
  const auto said_of_place = [](std::uint64_t address, std::uint64_t bytes) {
    return said_of_symbol([&](Elf64_Sym& symbol) {
      symbol.st_value = address;
      symbol.st_size = bytes;
    });
  };
  const std::uint64_t begin = Library::code(), end = Library::data();
  for (const auto& [address, bytes] :
       {std::pair{begin, std::uint64_t{0}}, {begin, end - begin}, {end - 1, 1}}) {
    EXPECT_EQ(said_of_place(address, bytes), "") << address << " " << bytes;
  }
  for (const auto& [address, bytes] : {std::pair{begin - 1, std::uint64_t{2}},
                                       {begin, end - begin + 1},
                                       {end - 1, 2},
                                       {begin, ~std::uint64_t{0}},
                                       {0, 1},
                                       {end, 1}}) {
    EXPECT_EQ(said_of_place(address, bytes), kExported) << address << " " << bytes;
  }
}

TEST(ElfNames, AreCheckedAsTheirKindsAre) {
  const auto said_of_kind = [](unsigned char binding, unsigned char type,
                               bool is_defined = true) {
    return said_of_symbol([&](Elf64_Sym& symbol) {
      symbol.st_info = static_cast<unsigned char>(ELF64_ST_INFO(binding, type));
      if (!is_defined) symbol.st_shndx = SHN_UNDEF;
    });
  };
  EXPECT_EQ(said_of_kind(STB_GLOBAL, STT_FUNC), "");
  EXPECT_EQ(said_of_kind(STB_WEAK, STT_FUNC), "");
  for (const unsigned char type : {STT_NOTYPE, STT_OBJECT, STT_SECTION}) {
    EXPECT_EQ(said_of_kind(STB_GLOBAL, type), kExported);
    EXPECT_EQ(said_of_kind(STB_WEAK, type), kExported);
    EXPECT_EQ(said_of_kind(STB_LOCAL, type), "");
    EXPECT_EQ(said_of_kind(STB_GLOBAL, type, false), "");  // It is imported.
  }
  for (const unsigned char type : {STT_TLS, STT_GNU_IFUNC}) {
    for (const unsigned char binding : {STB_LOCAL, STB_GLOBAL, STB_WEAK}) {
      EXPECT_EQ(said_of_kind(binding, type),
                "the name 'fake_other' is of a kind that no model has");
      EXPECT_EQ(said_of_kind(binding, type, false),
                "the name 'fake_other' is of a kind that no model has");
    }
  }
}

TEST(ElfNames, HaveTheEntryPointAmongThem) {
  const auto said_with = [](std::size_t missing) {
    return said_of(
        [&](Library& library) { library.symbols[missing].st_shndx = SHN_UNDEF; });
  };
  EXPECT_EQ(said_with(2), "");
  EXPECT_EQ(said_with(1), "it does not export 'fake_artifact'");
  EXPECT_EQ(said_of([](Library& library) {  // The order does not matter.
              std::swap(library.symbols[1], library.symbols[2]);
            }),
            "");
}

TEST(ElfNames, EndWithinTheTableOfTexts) {
  const char* const endless = "a name in it has no end";
  const auto said_with = [](std::uint64_t cut, std::uint32_t name) {
    return said_of([&](Library& library) {
      library.symbols[2].st_name = name;
      library.set(DT_STRTAB, library.put_bytes(library.texts));
      library.set(DT_STRSZ, library.texts.size() - cut);
    });
  };
  // "\0fake_artifact\0fake_other\0"
  EXPECT_EQ(said_with(0, 15), "");
  EXPECT_EQ(said_with(1, 15), endless);
  EXPECT_EQ(said_with(0, 26), endless);
  EXPECT_EQ(said_with(0, 25).substr(0, 13), "it exports ''");
}

TEST(ElfNeeds, LibcAndLibmAndNothingFromAFolder) {
  const auto said_of_need = [](const std::string& name, Rules rules) {
    return said_of(
        [&](Library& library) {
          library.extra = {{DT_NEEDED, {library.text("libc.so.6")}},
                           {DT_NEEDED, {library.text(name)}}};
        },
        rules);
  };
  const auto refusal = [](const std::string& name) {
    return "it needs the library '" + name + "', and models need libc and libm alone";
  };
  for (const char* const name :
       {"libc.so.6", "libm.so.6", "libc.so", "libm.so", "libdl.so",
        "ld-linux-x86-64.so.2", "libc.musl-x86_64.so.1", "ld-musl-x86_64.so.1"}) {
    EXPECT_EQ(said_of_need(name, Rules::kClosed), "") << name;
  }
  for (const char* const name :
       {"", "libc", "libc.so.5", "libmy.so", "xlibc.so.6", "libc.so.6x", "xld-linux-",
        "libpthread.so.0", "/lib/libc.so.6", "./libm.so.6", "ld-linux-/../evil.so"}) {
    EXPECT_EQ(said_of_need(name, Rules::kClosed), refusal(name));
    EXPECT_EQ(said_of_need(name, Rules::kInstrumented), refusal(name));
  }
  for (const char* const name : {"libasan.so.8", "libtsan.so.2", "libubsan.so.1"}) {
    EXPECT_EQ(said_of_need(name, Rules::kClosed), refusal(name));
    EXPECT_EQ(said_of_need(name, Rules::kInstrumented), "");
  }
  EXPECT_EQ(said_of_need("libasan./x.so", Rules::kInstrumented),
            refusal("libasan./x.so"));
}

TEST(ElfEntries, FitEachOtherAndAskForLittle) {
  const auto said_of_entry = [](std::int64_t tag, std::uint64_t value) {
    return said_of([&](Library& library) { library.set(tag, value); });
  };
  const char* const nonsense = "its dynamic table makes no sense";
  // Each stands beside a table that may be empty, whose place and size two others say.
  const std::tuple<std::int64_t, std::uint64_t, std::int64_t, std::int64_t> sizes[] = {
      {DT_SYMENT, 24, 0, 0},
      {DT_RELAENT, 24, DT_RELA, DT_RELASZ},
      {37, 8, 36, 35},
      {DT_PLTREL, DT_RELA, DT_JMPREL, DT_PLTRELSZ}};
  for (const auto& [tag_, size, table_, bytes_] : sizes) {
    const auto said = [tag = tag_, table = table_,
                       bytes = bytes_](std::uint64_t value) {
      return said_of([&](Library& library) {
        library.set(tag, value);
        if (table != 0) library.set(table, bytes, std::vector<Elf64_Rela>{});
      });
    };
    EXPECT_EQ(said(size), "") << tag_;
    for (const std::uint64_t other : {size - 1, size + 1, std::uint64_t{0}}) {
      EXPECT_EQ(said(other), nonsense) << tag_;
    }
  }
  for (const std::int64_t alone :
       {std::int64_t{DT_RELASZ}, std::int64_t{DT_RELAENT}, std::int64_t{DT_PLTREL},
        std::int64_t{DT_PLTRELSZ}, std::int64_t{DT_VERNEEDNUM}, std::int64_t{35},
        std::int64_t{37}, std::int64_t{DT_VERSYM}}) {
    EXPECT_EQ(said_of_entry(alone, 0),
              "an entry for the dynamic linker lacks another one");
  }
  EXPECT_EQ(said_of_entry(DT_PLTGOT, Library::data()), "");
  EXPECT_EQ(said_of_entry(DT_PLTGOT, Library::code()), nonsense);
  const char* const asks = "it asks the dynamic linker for what no model asks for";
  EXPECT_EQ(said_of_entry(DT_FLAGS, DF_BIND_NOW | DF_SYMBOLIC), "");
  EXPECT_EQ(said_of_entry(DT_FLAGS, DF_TEXTREL),
            "it changes its own code when it is opened");
  EXPECT_EQ(said_of_entry(DT_FLAGS_1, DF_1_NOW), "");
  for (std::uint64_t bit = 1; bit != 0; bit *= 2) {
    if (bit != DF_BIND_NOW && bit != DF_SYMBOLIC && bit != DF_TEXTREL) {
      EXPECT_EQ(said_of_entry(DT_FLAGS, bit), asks) << bit;
    }
    if (bit != DF_1_NOW) {
      EXPECT_EQ(said_of_entry(DT_FLAGS_1, bit), asks) << bit;
    }
  }
}

TEST(ElfEntries, AreOfTheKindsThatLinkersWrite) {
  const std::vector<std::int64_t> usual = {DT_SONAME, DT_BIND_NOW, DT_RELACOUNT};
  for (const std::int64_t tag : usual) {
    EXPECT_EQ(said_of([&](Library& library) { library.set(tag, 0); }), "") << tag;
    EXPECT_EQ(said_of([&](Library& library) {
                library.set(tag, 0);
                library.extra = {{tag, {0}}};
              }),
              "an entry for the dynamic linker is there twice");
  }
  for (std::int64_t tag = 0x70000000; tag <= 0x70000005; ++tag) {
    EXPECT_EQ(said_of([&](Library& library) { library.set(tag, 0); }), "") << tag;
  }
  for (const std::int64_t tag : {std::int64_t{DT_RELCOUNT}, std::int64_t{0x70000006},
                                 std::int64_t{38}, std::int64_t{-1}}) {
    EXPECT_EQ(said_of([&](Library& library) { library.set(tag, 0); }),
              "it has an entry for the dynamic linker (" +
                  std::to_string(static_cast<std::uint64_t>(tag)) +
                  ") that no model has");
  }
}

// Two libraries, of which the first is asked for two versions.
struct Versions {
  Elf64_Verneed first = {VER_NEED_CURRENT, 2, 0, 16, 48};
  Elf64_Vernaux old = {0, 0, 2, 0, 16};
  Elf64_Vernaux newer = {0, 0, 3, 0, 0};
  Elf64_Verneed second = {VER_NEED_CURRENT, 1, 0, 16, 0};
  Elf64_Vernaux other = {0, 0, 4, 0, 0};
};
static_assert(sizeof(Versions) == 2 * sizeof(Elf64_Verneed) + 3 * sizeof(Elf64_Vernaux),
              "these stand side by side");

std::string said_of_versions(const std::function<void(Versions&)>& change,
                             std::vector<std::uint16_t> versions = {0, 4, 0x8003},
                             bool is_last = false) {
  return said_of([&](Library& library) {
    Versions needed;
    needed.first.vn_file = library.text("libc.so.6");
    needed.second.vn_file = library.text("libm.so.6");
    library.extra = {{DT_NEEDED, {needed.first.vn_file}},
                     {DT_NEEDED, {needed.second.vn_file}}};
    change(needed);
    library.set(DT_VERNEED, library.put(std::vector{needed}));
    library.set(DT_VERNEEDNUM, needed.first.vn_next == 0 ? 1 : 2);
    library.set(DT_VERSYM,
                is_last ? library.put_last(versions) : library.put(versions));
  });
}

TEST(ElfVersions, AreOfLibrariesThatAreNeeded) {
  const char* const nonsense = "its table of versions makes no sense";
  EXPECT_EQ(said_of_versions([](Versions&) {}), "");
  EXPECT_EQ(said_of_versions([](Versions& v) { v.first.vn_file = 1; }), nonsense);
  EXPECT_EQ(said_of_versions([](Versions& v) { v.second.vn_file = 1; }), nonsense);
  EXPECT_EQ(said_of_versions([](Versions& v) { v.second.vn_version = 2; }), nonsense);
  EXPECT_EQ(said_of_versions([](Versions& v) { v.second.vn_version = 0; }), nonsense);
  EXPECT_EQ(said_of_versions([](Versions& v) { v.newer.vna_other = 1024; }), "");
  EXPECT_EQ(said_of_versions([](Versions& v) { v.newer.vna_other = 1025; }), nonsense);
  const char* const endless = "a name in it has no end";
  for (const std::uint32_t text : {1u << 20, ~0u}) {
    EXPECT_EQ(said_of_versions([&](Versions& v) { v.first.vn_file = text; }), endless);
    EXPECT_EQ(said_of_versions([&](Versions& v) { v.old.vna_name = text; }), endless);
    EXPECT_EQ(said_of_versions([&](Versions& v) { v.newer.vna_name = text; }), endless);
    EXPECT_EQ(said_of_versions([&](Versions& v) { v.other.vna_name = text; }), endless);
    for (const auto field : {&Elf64_Verneed::vn_next, &Elf64_Verneed::vn_aux}) {
      EXPECT_NE(said_of_versions([&](Versions& v) { v.first.*field = text; }), "");
    }
    EXPECT_NE(said_of_versions([&](Versions& v) { v.old.vna_next = text; }), "");
  }
}

TEST(ElfVersions, OfNamesAreAmongThem) {
  const char* const none = "a name in it has a version that there is not";
  const auto none_changed = [](Versions&) {};
  const auto second_left_out = [](Versions& v) { v.first.vn_next = 0; };
  const auto newer_left_out = [](Versions& v) {
    v.first.vn_next = 0;
    v.old.vna_next = 0;
  };
  EXPECT_EQ(said_of_versions(none_changed, {0, 1, 4}), "");
  EXPECT_EQ(said_of_versions(none_changed, {0, 1, 5}), none);
  EXPECT_EQ(said_of_versions(none_changed, {5, 1, 1}), none);
  EXPECT_EQ(said_of_versions(none_changed, {0, 1, 0x8004}), "");
  EXPECT_EQ(said_of_versions(none_changed, {0, 1, 0x8005}), none);
  EXPECT_EQ(said_of_versions(none_changed, {0, 1, 4, 5}), "");  // There are 3 names.
  EXPECT_EQ(said_of_versions(second_left_out, {0, 1, 3}), "");
  EXPECT_EQ(said_of_versions(second_left_out, {0, 1, 4}), none);
  EXPECT_EQ(said_of_versions(newer_left_out, {0, 1, 2}), "");
  EXPECT_EQ(said_of_versions(newer_left_out, {0, 1, 3}), none);
  EXPECT_EQ(said_of_versions(none_changed, {0, 1, 1}, true), "");
  EXPECT_EQ(said_of_versions(none_changed, {0, 1, 5}, true), none);
  EXPECT_EQ(said_of_versions(none_changed, {0, 1}, true), "a table in it is cut off");
}

}  // namespace
}  // namespace tfnative::internal::elf
