// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "tensorflow/library.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "fake.h"

namespace tfnative::internal {
namespace {

using testing::Thrown;
using testing::thrown;

Thrown refusal_of(const std::string& path) {
  return thrown([&] { open_tensorflow(path); });
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(TensorflowLibrary, HasThePathAndTheVersion) {
  const TensorflowLibrary library = open_tensorflow(FAKE_TENSORFLOW);
  EXPECT_EQ(library.path(), FAKE_TENSORFLOW);
  EXPECT_EQ(library.version(), "2.99.0-fake");
  EXPECT_EQ(library.api().TF_Version(), library.version());
  EXPECT_NE(library.api().TF_SessionRun, nullptr);
}

TEST(TensorflowLibrary, OlderThanTheOldestIsRefusedByName) {
  const Thrown refusal = refusal_of(FAKE_TENSORFLOW_FOLDER "/libfake_2_15.so");
  EXPECT_EQ(refusal.code, Code::kFailedPrecondition);
  EXPECT_TRUE(contains(refusal.message, "TensorFlow 2.15.1")) << refusal.message;
  EXPECT_TRUE(contains(refusal.message, "2.16")) << refusal.message;
  EXPECT_TRUE(contains(refusal.message, "pip install")) << refusal.message;
}

TEST(TensorflowLibrary, WithoutANumberForItsVersionIsRefused) {
  const Thrown refusal = refusal_of(FAKE_TENSORFLOW_FOLDER "/libfake_unnumbered.so");
  EXPECT_EQ(refusal.code, Code::kFailedPrecondition);
  EXPECT_TRUE(contains(refusal.message, "its version is 'nightly'")) << refusal.message;
}

TEST(TensorflowLibrary, WithoutAFunctionThatIsUsedIsRefusedByItsName) {
  const Thrown refusal = refusal_of(FAKE_TENSORFLOW_FOLDER "/libfake_incomplete.so");
  EXPECT_EQ(refusal.code, Code::kFailedPrecondition);
  EXPECT_TRUE(contains(refusal.message, "TensorFlow 2.17.0 has no TF_"))
      << refusal.message;
}

TEST(TensorflowLibrary, OfAnotherKindIsRefused) {
  const Thrown refusal = refusal_of(testing::fake_library());
  EXPECT_EQ(refusal.code, Code::kFailedPrecondition);
  EXPECT_TRUE(contains(refusal.message, "another library")) << refusal.message;
}

TEST(TensorflowLibrary, ThatIsNoLibraryIsRefusedWithTheReason) {
  const testing::TemporaryFolder folder;
  const std::string path = folder.write("libtensorflow.so.2", "not a library");
  const Thrown refusal = refusal_of(path);
  EXPECT_EQ(refusal.code, Code::kFailedPrecondition);
  EXPECT_TRUE(contains(refusal.message, path)) << refusal.message;
}

TEST(TensorflowLibrary, ThatIsNotThereIsNotFoundAndSaysHowToInstallIt) {
  const testing::TemporaryFolder folder;
  for (const std::string& path :
       {folder.path() + "/libtensorflow.so.2", std::string("libnot-there.so.2")}) {
    const Thrown refusal = refusal_of(path);
    EXPECT_EQ(refusal.code, Code::kNotFound);
    EXPECT_TRUE(contains(refusal.message, "pip install \"tensorflow>=2.16\""));
    EXPECT_TRUE(contains(refusal.message, "TFNATIVE_LIBTENSORFLOW"));
  }
}

TEST(TensorflowLibrary, IsOfTheProcessThatOpenedIt) {
  const TensorflowLibrary library = open_tensorflow(FAKE_TENSORFLOW);
  EXPECT_TRUE(library.is_own_process());
  const pid_t child = ::fork();
  if (child == 0) {
    try {
      library.check_process();
    } catch (const Error& error) {
      ::_exit(error.code() == Code::kFailedPrecondition ? 0 : 2);
    }
    ::_exit(1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  library.check_process();
}

}  // namespace
}  // namespace tfnative::internal
