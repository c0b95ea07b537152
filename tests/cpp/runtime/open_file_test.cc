// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "base/open_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <vector>

#include "files.h"
#include "tfnative/error.hpp"

namespace tfnative::internal {
namespace {

using testing::TemporaryFolder;

// Blocks of a file are read and compared one after the other.
TEST(OpenFile, HasTheseBytesAndNoOthersHoweverManyThereAre) {
  const TemporaryFolder folder;
  for (const std::size_t size :
       {0u, 1u, 2u, 65535u, 65536u, 65537u, 1u << 20, 3000000u}) {
    std::string content(size, 'a');
    const OpenFile file(folder.write("file", content));
    EXPECT_EQ(file.size(), size);
    // Allocations of their own, so that AddressSanitizer sees what is read behind them.
    const auto has = [&](const std::string& text) {
      const std::vector<char> bytes(text.begin(), text.end());
      return file.has({bytes.data(), bytes.size()});
    };
    EXPECT_TRUE(has(content));
    EXPECT_FALSE(has(content + "a"));
    if (size == 0) continue;
    EXPECT_FALSE(has(content.substr(1)));
    EXPECT_FALSE(has(""));
    for (const std::size_t place : {std::size_t{0}, size / 2, size - 1}) {
      std::string other = content;
      other[place] = 'b';
      EXPECT_FALSE(has(other)) << place << " of " << size;
    }
  }
}

TEST(OpenFile, SeesThatTheFileHasChangedSince) {
  const TemporaryFolder folder;
  const OpenFile file(folder.write("file", "before"));
  EXPECT_TRUE(file.has("before"));
  folder.write("file", "behind");
  EXPECT_FALSE(file.has("before"));
  EXPECT_TRUE(file.has("behind"));
}

TEST(OpenFile, IsReadFromAnyPlace) {
  const TemporaryFolder folder;
  const OpenFile file(folder.write("file", "0123456789"));
  char block[4] = {};
  EXPECT_EQ(file.read(3, block, 4), 4u);
  EXPECT_EQ(std::string(block, 4), "3456");
  EXPECT_EQ(file.read(8, block, 4), 2u);
  EXPECT_EQ(std::string(block, 4), "8956");
  EXPECT_EQ(file.read(10, block, 4), 0u);
}

TEST(OpenFile, IsKnownByMoreThanItsName) {
  const TemporaryFolder folder;
  const std::string name = folder.write("file", "a");
  const std::string same = folder.path() + "/same";
  ASSERT_EQ(::link(name.c_str(), same.c_str()), 0);
  EXPECT_FALSE(OpenFile(name).identity().empty());
  EXPECT_EQ(OpenFile(name).identity(), OpenFile(same).identity());
  EXPECT_NE(OpenFile(name).identity(), OpenFile(folder.write("other", "a")).identity());
  EXPECT_EQ(identity_of(-1), "");
}

TEST(OpenFile, IsAFileThatThereIs) {
  const TemporaryFolder folder;
  EXPECT_THROW(OpenFile(folder.path() + "/none"), LoadError);
  EXPECT_THROW(OpenFile{folder.path()}, LoadError);
}

}  // namespace
}  // namespace tfnative::internal
