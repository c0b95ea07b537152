// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "base/fork_mutex.h"

#include <pthread.h>

namespace tfnative::internal {
namespace {

ForkMutex* first = nullptr;  // Of all there are, as the library was loaded.

}  // namespace

ForkMutex::ForkMutex() : next_(first) {
  if (first == nullptr) ::pthread_atfork(lock_all, unlock_all, unlock_all);
  first = this;
}

void ForkMutex::lock_all() {
  for (ForkMutex* mutex = first; mutex != nullptr; mutex = mutex->next_) mutex->lock();
}

void ForkMutex::unlock_all() {
  for (ForkMutex* mutex = first; mutex != nullptr; mutex = mutex->next_) {
    mutex->unlock();
  }
}

}  // namespace tfnative::internal
