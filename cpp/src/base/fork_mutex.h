// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// A mutex of the whole process, for what a child of fork() has to find whole.
#pragma once

#include "base/mutex.h"

namespace tfnative::internal {

// Nobody but the thread that calls fork() holds it while the process is copied: fork()
// waits for whoever does. A child would find another mutex locked for ever, and what it
// guards half done, if a thread was at it that the child does not have.
//
// For objects at namespace scope only. Nobody may wait for another one, nor call
// fork(), with one of them held.
class ForkMutex : public Mutex {
 public:
  ForkMutex();

 private:
  static void lock_all() TFN_ATTRIBUTE(no_thread_safety_analysis);
  static void unlock_all() TFN_ATTRIBUTE(no_thread_safety_analysis);

  ForkMutex* const next_;
};

}  // namespace tfnative::internal
