// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// A mutex that Clang's -Wthread-safety understands; GCC ignores the attributes.
#pragma once

#include <mutex>

#if defined(__clang__)
#define TFN_ATTRIBUTE(x) __attribute__((x))
#else
#define TFN_ATTRIBUTE(x)
#endif
#define TFN_GUARDED_BY(mutex) TFN_ATTRIBUTE(guarded_by(mutex))
#define TFN_REQUIRES(mutex) TFN_ATTRIBUTE(requires_capability(mutex))

namespace tfnative::internal {

class TFN_ATTRIBUTE(capability("mutex")) Mutex {
 public:
  void lock() TFN_ATTRIBUTE(acquire_capability()) { mutex_.lock(); }
  void unlock() TFN_ATTRIBUTE(release_capability()) { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

// Holds a mutex for a scope.
class TFN_ATTRIBUTE(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) TFN_ATTRIBUTE(acquire_capability(mutex))
      : mutex_(mutex) {
    mutex_.lock();
  }
  ~MutexLock() TFN_ATTRIBUTE(release_capability()) { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

}  // namespace tfnative::internal
