// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "tfnative/thread_pool.hpp"

#include <pthread.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "base/process.h"
#include "tfnative/error.hpp"

namespace tfnative {
namespace internal {
namespace {

constexpr int kMaxThreads = 1024;

// The steps of a model follow each other within microseconds: a thread that has done
// its part looks out for the next one for about as long as waking it would take.
constexpr int kSpins = 20000;

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

// Threads that wait for a job, which one caller at a time hands to all of them.
class Workers {
 public:
  explicit Workers(int threads) : process_(process_id()) {
    try {
      for (int i = 1; i < threads; ++i) {
        threads_.emplace_back([this] { work(); });
      }
    } catch (const std::system_error& error) {
      stop();
      throw Error(Code::kResourceExhausted,
                  std::string("cannot start threads: ") + error.what());
    }
  }

  ~Workers() { stop(); }

  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  // After fork(), its threads are the parent's: what they wait for here never comes,
  // not even in a destructor.
  static void destroy(Workers* workers) {
    if (process_id() == workers->process_) delete workers;
  }

  int threads() const { return static_cast<int>(threads_.size()) + 1; }

  void run(void (*task)(void*, std::int32_t), void* argument, std::int32_t parts) {
    if (parts > 1 && process_id() == process_ && !busy_.exchange(true)) {
      share(task, argument, parts);
      busy_.store(false);
    } else {
      for (std::int32_t part = 0; part < parts; ++part) task(argument, part);
    }
  }

 private:
  void share(void (*task)(void*, std::int32_t), void* argument, std::int32_t parts) {
    task_ = task;
    argument_ = argument;
    parts_ = parts;
    next_part_.store(0, std::memory_order_relaxed);
    working_.store(static_cast<int>(threads_.size()), std::memory_order_relaxed);
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      job_.fetch_add(1, std::memory_order_release);
    }
    wake_.notify_all();
    take_parts();
    for (int spins = 0; working_.load(std::memory_order_acquire) != 0; ++spins) {
      spins < kSpins ? pause() : std::this_thread::yield();
    }
  }

  void take_parts() {
    for (;;) {
      const std::int32_t part = next_part_.fetch_add(1, std::memory_order_relaxed);
      if (part >= parts_) return;
      task_(argument_, part);
    }
  }

  void work() {
    for (unsigned seen = 0;;) {
      for (int spins = 0; job_.load(std::memory_order_acquire) == seen; ++spins) {
        if (spins < kSpins) {
          pause();
          continue;
        }
        std::unique_lock<std::mutex> lock(mutex_);
        wake_.wait(lock, [&] { return job_.load(std::memory_order_relaxed) != seen; });
      }
      if (stopping_.load(std::memory_order_relaxed)) return;
      ++seen;
      take_parts();
      working_.fetch_sub(1, std::memory_order_release);
    }
  }

  void stop() {
    stopping_.store(true, std::memory_order_relaxed);
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      job_.fetch_add(1, std::memory_order_release);
    }
    wake_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  const pid_t process_;
  std::atomic<bool> busy_{false};

  // The job, written while no thread works.
  void (*task_)(void*, std::int32_t) = nullptr;
  void* argument_ = nullptr;
  std::int32_t parts_ = 0;

  std::atomic<std::int32_t> next_part_{0};
  std::atomic<int> working_{0};
  std::atomic<bool> stopping_{false};
  std::atomic<unsigned> job_{0};  // Counts the jobs; changed under the mutex.
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<std::thread> threads_;  // Last: they use the members above.
};

}  // namespace internal

ThreadPool::ThreadPool(int threads) {
  if (threads < 1 || threads > internal::kMaxThreads) {
    throw Error(Code::kInvalidArgument, "the number of threads must be in 1 to " +
                                            std::to_string(internal::kMaxThreads) +
                                            ", got " + std::to_string(threads));
  }
  if (threads > 1) {
    workers_ = {new internal::Workers(threads), internal::Workers::destroy};
  }
}

int ThreadPool::threads() const noexcept { return workers_ ? workers_->threads() : 1; }

void ThreadPool::run(void (*task)(void*, std::int32_t), void* argument,
                     std::int32_t parts) const noexcept {
  if (workers_) return workers_->run(task, argument, parts);
  for (std::int32_t part = 0; part < parts; ++part) task(argument, part);
}

}  // namespace tfnative
