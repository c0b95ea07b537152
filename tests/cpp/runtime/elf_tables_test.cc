// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Each number in a library's tables: at the end of what is allowed, and one beyond.
#include <gtest/gtest.h>

#include <functional>

#include "elf_writer.h"

namespace tfnative::internal::elf {
namespace {

using testing::Library;
using Words = std::vector<std::uint32_t>;

// What is said of a library with the usual table of hashes, and a change.
std::string said_of(const std::function<void(Library&)>& change) {
  Library library;
  library.set(DT_HASH, library.put(Words{1, 2, 1, 0, 0}));
  change(library);
  return testing::said(library.bytes());
}

std::string said_of_relocations(const std::vector<Elf64_Rela>& table,
                                std::uint64_t trusted = 0) {
  return said_of([&](Library& library) {
    library.set(DT_RELA, DT_RELASZ, table);
    if (trusted != 0) library.set(DT_RELACOUNT, trusted);
  });
}

std::string said_of_packed(const std::vector<std::uint64_t>& words) {
  return said_of([&](Library& library) { library.set(36, 35, words); });
}

std::string said_of_place(std::uint64_t place) {
  return said_of_relocations({Library::relocation(place, 0, R_X86_64_RELATIVE)});
}

const char* const kNoPlace = "a relocation would write where nothing may be written";
const char* const kNonsense = "its relocations make no sense";
const char* const kNoName = "a relocation is for a name that there is not";

TEST(ElfRelocations, WriteToAnyWordThatIsNotTheLinkersOwn) {
  const std::uint64_t dynamic = Library::data(), end = Library::end();
  // SYMTAB, SYMENT, STRTAB, STRSZ, HASH, RELA, RELASZ, RELAENT and the end.
  const std::uint64_t behind = dynamic + 9 * sizeof(Elf64_Dyn);
  for (const std::uint64_t place : {behind, end - 16, end - 8}) {
    EXPECT_EQ(said_of_place(place), "") << place;
  }
  for (const std::uint64_t place :
       {std::uint64_t{0}, dynamic - 8, dynamic, behind - 8, behind + 1, end - 9,
        end - 7, end, ~std::uint64_t{0} - 6}) {
    EXPECT_EQ(said_of_place(place), kNoPlace) << place;
  }
}

TEST(ElfRelocations, AreOfTheKindsThatLinkersWriteForTheMachine) {
  const std::uint64_t place = Library::end() - 8;
  const std::map<unsigned, std::vector<std::uint64_t>> imports = {
      {EM_X86_64, {R_X86_64_64, R_X86_64_GLOB_DAT, R_X86_64_JUMP_SLOT}},
      {EM_AARCH64, {R_AARCH64_ABS64, R_AARCH64_GLOB_DAT, R_AARCH64_JUMP_SLOT}},
      {EM_RISCV, {}}};
  const std::map<unsigned, std::uint64_t> own = {{EM_X86_64, R_X86_64_RELATIVE},
                                                 {EM_AARCH64, R_AARCH64_RELATIVE}};
  for (const auto& [machine, types] : imports) {
    for (std::uint64_t type = 0; type < 1100; ++type) {
      const auto said = [&, at = machine](std::uint64_t symbol) {
        return said_of([&](Library& library) {
          library.header.e_machine = static_cast<Elf64_Half>(at);
          library.set(DT_RELA, DT_RELASZ,
                      std::vector{Library::relocation(place, symbol, type)});
        });
      };
      const auto found = own.find(machine);
      if (found != own.end() && found->second == type) {
        EXPECT_EQ(said(0), "") << type;
        EXPECT_EQ(said(1), kNoName) << type;
      } else if (std::find(types.begin(), types.end(), type) != types.end()) {
        EXPECT_EQ(said(1), "") << type;  // Of two names, the last.
        EXPECT_EQ(said(2), kNoName) << type;
      } else {
        EXPECT_EQ(said(0), "it has a relocation of type " + std::to_string(type) +
                               ", which no model has");
      }
    }
  }
}

TEST(ElfRelocations, ThatTheLinkerTrustsAreAddressesAndThere) {
  const std::uint64_t place = Library::end() - 8;
  const Elf64_Rela own = Library::relocation(place, 0, R_X86_64_RELATIVE);
  const Elf64_Rela import = Library::relocation(place, 1, R_X86_64_GLOB_DAT);
  EXPECT_EQ(said_of_relocations({own, import}, 1), "");
  EXPECT_EQ(said_of_relocations({own, own}, 2), "");
  EXPECT_EQ(said_of_relocations({own, own}, 3), kNonsense);
  EXPECT_EQ(said_of_relocations({own, import}, 2), kNonsense);
  EXPECT_EQ(said_of_relocations({import, own}, 1), kNonsense);
}

TEST(ElfRelocations, AreCheckedInEachOfTheirTables) {
  const std::uint64_t place = Library::end() - 8;
  const std::vector good = {Library::relocation(place, 1, R_X86_64_JUMP_SLOT)};
  const std::vector bad = {Library::relocation(0, 1, R_X86_64_JUMP_SLOT)};
  for (const auto& [tag, size] :
       {std::pair{DT_RELA, DT_RELASZ}, std::pair{DT_JMPREL, DT_PLTRELSZ}}) {
    const auto said = [&, tag_ = tag, size_ = size](const auto& table, int more) {
      return said_of([&](Library& library) {
        library.set(tag_, size_, table);
        library.entries[size_] += static_cast<std::uint64_t>(more);
      });
    };
    EXPECT_EQ(said(good, 0), "");
    EXPECT_EQ(said(bad, 0), kNoPlace);
    EXPECT_EQ(said(good, 8), kNonsense);
    EXPECT_EQ(said(good, -1), kNonsense);
  }
}

// An even word is a place, an odd one says which of the 63 words behind it are others.
TEST(ElfRelocations, ThatArePackedAreUnpackedAsTheLinkerDoes) {
  const std::uint64_t end = Library::end(), last = end - 8;
  const std::uint64_t all = ~std::uint64_t{0};
  EXPECT_EQ(said_of_packed({last}), "");
  EXPECT_EQ(said_of_packed({end}), kNoPlace);
  EXPECT_EQ(said_of_packed({Library::data()}), kNoPlace);
  EXPECT_EQ(said_of_packed({last - 8, 0b11}), "");
  EXPECT_EQ(said_of_packed({last, 0b11}), kNoPlace);
  EXPECT_EQ(said_of_packed({last, 0b1}), "");
  EXPECT_EQ(said_of_packed({last - 63 * 8, all}), "");
  EXPECT_EQ(said_of_packed({last - 62 * 8, all}), kNoPlace);
  EXPECT_EQ(said_of_packed({last - 62 * 8, all / 2}), "");
  EXPECT_EQ(said_of_packed({last - 64 * 8, all, 0b11}), "");
  EXPECT_EQ(said_of_packed({last - 63 * 8, all, 0b11}), kNoPlace);
  EXPECT_EQ(said_of_packed({last - 63 * 8, 0b1, 0b11}), kNoPlace);
  EXPECT_EQ(said_of_packed({last - 126 * 8, all, all}), "");
  EXPECT_EQ(said_of_packed({last - 125 * 8, all, all}), kNoPlace);
  EXPECT_EQ(said_of([&](Library& library) {
              library.set(36, 35, std::vector{last, last});
              library.entries[35] -= 4;
            }),
            kNonsense);
}

std::string said_of_hashes(std::int64_t tag, const Words& table) {
  Library library;
  library.set(tag, library.put_last(table));
  return testing::said(library.bytes());
}

const char* const kNoHashes = "its table of hashes makes no sense";
const char* const kNowhere = "its table of hashes leads nowhere";
const char* const kShort = "a table in it is too short";

TEST(ElfHashes, LeadFromEachBucketToAnEnd) {
  // Buckets, names; the first name of each bucket; the next name of each name.
  EXPECT_EQ(said_of_hashes(DT_HASH, {1, 2, 1, 0, 0}), "");
  EXPECT_EQ(said_of_hashes(DT_HASH, {2, 2, 0, 1, 0, 0}), "");
  EXPECT_EQ(said_of_hashes(DT_HASH, {0, 2, 1, 0, 0}), kNoHashes);
  EXPECT_EQ(said_of_hashes(DT_HASH, {1, 2, 1, 0}), kNoHashes);
  EXPECT_EQ(said_of_hashes(DT_HASH, {2, 2, 1, 0, 0}), kNoHashes);
  EXPECT_EQ(said_of_hashes(DT_HASH, {1, 1 << 21, 1, 0, 0}), kNoHashes);
  EXPECT_EQ(said_of_hashes(DT_HASH, {1 << 21, 2, 1, 0, 0}), kNoHashes);
  EXPECT_EQ(said_of_hashes(DT_HASH, {1, 2, 1, 0, 1}), kNowhere);     // A circle.
  EXPECT_EQ(said_of_hashes(DT_HASH, {2, 2, 1, 1, 0, 0}), kNowhere);  // Met twice.
  EXPECT_EQ(said_of_hashes(DT_HASH, {1, 2, 2, 0, 0}), kNowhere);     // One beyond.
  EXPECT_EQ(said_of_hashes(DT_HASH, {1, 2, 1, 0, 2}), kNowhere);
  EXPECT_EQ(said_of_hashes(DT_HASH, {1}), kShort);
}

TEST(ElfHashes, OfGnuLeadFromEachBucketToAnEnd) {
  // Buckets, the first name that is hashed, words of the filter, its shift; the filter,
  // of two numbers a word; the first name of each bucket; and of each name whether it
  // is the last one of its bucket.
  EXPECT_EQ(said_of_hashes(DT_GNU_HASH, {1, 1, 1, 0, 0, 0, 1, 1}), "");
  EXPECT_EQ(said_of_hashes(DT_GNU_HASH, {1, 1, 1, 63, 0, 0, 1, 1}), "");
  EXPECT_EQ(said_of_hashes(DT_GNU_HASH, {1, 1, 2, 0, 0, 0, 0, 0, 1, 1}), "");
  EXPECT_EQ(said_of_hashes(DT_GNU_HASH, {2, 1, 1, 0, 0, 0, 0, 1, 1}), "");
  EXPECT_EQ(said_of_hashes(DT_GNU_HASH, {2, 1, 1, 0, 0, 0, 1, 1, 1}), "");
  EXPECT_EQ(said_of_hashes(DT_GNU_HASH, {1, 0, 1, 0, 0, 0, 1, 0, 1}), "");
  EXPECT_EQ(said_of_hashes(DT_GNU_HASH, {0, 1, 1, 0, 0, 0, 1, 1}), kNoHashes);
  EXPECT_EQ(said_of_hashes(DT_GNU_HASH, {1, 1, 0, 0, 0, 0, 1, 1}), kNoHashes);
  EXPECT_EQ(said_of_hashes(DT_GNU_HASH, {1, 1, 1, 64, 0, 0, 1, 1}), kNoHashes);
  EXPECT_EQ(said_of_hashes(DT_GNU_HASH, {1, 1, 3, 0, 0, 0, 0, 0, 0, 0, 1, 1}),
            kNoHashes);
  EXPECT_EQ(said_of_hashes(DT_GNU_HASH, {1, 1 << 21, 1, 0, 0, 0, 1, 1}), kNoHashes);
  EXPECT_EQ(said_of_hashes(DT_GNU_HASH, {1 << 21, 1, 1, 0, 0, 0, 1, 1}), kNoHashes);
  EXPECT_EQ(said_of_hashes(DT_GNU_HASH, {1, 1, 1u << 31, 0, 0, 0, 1, 1}), kNoHashes);
  EXPECT_EQ(said_of_hashes(DT_GNU_HASH, {1, 1, 1, 0, 0, 0}), kNoHashes);
  EXPECT_EQ(said_of_hashes(DT_GNU_HASH, {1, 2, 1, 0, 0, 0, 1, 1}), kNowhere);
  EXPECT_EQ(said_of_hashes(DT_GNU_HASH, {1, 1, 1, 0, 0, 0, 1, 0}), kShort);
  EXPECT_EQ(said_of_hashes(DT_GNU_HASH, {1, 1, 1, 0, 0, 0, 1}), kShort);
}

TEST(ElfHashes, OfBothKindsAgree) {
  const auto said = [](const Words& hash, const Words& gnu) {
    Library library;
    library.symbols.push_back({});
    library.set(DT_HASH, library.put(hash));
    library.set(DT_GNU_HASH, library.put(gnu));
    return testing::said(library.bytes());
  };
  EXPECT_EQ(said({1, 2, 1, 0, 0}, {1, 1, 1, 0, 0, 0, 1, 1}), "");
  EXPECT_EQ(said({1, 3, 1, 0, 0, 0}, {1, 1, 1, 0, 0, 0, 1, 1}), "");
  EXPECT_EQ(said({1, 2, 1, 0, 0}, {1, 1, 1, 0, 0, 0, 1, 0, 1}),
            "its tables of hashes disagree");
  Library none;
  EXPECT_EQ(testing::said(none.bytes()), "it has no table of hashes");
}

TEST(ElfHashes, CountTheNamesThatAreChecked) {
  const auto said = [](std::int64_t tag, const Words& table) {
    Library library;
    library.symbols.push_back(Library::function(library.text("other"), 0));
    library.set(tag, library.put(table));
    return testing::said(library.bytes());
  };
  const std::string exported =
      "it exports 'other', and models export functions alone that begin with 'fake_'";
  EXPECT_EQ(said(DT_HASH, {1, 2, 1, 0, 0}), "");
  EXPECT_EQ(said(DT_HASH, {1, 3, 1, 0, 0, 0}), exported);
  EXPECT_EQ(said(DT_GNU_HASH, {1, 1, 1, 0, 0, 0, 1, 1}), "");
  EXPECT_EQ(said(DT_GNU_HASH, {1, 1, 1, 0, 0, 0, 1, 0, 1}), exported);
}

}  // namespace
}  // namespace tfnative::internal::elf
