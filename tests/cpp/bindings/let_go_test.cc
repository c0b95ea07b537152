// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "let_go.h"

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <thread>
#include <utility>

namespace tfnative::bindings {
namespace {

// Says which thread freed it.
struct Noted {
  explicit Noted(std::shared_ptr<std::promise<std::thread::id>> said)
      : freed_by(std::move(said)) {}
  ~Noted() { freed_by->set_value(std::this_thread::get_id()); }
  Noted(const Noted&) = delete;
  Noted& operator=(const Noted&) = delete;

  const std::shared_ptr<std::promise<std::thread::id>> freed_by;
};

std::thread::id freed_by(std::size_t bytes) {
  const auto said = std::make_shared<std::promise<std::thread::id>>();
  let_go(std::make_unique<Noted>(said), bytes);
  return said->get_future().get();
}

TEST(LetGo, LargeMemoryIsFreedByAnotherThread) {
  EXPECT_NE(freed_by(kLargeBytes), std::this_thread::get_id());
}

TEST(LetGo, SmallMemoryIsFreedAtOnce) {
  EXPECT_EQ(freed_by(kLargeBytes - 1), std::this_thread::get_id());
}

}  // namespace
}  // namespace tfnative::bindings
