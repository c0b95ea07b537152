// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// How a library's segments lie in the file and in memory.
#include <gtest/gtest.h>

#include <functional>

#include "elf_writer.h"

namespace tfnative::internal::elf {
namespace {

using testing::Library;

constexpr std::size_t kTables = 0, kCode = 1, kData = 2;

std::string said_of(const std::function<void(Library&)>& change) {
  Library library;
  library.set(DT_HASH, library.put(std::vector<std::uint32_t>{1, 2, 1, 0, 0}));
  change(library);
  return testing::said(library.bytes());
}

std::string said_of_segment(std::size_t which,
                            const std::function<void(Elf64_Phdr&)>& change) {
  return said_of([&](Library& library) { change(library.segments[which]); });
}

std::string said_of_another(const Elf64_Phdr& segment) {
  return said_of([&](Library& library) { library.segments.push_back(segment); });
}

const char* const kOutsideFile = "a segment lies outside of the file";
const char* const kOutside = "a segment lies outside of what is mapped";

TEST(ElfHeader, IsThatOfALibraryOf64BitsForThisByteOrder) {
  const char* const other = "it is not a shared library of 64 bits";
  const char* const nonsense = "its ELF header makes no sense";
  const auto said_of_ident = [](std::size_t i, unsigned char value) {
    return said_of([&](Library& library) { library.header.e_ident[i] = value; });
  };
  EXPECT_EQ(said_of([](Library&) {}), "");
  for (const std::size_t i : {EI_MAG0, EI_MAG1, EI_MAG2, EI_MAG3}) {
    EXPECT_EQ(said_of_ident(i, 'x'), other);
  }
  EXPECT_EQ(said_of_ident(EI_CLASS, ELFCLASS32), other);
  EXPECT_EQ(said_of_ident(EI_DATA, ELFDATA2MSB), other);
  EXPECT_EQ(said_of_ident(EI_VERSION, 2), nonsense);
  EXPECT_EQ(said_of_ident(EI_OSABI, ELFOSABI_SYSV), "");
  EXPECT_EQ(said_of_ident(EI_OSABI, ELFOSABI_GNU), "");
  EXPECT_EQ(said_of_ident(EI_OSABI, ELFOSABI_FREEBSD), nonsense);
  EXPECT_EQ(said_of([](Library& library) { library.header.e_type = ET_EXEC; }), other);
  EXPECT_EQ(said_of([](Library& library) { library.header.e_version = 0; }), nonsense);
  for (const int size : {55, 57, 0}) {
    EXPECT_EQ(said_of([&](Library& library) {
                library.header.e_phentsize = static_cast<Elf64_Half>(size);
              }),
              nonsense);
  }
}

TEST(ElfHeader, HasATableOfSegmentsInTheFile) {
  const char* const missing = "its table of segments is not in the file";
  // The bytes of a library whose table of segments is moved to a place.
  const auto said_at = [](std::uint64_t place, std::uint64_t written) {
    Library library;
    library.set(DT_HASH, library.put(std::vector<std::uint32_t>{1, 2, 1, 0, 0}));
    std::string file = library.bytes();
    const std::size_t bytes = library.segments.size() * sizeof(Elf64_Phdr);
    const std::string table = file.substr(sizeof(Elf64_Ehdr), bytes);
    file.replace(file.size() - written, table.size(), table);
    library.header.e_phoff = place;
    std::memcpy(file.data(), &library.header, sizeof library.header);
    file.resize(static_cast<std::size_t>(Library::end()));
    return testing::said(file);
  };
  const std::uint64_t bytes = 4 * sizeof(Elf64_Phdr), end = Library::end();
  EXPECT_EQ(said_at(end - bytes, bytes), "");
  EXPECT_EQ(said_at(end - bytes + 8, bytes - 8), missing);
  EXPECT_EQ(said_at(end - bytes - 4, bytes + 4), missing);  // It is not aligned.
  EXPECT_EQ(said_at(end, bytes), missing);
  EXPECT_EQ(said_at(end + 8, bytes), missing);
  EXPECT_EQ(said_at(~std::uint64_t{0} - 7, bytes), missing);
  const auto said_of_count = [](std::size_t count) {
    return said_of([&](Library& library) {
      library.segments.resize(count - 1);  // And the dynamic table.
      library.tables.clear();  // Which the segments have overwritten: they are in 4 KB.
    });
  };
  EXPECT_NE(said_of_count(64), missing);
  EXPECT_EQ(said_of_count(65), missing);
}

TEST(ElfSegments, LieInTheFile) {
  const std::uint64_t page = Library::page();
  EXPECT_EQ(said_of_segment(kData, [&](Elf64_Phdr& s) { s.p_memsz += 100 * page; }),
            "");
  EXPECT_EQ(said_of_segment(kData, [](Elf64_Phdr& s) { s.p_filesz -= 1; }), "");
  EXPECT_EQ(said_of_segment(kData, [](Elf64_Phdr& s) { s.p_memsz -= 1; }),
            kOutsideFile);
  EXPECT_EQ(said_of_segment(kData,
                            [](Elf64_Phdr& s) {
                              s.p_filesz += 1;
                              s.p_memsz += 1;
                            }),
            kOutsideFile);
  EXPECT_EQ(said_of_segment(kData, [&](Elf64_Phdr& s) { s.p_offset += page; }),
            kOutsideFile);
  EXPECT_EQ(said_of_segment(kData, [&](Elf64_Phdr& s) { s.p_offset += 2 * page; }),
            kOutsideFile);
  EXPECT_EQ(said_of_segment(kData, [](Elf64_Phdr& s) { s.p_vaddr = 1ull << 48; }),
            kOutsideFile);
  EXPECT_EQ(said_of_segment(kData, [](Elf64_Phdr& s) { s.p_memsz = 1ull << 48; }),
            kOutsideFile);
}

TEST(ElfSegments, LieOnPagesOfTheirOwn) {
  const std::uint64_t page = Library::page();
  const std::string unaligned =
      "a segment is not aligned to pages of " + std::to_string(page) + " bytes";
  const auto said_of_align = [](std::uint64_t align) {
    return said_of_segment(kTables, [&](Elf64_Phdr& s) { s.p_align = align; });
  };
  for (const std::uint64_t align : {page, 2 * page, 1024 * page}) {
    EXPECT_EQ(said_of_align(align), "");
  }
  for (const std::uint64_t align :
       {std::uint64_t{0}, std::uint64_t{1}, page / 2, page - 1, page + 1, 3 * page}) {
    EXPECT_EQ(said_of_align(align), unaligned);
  }
  EXPECT_EQ(said_of_segment(kData, [](Elf64_Phdr& s) { s.p_vaddr += 8; }), unaligned);
  EXPECT_EQ(said_of_segment(kCode, [&](Elf64_Phdr& s) { s.p_align = 2 * page; }), "");
  EXPECT_EQ(said_of_segment(kCode,
                            [&](Elf64_Phdr& s) {
                              s.p_align = 2 * page;
                              s.p_offset += page;
                            }),
            unaligned);
  const char* const overlap = "its segments overlap";
  EXPECT_EQ(said_of_segment(kTables, [](Elf64_Phdr& s) { s.p_memsz += 1; }), overlap);
  EXPECT_EQ(said_of_segment(kCode, [](Elf64_Phdr& s) { s.p_memsz += 1; }), overlap);
  EXPECT_EQ(said_of_segment(kCode, [](Elf64_Phdr& s) { s.p_vaddr = s.p_paddr = 0; }),
            overlap);
}

TEST(ElfSegments, AreReadAndEitherWrittenOrExecuted) {
  const char* const refusal = "a segment may be written and executed, or not be read";
  for (std::uint32_t flags = 0; flags < 8; ++flags) {
    const bool is_allowed =
        flags == PF_R || flags == (PF_R | PF_W) || flags == (PF_R | PF_X);
    EXPECT_EQ(said_of_another(Library::segment(PT_LOAD, flags, Library::end(), 0)),
              is_allowed ? "" : refusal)
        << flags;
    EXPECT_EQ(
        said_of_another(Library::segment(PT_LOAD, flags | 0x100000, Library::end(), 0)),
        is_allowed ? "" : refusal);  // What is for others does not count.
  }
}

TEST(ElfSegments, OfOtherKindsLieInWhatIsMapped) {
  const std::uint64_t page = Library::page(), end = Library::end();
  const auto said_at = [&](std::uint64_t begin, std::uint64_t size) {
    return said_of_another(Library::segment(PT_GNU_EH_FRAME, PF_R, begin, size));
  };
  EXPECT_EQ(said_at(0, page), "");
  EXPECT_EQ(said_at(end - 1, 1), "");
  EXPECT_EQ(said_at(0, page + 1), kOutside);
  EXPECT_EQ(said_at(end - 1, 2), kOutside);
  EXPECT_EQ(said_at(end + 1, 0), kOutside);
  EXPECT_EQ(said_at(page, ~std::uint64_t{0}), kOutside);
  for (const std::uint32_t type : {std::uint32_t{PT_NULL}, 0x70000002u}) {
    EXPECT_EQ(said_of_another(Library::segment(type, PF_R, end, page)), "");
  }
  for (const std::uint32_t type : {PT_INTERP, PT_SHLIB, PT_TLS, 8, 0x70000001}) {
    EXPECT_EQ(
        said_of_another(Library::segment(type, PF_R, 0, 0)),
        "it has a segment of type " + std::to_string(type) + ", which no model has");
  }
  for (const std::uint32_t flags : {0u, 4u, 6u}) {
    EXPECT_EQ(said_of_another(Library::segment(PT_GNU_STACK, flags, 0, 0)), "");
    EXPECT_EQ(said_of_another(Library::segment(PT_GNU_STACK, flags | PF_X, 0, 0)),
              "it would make the stack of the process executable");
  }
}

// The pages end with zeros: notes without a name and without a text, of 12 bytes each.
TEST(ElfSegments, OfNotesEndWithOne) {
  const std::uint64_t end = Library::end();
  for (const std::uint32_t type : {std::uint32_t{PT_NOTE}, 0x6474e553u}) {
    const auto said_at = [&](std::uint64_t begin, std::uint64_t size,
                             std::uint64_t align) {
      Elf64_Phdr segment = Library::segment(type, PF_R, begin, size);
      segment.p_align = align;
      return said_of_another(segment);
    };
    EXPECT_EQ(said_at(end, 0, 4), "");
    EXPECT_EQ(said_at(end - 24, 24, 4), "");
    EXPECT_EQ(said_at(end - 12, 12, 4), "");
    EXPECT_EQ(said_at(end - 16, 16, 8), "");
    EXPECT_EQ(said_at(end - 24, 23, 4), "a table in it is too short");
    EXPECT_EQ(said_at(end - 12, 13, 4), "a table in it is cut off");
    EXPECT_EQ(said_at(0, 64, 4), "its notes make no sense");  // It is the header.
    EXPECT_EQ(said_at(end - 12, 12, 16), "its notes make no sense");
  }
}

TEST(ElfSegments, OfTheLinkerAreWhatTheySayTheyAre) {
  const std::uint64_t page = Library::page(), data = Library::data();
  EXPECT_EQ(said_of_another(Library::segment(PT_DYNAMIC, PF_R | PF_W, data, 16)),
            "it has two dynamic tables");
  EXPECT_EQ(said_of_segment(kTables, [](Elf64_Phdr&) {}), "");
  const auto said_of_table = [](std::uint64_t begin, std::uint64_t count) {
    return said_of_another(
        Library::segment(PT_PHDR, PF_R, begin, count * sizeof(Elf64_Phdr)));
  };
  const char* const elsewhere = "its table of segments is not where it says";
  EXPECT_EQ(said_of_table(sizeof(Elf64_Ehdr), 5), "");
  EXPECT_EQ(said_of_table(sizeof(Elf64_Ehdr) + 8, 5), elsewhere);
  EXPECT_EQ(said_of_table(Library::code(), 5), elsewhere);
  // What is protected after all is in its place lies on pages that were written to.
  const auto said_of_relro = [](std::uint64_t begin, std::uint64_t size) {
    return said_of([&](Library& library) {
      library.segments[kData].p_memsz -= 100;
      library.segments[kData].p_filesz -= 100;
      library.segments.push_back(Library::segment(PT_GNU_RELRO, PF_R, begin, size));
    });
  };
  const char* const missing = "it would protect what it does not have";
  EXPECT_EQ(said_of_relro(data, 8), "");
  EXPECT_EQ(said_of_relro(data, page), "");
  EXPECT_EQ(said_of_relro(data, page + 1), missing);
  EXPECT_EQ(said_of_relro(data + page - 1, 1), "");
  EXPECT_EQ(said_of_relro(data + page, 1), missing);
  EXPECT_EQ(said_of_relro(data - 1, 1), missing);
  EXPECT_EQ(said_of_relro(Library::code(), 8), missing);
  EXPECT_EQ(said_of_relro(0, 8), missing);
}

TEST(ElfTables, AreInOneSegmentThatNothingWritesTo) {
  const auto said_at = [](std::uint64_t place, const std::string& bytes) {
    return said_of([&](Library& library) {
      library.tables[place] = bytes;
      library.set(DT_STRTAB, place);
      library.set(DT_STRSZ, bytes.size());
    });
  };
  const std::string texts("\0fake_artifact\0", 15);
  const std::uint64_t code = Library::code(), data = Library::data();
  EXPECT_EQ(said_at(code - 15, texts), "");
  EXPECT_EQ(said_at(code - 14, texts), "a table in it is cut off");
  EXPECT_EQ(said_at(code, texts), "");  // Where one segment ends, another begins.
  EXPECT_EQ(said_at(data - 15, texts), "");
  EXPECT_EQ(said_at(data + 1024, texts), "a table in it is not where it has to be");
  EXPECT_EQ(said_of([](Library& library) { library.set(DT_STRTAB, Library::end()); }),
            "a table in it is not where it has to be");
  // The dynamic table alone may be written to, and begins where code ends.
  EXPECT_EQ(said_of([](Library&) {}), "");
}

}  // namespace
}  // namespace tfnative::internal::elf
