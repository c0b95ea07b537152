// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// The threads that run batches, and who is next.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "batching/lane.h"

namespace tfnative::internal {

// Serves its lanes in turn, a batch each. Lanes share its mutex, so that a thread sees
// all of them at one moment.
//
// A thread that waits for its own request may run the batch itself. It counts as one of
// the batch threads meanwhile: there are as many permits as threads, and who runs a
// batch has one.
class Scheduler {
 public:
  explicit Scheduler(const BatchThreadOptions& options);
  // No lanes are left.
  ~Scheduler();
  // Deletes it, in another thread if one of its own lets it go, and not in a child of
  // fork(): it would wait for threads that are not there.
  static void destroy(Scheduler* scheduler);
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  std::mutex& mutex() { return mutex_; }
  const std::shared_ptr<Clock>& shared_clock() const { return clock_; }
  std::int32_t threads() const { return thread_count_; }
  const std::string& name() const { return name_; }

  // Whether this is the process that the threads are in: they do not survive fork().
  bool in_own_process() const;
  // Throws Error (kFailedPrecondition) if it is not.
  void check_process() const;

  // Whether the calling thread is one of its own, or one that these wait for.
  bool waits_for_this_thread();

  // The methods below are called with the mutex held.

  void add(Lane& lane);
  void remove(Lane& lane);

  // A lane has got something to run at `due_micros`.
  void announce(std::int64_t due_micros, std::int64_t now_micros);

  // How many more batches may be run at this moment.
  std::int32_t free_threads() const { return thread_count_ - running_; }

  // Whether another batch may be run; if so, `return_permit` has to follow.
  bool take_permit();
  void return_permit();

  // Has a request's lane expire it at its deadline even if all threads are busy then.
  // Starts a thread when it is first called; throws Error (kResourceExhausted).
  void watch(Request& request);
  void stop_watching(Request& request);

 private:
  void work(std::int32_t thread);
  void watch_deadlines();
  void run_batches(std::unique_lock<std::mutex>& lock, std::int32_t thread);
  Lane* next_lane(std::int64_t now_micros);
  std::int64_t next_due() const;
  void stop();

  const pid_t process_;
  const std::int32_t thread_count_;
  const std::string name_;
  const std::shared_ptr<Clock> clock_;

  std::mutex mutex_;
  std::condition_variable work_;      // For batch threads.
  std::condition_variable deadline_;  // For the thread that watches deadlines.
  std::vector<Lane*> lanes_;
  std::size_t next_lane_ = 0;
  std::int32_t running_ = 0;   // Permits that are taken.
  std::int32_t sleeping_ = 0;  // Batch threads that wait on work_.
  // The first moment at which one of them will look by itself.
  std::int64_t wakes_micros_ = kForever;
  Deadlines deadlines_;
  bool stopping_ = false;
  std::thread deadline_thread_;
  std::vector<std::thread> threads_;  // Last: they use the members above.
};

}  // namespace tfnative::internal
