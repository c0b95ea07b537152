// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Functions of the past, which batches may still have.
#pragma once

#include <atomic>
#include <list>
#include <memory>
#include <mutex>

#include "tfnative/batcher.hpp"

namespace tfnative::internal {

// Nothing else keeps the last reference to one: it is let go without the mutex held,
// since that may take long, and may call the very batcher that it was replaced in.
class RetiredFunctions {
 public:
  // `mutex` guards them, and outlives them.
  explicit RetiredFunctions(std::mutex& mutex) : mutex_(mutex) {}

  // Called with the mutex held, before the function is replaced: whoever lets go of it
  // then sees that it is retired.
  void add(std::shared_ptr<const BatchFunction> function);

  // Lets go of those that no batch has any more. Whoever makes a batch let go of its
  // function calls this afterwards, without the mutex held. Quick if there are none.
  void let_go() noexcept;

 private:
  std::mutex& mutex_;
  std::list<std::shared_ptr<const BatchFunction>> functions_;  // Guarded by the mutex.
  std::atomic<bool> any_{false};
};

}  // namespace tfnative::internal
