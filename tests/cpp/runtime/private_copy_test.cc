// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "base/private_copy.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <functional>

#include "files.h"
#include "library.h"
#include "tfnative/error.hpp"

namespace tfnative::internal {
namespace {

using testing::fake_library;
using testing::read_file;
using testing::TemporaryFolder;

// What a function returns in a process of its own.
int in_child(const std::function<int()>& function) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(function());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

// Has the system refuse to make memory without a name, as some sandboxes do.
bool forbid_memory_files() {
#ifdef SYS_memfd_create
  sock_filter rules[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                         BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_memfd_create, 0, 1),
                         BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
                         BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  const sock_fprog program = {sizeof rules / sizeof rules[0], rules};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
#else
  return true;
#endif
}

int open_to_write(const PrivateCopy& copy) {
  return ::open(copy.path().c_str(), O_RDWR | O_CLOEXEC);
}

TEST(PrivateCopy, HasTheBytesOfTheFile) {
  const TemporaryFolder folder;
  for (const std::size_t size : {0, 1, 262143, 262144, 262145, 1000000}) {
    const std::string content(size, 'x');
    const PrivateCopy copy{OpenFile(folder.write("file", content))};
    EXPECT_EQ(copy.bytes(), content);
    EXPECT_EQ(read_file(copy.path()), content);
  }
}

TEST(PrivateCopy, IsChangedNeitherThroughTheFileNorThroughItself) {
  const TemporaryFolder folder;
  const std::string file = folder.write("file", "before");
  const PrivateCopy copy{OpenFile(file)};
  folder.write("file", "afterwards");
  EXPECT_EQ(copy.bytes(), "before");
  if (copy.kind() != PrivateCopy::Kind::kMemory) GTEST_SKIP() << "needs memfd_create";
  const int descriptor = open_to_write(copy);
  ASSERT_GE(descriptor, 0);
  EXPECT_EQ(::write(descriptor, "x", 1), -1);
  EXPECT_EQ(::ftruncate(descriptor, 0), -1);
  EXPECT_EQ(::ftruncate(descriptor, 100), -1);
  EXPECT_EQ(::mmap(nullptr, 6, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0),
            MAP_FAILED);
  EXPECT_EQ(copy.bytes(), "before");
  ::close(descriptor);
}

TEST(PrivateCopy, RefusesWhatIsNoFile) {
  const TemporaryFolder folder;
  EXPECT_THROW(OpenFile(folder.path()), LoadError);
  EXPECT_THROW(OpenFile(folder.path() + "/none"), LoadError);
  EXPECT_THROW(OpenFile("/dev/null"), LoadError);
  const std::string pipe = folder.path() + "/pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THROW(OpenFile{pipe}, LoadError);  // And does not wait for a writer.
}

TEST(PrivateCopy, NoTwoHaveOnePathEvenIfTheirDescriptorsAreClosed) {
  const TemporaryFolder folder;
  const std::string file = folder.write("file", "content");
  const PrivateCopy first{OpenFile(file)};
  const int descriptor =
      std::stoi(std::filesystem::path(first.path()).filename().string());
  const std::string other = folder.write("other", "other");
  ::close(descriptor);  // As daemons close all of them.
  const PrivateCopy second{OpenFile(other)};
  EXPECT_NE(first.path(), second.path());
  EXPECT_EQ(first.bytes(), "content");
}

TEST(PrivateCopy, DoesNotCloseWhatHasItsNumberByNow) {
  const TemporaryFolder folder;
  int descriptor = -1;
  {
    const PrivateCopy copy{OpenFile(folder.write("file", "content"))};
    if (copy.kind() != PrivateCopy::Kind::kMemory) GTEST_SKIP() << "needs memfd_create";
    descriptor = std::stoi(std::filesystem::path(copy.path()).filename().string());
    const int other = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    ASSERT_EQ(::dup2(other, descriptor), descriptor);
    ::close(other);
  }
  EXPECT_EQ(::fcntl(descriptor, F_GETFD), 0);
  ::close(descriptor);
}

TEST(PrivateCopy, IsATemporaryFileWhereThereIsNoSuchMemory) {
  const TemporaryFolder folder;
  const std::string file = folder.write("file", "content");
  EXPECT_EQ(in_child([&] {
              if (!forbid_memory_files()) return 77;
              PrivateCopy copy{OpenFile(file)};
              const std::string path = copy.path();
              if (copy.kind() != PrivateCopy::Kind::kTemporaryFile) return 1;
              if (read_file(path) != "content") return 2;
              copy.hide();
              if (std::filesystem::exists(path)) return 3;
              return copy.bytes() == "content" ? 0 : 4;
            }),
            0);
}

TEST(PrivateCopy, ALibraryIsLoadedFromATemporaryFileThatIsGoneAfterwards) {
  const TemporaryFolder folder;
  ::setenv("TMPDIR", folder.path().c_str(), 1);
  const int result = in_child([&] {
    if (!forbid_memory_files()) return 77;
    const Library first(fake_library());
    const Library second(fake_library());
    if (&first.artifact() != &second.artifact()) return 1;
    return std::filesystem::is_empty(folder.path()) ? 0 : 2;
  });
  ::unsetenv("TMPDIR");
  EXPECT_EQ(result, 0);
}

TEST(PrivateCopy, ALibraryIsLoadedWhereThereIsNoProc) {
  const int result = in_child([] {
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::umount2("/proc", MNT_DETACH) != 0) {
      return 77;
    }
    const Library library(fake_library());
    return std::string(library.artifact().name) == "fake" ? 0 : 1;
  });
  if (result == 77) GTEST_SKIP() << "only root can take /proc away";
  EXPECT_EQ(result, 0);
}

}  // namespace
}  // namespace tfnative::internal
