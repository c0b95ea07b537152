// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "batching/scheduler.h"

#include <pthread.h>

#include <algorithm>
#include <system_error>

#include "base/process.h"
#include "base/text.h"
#include "batching/running.h"

namespace tfnative::internal {
namespace {

constexpr int kMaxThreads = 1024;

std::int32_t thread_count(int requested) {
  if (requested < 0 || requested > kMaxThreads) {
    throw Error(Code::kInvalidArgument, "num_batch_threads must be in 1 to " +
                                            std::to_string(kMaxThreads) + ", got " +
                                            std::to_string(requested));
  }
  if (requested > 0) return requested;
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()) / 2);
}

void name_thread(std::thread& thread, const std::string& name) {
#if defined(__linux__)
  ::pthread_setname_np(thread.native_handle(), name.substr(0, 15).c_str());
#else
  (void)thread, (void)name;
#endif
}

}  // namespace

Scheduler::Scheduler(const BatchThreadOptions& options)
    : process_(process_id()),
      thread_count_(thread_count(options.num_batch_threads)),
      name_(options.thread_pool_name),
      clock_(options.clock) {
  try {
    for (std::int32_t i = 0; i < thread_count_; ++i) {
      threads_.emplace_back([this, i] { work(i); });
      name_thread(threads_.back(), name_);
    }
  } catch (const std::system_error& error) {
    stop();
    throw Error(Code::kResourceExhausted,
                std::string("cannot start batch threads: ") + error.what());
  }
}

Scheduler::~Scheduler() { stop(); }

void Scheduler::destroy(Scheduler* scheduler) {
  if (!scheduler->in_own_process()) return;
  if (scheduler->waits_for_this_thread()) {
    run_elsewhere([scheduler] { delete scheduler; });
  } else {
    delete scheduler;
  }
}

void Scheduler::stop() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  work_.notify_all();
  deadline_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  if (deadline_thread_.joinable()) deadline_thread_.join();
}

bool Scheduler::in_own_process() const { return process_id() == process_; }

bool Scheduler::waits_for_this_thread() {
  if (internal::waits_for_this_thread(*this)) return true;
  const std::thread::id id = std::this_thread::get_id();
  const auto is_this = [id](const std::thread& thread) {
    return thread.get_id() == id;
  };
  const std::lock_guard<std::mutex> lock(mutex_);  // For the thread that starts late.
  return is_this(deadline_thread_) ||
         std::any_of(threads_.begin(), threads_.end(), is_this);
}

void Scheduler::check_process() const {
  if (in_own_process()) return;
  throw Error(Code::kFailedPrecondition,
              "this process was forked from process " + std::to_string(process_) +
                  ", where the batch threads " + quoted(name_) +
                  " are: make a batcher after fork()");
}

void Scheduler::add(Lane& lane) { lanes_.push_back(&lane); }

void Scheduler::remove(Lane& lane) {
  lanes_.erase(std::remove(lanes_.begin(), lanes_.end(), &lane), lanes_.end());
}

void Scheduler::announce(std::int64_t due_micros, std::int64_t now_micros) {
  // A thread that is about to sleep looks at all lanes first.
  if (sleeping_ == 0 || running_ == thread_count_) return;
  if (due_micros <= now_micros || due_micros < wakes_micros_) work_.notify_one();
}

bool Scheduler::take_permit() {
  if (running_ == thread_count_) return false;
  ++running_;
  return true;
}

void Scheduler::return_permit() {
  --running_;
  if (sleeping_ > 0 && next_due() < wakes_micros_) work_.notify_one();
}

std::int64_t Scheduler::next_due() const {
  std::int64_t due = kForever;
  for (const Lane* lane : lanes_) due = std::min(due, lane->due_micros());
  return due;
}

// The first lane that is due, beginning after the one that was served last.
Lane* Scheduler::next_lane(std::int64_t now_micros) {
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    Lane* const lane = lanes_[(next_lane_ + i) % lanes_.size()];
    if (lane->due_micros() > now_micros) continue;
    next_lane_ = (next_lane_ + i + 1) % lanes_.size();
    return lane;
  }
  return nullptr;
}

void Scheduler::work(std::int32_t thread) {
  std::unique_lock<std::mutex> lock(mutex_);
  while (!stopping_) {
    run_batches(lock, thread);
    if (stopping_) return;
    // Without a permit there is nothing to look for: who returns one will call.
    const std::int64_t until = running_ < thread_count_ ? next_due() : kForever;
    ++sleeping_;
    wakes_micros_ = std::min(wakes_micros_, until);
    clock_->wait(work_, lock, until);
    --sleeping_;
    wakes_micros_ = kForever;  // Those that still sleep are called when it matters.
  }
}

// Runs batches as long as there are any.
void Scheduler::run_batches(std::unique_lock<std::mutex>& lock, std::int32_t thread) {
  std::vector<std::shared_ptr<Request>> expired;
  while (running_ < thread_count_) {
    const std::int64_t now = clock_->now_micros();
    Lane* const lane = next_lane(now);
    if (lane == nullptr) return;
    std::shared_ptr<Batch> batch = lane->take(now, &expired);
    if (batch != nullptr) ++running_;
    // This thread will not look for a while: another one has to.
    if (sleeping_ > 0 && running_ < thread_count_ && next_due() < wakes_micros_) {
      work_.notify_one();
    }
    lock.unlock();
    if (!expired.empty()) lane->expire(std::move(expired));
    expired.clear();
    if (batch != nullptr) lane->run(*batch, thread);
    lock.lock();
    if (batch == nullptr) continue;
    --running_;
    lane->returned(*batch);
  }
}

void Scheduler::watch(Request& request) {
  if (!deadline_thread_.joinable()) {
    try {
      deadline_thread_ = std::thread([this] { watch_deadlines(); });
      name_thread(deadline_thread_, name_ + "-deadlines");
    } catch (const std::system_error& error) {
      throw Error(Code::kResourceExhausted,
                  std::string("cannot start a thread for deadlines: ") + error.what());
    }
  }
  request.watched = deadlines_.emplace(request.deadline_micros, &request);
  if (deadlines_.begin() == *request.watched) deadline_.notify_one();
}

void Scheduler::watch_deadlines() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (!stopping_) {
    if (deadlines_.empty() || deadlines_.begin()->first > clock_->now_micros()) {
      clock_->wait(deadline_, lock,
                   deadlines_.empty() ? kForever : deadlines_.begin()->first);
      continue;
    }
    const std::shared_ptr<Request> request =
        deadlines_.begin()->second->shared_from_this();
    Lane& lane = *request->lane;
    stop_watching(*request);
    if (!lane.remove(*request)) continue;
    lock.unlock();
    lane.expire({request});
    lock.lock();
  }
}

void Scheduler::stop_watching(Request& request) {
  if (!request.watched) return;
  deadlines_.erase(*request.watched);
  request.watched.reset();
}

}  // namespace tfnative::internal
