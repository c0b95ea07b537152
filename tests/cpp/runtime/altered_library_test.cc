// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Libraries of which somebody has changed what is no code, and the checksum with it.
#include <elf.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <functional>
#include <vector>

#include "files.h"
#include "sealed.h"
#include "tfnative/error.hpp"
#include "tfnative/model.hpp"

namespace tfnative {
namespace {

using testing::read_file;
using testing::sealed;
using testing::TemporaryFolder;

// Linked as compiled models are, whatever this test is built with.
const std::string& closed_library() {
  static const std::string library = read_file(FAKE_CLOSED_LIBRARY);
  return library;
}

struct Range {
  std::uint64_t begin = 0, bytes = 0;
};

template <typename T>
T at(std::uint64_t place) {
  T value;
  std::memcpy(&value, closed_library().data() + place, sizeof value);
  return value;
}

std::vector<Elf64_Phdr> segments() {
  const auto header = at<Elf64_Ehdr>(0);
  std::vector<Elf64_Phdr> found;
  for (std::uint64_t i = 0; i < header.e_phnum; ++i) {
    found.push_back(at<Elf64_Phdr>(header.e_phoff + i * sizeof(Elf64_Phdr)));
  }
  return found;
}

// Where the entries for the dynamic linker are, its tables, and what it may write: the
// description, with its pointers. Places in the file.
Range range_of(std::uint32_t type, std::uint32_t flags) {
  for (const Elf64_Phdr& segment : segments()) {
    if (segment.p_type == type && (segment.p_flags & flags) == flags) {
      return {segment.p_offset, segment.p_filesz};
    }
  }
  return {};
}

Range relocations() {
  const Range dynamic = range_of(PT_DYNAMIC, 0);
  Range found;  // In the first segment, where places are addresses.
  for (std::uint64_t i = 0; i < dynamic.bytes; i += sizeof(Elf64_Dyn)) {
    const auto entry = at<Elf64_Dyn>(dynamic.begin + i);
    if (entry.d_tag == DT_RELA) found.begin = entry.d_un.d_val;
    if (entry.d_tag == DT_RELASZ) found.bytes = entry.d_un.d_val;
  }
  return found;
}

std::vector<std::uint64_t> other_words(std::uint64_t word) {
  const std::uint64_t low = 0xffffffff;
  return {0,
          ~std::uint64_t{0},
          word + 0x1000,
          word + 8,
          word ^ std::uint64_t{1} << 40,
          (word & ~low) | 0x7fffffff,
          (word & low) | std::uint64_t{0x7fffffff} << 32};
}

// Loads a library and reads all that it says of itself. Whether it was loaded.
bool loads(const std::string& file) {
  try {
    const Model model = Model::load(file);
    for (const Signature& signature : model.signatures()) {
      for (const std::int64_t size : signature.batch_sizes) {
        model.steps(signature, size);
        model.workspace_bytes(signature, size);
      }
    }
    return true;
  } catch (const LoadError&) {
    return false;
  }
}

// What a child did, where the parent sees it when the child is dead.
struct Progress {
  std::uint64_t place, word;
  int loaded, refused;
};

// Loads the library with each word of a range changed, in a process of its own.
Progress alter_each_word(const Range& range, const TemporaryFolder& folder) {
  void* const shared = ::mmap(nullptr, sizeof(Progress), PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  auto& progress = *static_cast<Progress*>(shared);
  const pid_t child = ::fork();
  if (child == 0) {
    std::string library = closed_library();
    for (progress.place = range.begin; progress.place + 8 <= range.begin + range.bytes;
         progress.place += 8) {
      const auto before = at<std::uint64_t>(progress.place);
      for (const std::uint64_t word : other_words(before)) {
        progress.word = word;
        std::memcpy(library.data() + progress.place, &word, sizeof word);
        const bool loaded = loads(folder.write("libfake.so", sealed(library, "fake")));
        ++(loaded ? progress.loaded : progress.refused);
      }
      std::memcpy(library.data() + progress.place, &before, sizeof before);
    }
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  const Progress result = progress;
  ::munmap(shared, sizeof(Progress));
  EXPECT_EQ(status, 0) << std::hex << "at " << result.place << ": " << result.word;
  return result;
}

TEST(AlteredLibrary, IsRefusedOrLoadsWhateverWordOfItsRelocationsIsAnother) {
  const TemporaryFolder folder;
  ASSERT_TRUE(loads(folder.write("libfake.so", sealed(closed_library(), "fake"))));
  const Range range = relocations();
  ASSERT_GT(range.bytes, 0u);
  EXPECT_GT(alter_each_word(range, folder).refused, 0);
}

TEST(AlteredLibrary, IsRefusedOrLoadsWhateverWordOfItsDescriptionIsAnother) {
  const TemporaryFolder folder;
  const Progress done = alter_each_word(range_of(PT_LOAD, PF_W), folder);
  EXPECT_GT(done.refused, 0);
  EXPECT_GT(done.loaded, 0);
}

TEST(AlteredLibrary, IsRefusedOrLoadsWhateverEntryForTheLinkerIsAnother) {
  const TemporaryFolder folder;
  EXPECT_GT(alter_each_word(range_of(PT_DYNAMIC, 0), folder).refused, 0);
}

TEST(AlteredLibrary, HasNamesInUtf8) {
  const TemporaryFolder folder;
  for (const char* text : {"affine", "any-machine", "generic", "copy", "layer/div",
                           "there is no mean", "Integer division", "{\"name\""}) {
    std::string library = closed_library();
    const std::size_t place = library.find(text);
    ASSERT_NE(place, std::string::npos) << text;
    library[place] = '\xff';
    EXPECT_FALSE(loads(folder.write("libfake.so", sealed(library, "fake")))) << text;
  }
}

}  // namespace
}  // namespace tfnative
