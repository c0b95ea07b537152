// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Tables that no compiler of ours writes, in libraries whose checksums fit.
#include <gtest/gtest.h>

#include <string>

#include "library.h"
#include "tfnative/error.hpp"

namespace tfnative::internal {
namespace {

std::string failure(const std::string& kind) {
  try {
    const Library library(std::string(FOREIGN_ARTIFACTS) + "/libforeign_" + kind +
                          ".so");
  } catch (const LoadError& error) {
    return error.what();
  }
  return "";
}

TEST(ForeignArtifact, LoadsIfItsTablesMakeSense) {
  EXPECT_EQ(failure("whole"), "");
  EXPECT_EQ(failure("without_elements"), "");
}

TEST(ForeignArtifact, IsRefusedWithASizeThatIsNegative) {
  // Only the first size may be that of the batch, and nothing is below that.
  for (const std::string kind : {"rows_of_minus_2", "size_of_minus_3", "two_batches"}) {
    EXPECT_NE(failure(kind).find("its tables are not those"), std::string::npos)
        << kind << ": " << failure(kind);
  }
}

TEST(ForeignArtifact, MayEndBeforeWhatCameLaterAndNotSooner) {
  EXPECT_EQ(failure("old_table"), "");
  EXPECT_NE(failure("short_table").find("its tables are not those"), std::string::npos);
}

}  // namespace
}  // namespace tfnative::internal
