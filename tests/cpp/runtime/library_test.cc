// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "library.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <random>
#include <stdexcept>
#include <thread>
#include <vector>

#include "files.h"
#include "tfnative/checksum.hpp"
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
  const tfn_trailer trailer = check_library(fake_library(), whole);
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
  const tfn_trailer trailer = check_library(fake_library(), whole);
  LibraryOptions unverified;
  unverified.verify = false;
  for (std::size_t place = 0; place < trailer.weights_bytes; place += 119) {
    std::string damaged = whole;
    char& byte = damaged[trailer.weights_offset + place];
    byte = static_cast<char>(byte ^ (1 << place % 8));
    const std::string file = folder.write("libfake.so", damaged);
    EXPECT_TRUE(contains(failure(file), "its weights are damaged")) << place;
    EXPECT_NO_THROW(Library(file, unverified));
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

int answer(const Library& library) {
  const tfn_signature& signature = library.artifact().signatures[2];
  const std::int32_t in[4] = {1, 2, 3, 4};
  std::int64_t out = 0;
  const void* ins[] = {in};
  void* outs[] = {&out};
  signature.variants[0].run(ins, outs, nullptr, nullptr);
  return static_cast<int>(out);
}

void overwrite(const std::string& file, const std::string& content) {
  // In place: the same file, of which whoever has mapped it sees the new bytes.
  const int descriptor = ::open(file.c_str(), O_WRONLY | O_TRUNC);
  ASSERT_GE(descriptor, 0);
  ASSERT_EQ(::write(descriptor, content.data(), content.size()),
            static_cast<ssize_t>(content.size()));
  ::close(descriptor);
}

TEST(Library, IsTheSameWhateverIsWrittenOverItsFile) {
  const TemporaryFolder folder;
  const std::string whole = read_file(fake_library());
  const std::string file = folder.write("libfake.so", whole);
  const Library library(file);
  EXPECT_EQ(answer(library), 10);
  overwrite(file, std::string(whole.size(), '\xcc'));
  EXPECT_EQ(answer(library), 10);
  EXPECT_STREQ(library.artifact().name, "fake");
  EXPECT_EQ(crc32c(0, library.artifact().weights, 4096),
            check_library(file, whole).weights_crc32c);
  overwrite(file, "");  // Mapped in place, it would end the process.
  EXPECT_EQ(answer(library), 10);
}

TEST(Library, AFileOfOtherContentIsAnotherLibraryThoughItIsTheSameFile) {
  const TemporaryFolder folder;
  std::string whole = read_file(fake_library());
  const std::string file = folder.write("libfake.so", whole);
  const Library first(file);
  const Library same(file);
  EXPECT_EQ(&first.artifact(), &same.artifact());
  overwrite(file, whole.substr(0, whole.size() / 2));
  EXPECT_NE(failure(file), "no error");
  overwrite(file, whole);
  EXPECT_EQ(answer(Library(file)), 10);
  const tfn_trailer trailer = check_library(file, whole);
  char& byte = whole[trailer.weights_offset + 100];
  byte = static_cast<char>(byte ^ 1);
  overwrite(file, whole);
  LibraryOptions unverified;
  unverified.verify = false;
  const Library other(file, unverified);
  EXPECT_NE(&first.artifact(), &other.artifact());
  EXPECT_NE(static_cast<const char*>(first.artifact().weights)[100],
            static_cast<const char*>(other.artifact().weights)[100]);
}

TEST(Library, InPlaceItIsTheFileItself) {
  LibraryOptions in_place;
  in_place.map_in_place = true;
  const Library library(fake_library(), in_place);
  EXPECT_EQ(answer(library), 10);
  EXPECT_NE(read_file("/proc/self/maps").find("artifact/libfake.so"),
            std::string::npos);
}

TEST(Library, ForkedProcessesHaveTheLibraryAndMayLoadAnother) {
  const TemporaryFolder folder;
  const Library library(fake_library());
  const std::string copy = folder.write("libfake.so", read_file(fake_library()));
  const pid_t child = ::fork();
  if (child == 0) {
    const Library other(copy);
    ::_exit(answer(library) == 10 && answer(other) == 10 ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

TEST(Library, LeavesNothingOpenOrMapped) {
  const auto open_files = [] {
    const std::filesystem::directory_iterator begin("/proc/self/fd"), end;
    return std::distance(begin, end);
  };
  const auto before = open_files();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(answer(Library(fake_library())), 10);
  EXPECT_EQ(open_files(), before);
  EXPECT_EQ(read_file("/proc/self/maps").find("libfake.so"), std::string::npos);
}

TEST(Library, IsInspectedBeforeItIsOpened) {
  LibraryOptions options;
  std::string seen;
  options.inspect = [&](const std::string& file, std::string_view bytes) {
    EXPECT_EQ(file, fake_library());
    EXPECT_EQ(bytes, read_file(file));
    seen = read_file("/proc/self/maps");
    throw std::runtime_error("not this one");
  };
  EXPECT_THROW(Library(fake_library(), options), std::runtime_error);
  // It lies in memory, and no part of it can be run.
  for (std::size_t at = 0; (at = seen.find("libfake.so", at)) != std::string::npos;
       ++at) {
    const std::size_t line = seen.rfind('\n', at);
    EXPECT_EQ(seen.substr(line, at - line).find("r-xp"), std::string::npos);
  }
  EXPECT_NE(seen.find("libfake.so"), std::string::npos);
}

TEST(Library, ManyThreadsMayLoadAndUnloadOneFile) {
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([thread] {
      for (int i = 0; i < 50; ++i) {
        LibraryOptions options;
        options.map_in_place = (thread + i) % 5 == 0;
        EXPECT_EQ(answer(Library(fake_library(), options)), 10);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace tfnative::internal
