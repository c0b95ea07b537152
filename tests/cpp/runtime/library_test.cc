// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "library.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "files.h"
#include "tfnative/error.hpp"

namespace tfnative::internal {
namespace {

using testing::fake_library;
using testing::read_file;
using testing::TemporaryFolder;

std::string failure(const std::string& path) {
  try {
    const Library library(path);
  } catch (const LoadError& error) {
    return error.what();
  }
  return "no error";
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(Library, LoadsFromItsFolderOrByItsFile) {
  EXPECT_STREQ(Library(FAKE_ARTIFACT).artifact().name, "fake");
  EXPECT_STREQ(Library(fake_library()).artifact().name, "fake");
}

TEST(Library, SaysThatThereIsNone) {
  try {
    Library library("no/such/folder");
    FAIL();
  } catch (const LoadError& error) {
    EXPECT_EQ(error.code(), Code::kNotFound);
  }
  const TemporaryFolder folder;
  EXPECT_TRUE(contains(failure(folder.path()), "has no lib*.so"));
  folder.write("liba.so", "");
  folder.write("libb.so", "");
  EXPECT_TRUE(contains(failure(folder.path()), "several libraries"));
}

TEST(Library, RefusesEveryTruncation) {
  const TemporaryFolder folder;
  const std::string whole = read_file(fake_library());
  for (std::size_t cut = 1; cut < whole.size(); cut += 997) {
    const std::string file =
        folder.write("libcut.so", whole.substr(0, whole.size() - cut));
    EXPECT_NE(failure(file), "no error") << cut;
  }
  EXPECT_TRUE(contains(failure(folder.write("libcut.so", "")), "not a shared library"));
  const std::string without_end = whole.substr(0, whole.size() - 10);
  EXPECT_TRUE(contains(failure(folder.write("libcut.so", without_end)), "truncated"));
}

TEST(Library, RefusesDamageOutsideOfTheWeights) {
  const TemporaryFolder folder;
  const std::string whole = read_file(fake_library());
  const tfn_trailer trailer = check_library(fake_library());
  std::mt19937 engine(1);
  for (int i = 0; i < 200; ++i) {
    std::string damaged = whole;
    const std::size_t place = engine() % whole.size();
    damaged[place] = static_cast<char>(damaged[place] ^ (1 << engine() % 8));
    const bool in_weights = place >= trailer.weights_offset &&
                            place < trailer.weights_offset + trailer.weights_bytes;
    const std::string said = failure(folder.write("libfake.so", damaged));
    if (!in_weights) {
      EXPECT_NE(said, "no error") << place;
    }
  }
}

// What a file has beside its weights, wherever its trailer says that they are.
std::string beside_weights(const std::string& whole) {
  tfn_trailer trailer;
  const std::size_t end = whole.size() - sizeof trailer;
  std::memcpy(&trailer, whole.data() + end, sizeof trailer);
  return whole.substr(0, trailer.weights_offset) +
         whole.substr(trailer.weights_offset + trailer.weights_bytes,
                      end - trailer.weights_offset - trailer.weights_bytes);
}

TEST(Library, RefusesEveryBitOfDamageInTheTrailer) {
  const TemporaryFolder folder;
  const std::string whole = read_file(fake_library());
  for (std::size_t bit = 0; bit < 8 * sizeof(tfn_trailer); ++bit) {
    std::string damaged = whole;
    char& byte = damaged[whole.size() - 1 - bit / 8];
    byte = static_cast<char>(byte ^ (1 << bit % 8));
    const std::string said = failure(folder.write("libfake.so", damaged));
    // Zeros before the weights and at their end may change places: the same is checked.
    if (said == "no error") {
      EXPECT_TRUE(beside_weights(damaged) == beside_weights(whole)) << bit;
    }
  }
}

TEST(Library, RefusesEveryBitOfDamageInTheWeightsUnlessItIsNotToVerify) {
  const TemporaryFolder folder;
  const std::string whole = read_file(fake_library());
  const tfn_trailer trailer = check_library(fake_library());
  for (std::size_t place = 0; place < trailer.weights_bytes; place += 119) {
    std::string damaged = whole;
    char& byte = damaged[trailer.weights_offset + place];
    byte = static_cast<char>(byte ^ (1 << place % 8));
    const std::string file = folder.write("libfake.so", damaged);
    EXPECT_TRUE(contains(failure(file), "its weights are damaged")) << place;
    EXPECT_NO_THROW(Library(file, /*verify=*/false));
  }
}

TEST(Library, SaysWhichMachineItIsFor) {
  const TemporaryFolder folder;
  std::string other = read_file(fake_library());
  other[18] = static_cast<char>(243);  // e_machine: RISC-V
  other[19] = 0;
  EXPECT_TRUE(contains(failure(folder.write("libfake.so", other)), "made for RISC-V"));
}

TEST(Library, SaysThatAVersionIsNewer) {
  const TemporaryFolder folder;
  std::string newer = read_file(fake_library());
  newer[newer.size() - sizeof(tfn_trailer) + 8] = 7;  // abi_version
  EXPECT_TRUE(contains(failure(folder.write("libfake.so", newer)), "ABI version 7"));
}

TEST(Library, RefusesOtherLibraries) {
  EXPECT_TRUE(contains(failure("/proc/self/exe"), "not an artifact of tfnative"));
  const TemporaryFolder folder;
  EXPECT_TRUE(contains(failure(folder.write("libtext.so", std::string(500, 'x'))),
                       "not a shared library"));
}

TEST(Library, CopiesAndReplacedFilesAreOtherLibraries) {
  const TemporaryFolder folder;
  const std::string whole = read_file(fake_library());
  const Library first(folder.write("libfake.so", whole));
  const Library second(fake_library());
  EXPECT_NE(&first.artifact(), &second.artifact());
  std::filesystem::rename(folder.write("new", whole), folder.path() + "/libfake.so");
  const Library replaced(folder.path() + "/libfake.so");
  EXPECT_NE(&first.artifact(), &replaced.artifact());
  const Library again(folder.path() + "/libfake.so");
  EXPECT_EQ(&again.artifact(), &replaced.artifact());
}

}  // namespace
}  // namespace tfnative::internal
