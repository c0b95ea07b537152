// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "batching/streaming_queue.h"

#include <algorithm>
#include <string>

namespace tfnative::internal {

StreamingQueue::StreamingQueue(const BatchOptions& options,
                               std::shared_ptr<const BatchFunction> function)
    : options_(options),
      timeout_micros_(options.batch_timeout_micros),
      function_(std::move(function)) {}

bool StreamingQueue::fits(const Request& request, std::int64_t now_micros) const {
  return open_ != nullptr && open_->is_open && now_micros < open_->closes_micros &&
         open_->rows + request.rows <= options_.max_execution_batch_size;
}

void StreamingQueue::add(const std::shared_ptr<Request>& request,
                         std::int64_t now_micros, std::int32_t free_threads) {
  if (!fits(*request, now_micros)) {
    close_open_batch();
    if (free_threads <= static_cast<std::int32_t>(untaken_.size())) {
      throw Error(
          Code::kUnavailable,
          function_->name + ": all batch threads are busy, and a request with " +
              std::to_string(request->rows) + " rows fits into none of their batches");
    }
    open_ = std::make_shared<Batch>();
    open_->id = next_batch_id_++;
    open_->function = function_;
    open_->is_open = true;
    open_->opened_micros = now_micros;
    open_->closes_micros = timeout_micros_ < kForever - now_micros
                               ? now_micros + timeout_micros_
                               : kForever;
    untaken_.push_back(open_);
  }
  open_->parts.push_back({request, 0, request->rows});
  open_->rows += request->rows;
  request->queued_parts = 1;
  request->unanswered_parts = 1;
  request->bell = open_->bell;
  if (open_->rows == options_.max_execution_batch_size) {
    close_open_batch();
  } else {
    open_->changed.notify_one();
  }
}

std::int64_t StreamingQueue::due_micros() const {
  return untaken_.empty() ? kForever : 0;
}

std::shared_ptr<Batch> StreamingQueue::take(
    std::int64_t /*now_micros*/, std::vector<std::shared_ptr<Request>>* /*expired*/) {
  if (untaken_.empty()) return nullptr;
  std::shared_ptr<Batch> batch = std::move(untaken_.front());
  untaken_.erase(untaken_.begin());
  return batch;
}

bool StreamingQueue::is_next(const Request& /*request*/) const {
  return false;  // Who takes a batch waits for others: not for a thread that predicts.
}

std::vector<Batch*> StreamingQueue::waiting() const {
  std::vector<Batch*> batches;
  for (const std::shared_ptr<Batch>& batch : untaken_) batches.push_back(batch.get());
  if (open_ != nullptr && (untaken_.empty() || untaken_.back() != open_)) {
    batches.push_back(open_.get());
  }
  return batches;
}

bool StreamingQueue::remove(const Request& request) {
  if (request.started) return false;
  for (Batch* const batch : waiting()) {
    const auto part =
        std::find_if(batch->parts.begin(), batch->parts.end(),
                     [&](const Part& p) { return p.request.get() == &request; });
    if (part == batch->parts.end()) continue;
    batch->rows -= part->rows;
    part->request->queued_parts = 0;
    batch->parts.erase(part);
    return true;
  }
  return false;
}

std::vector<Part> StreamingQueue::clear() {
  std::vector<Part> parts;
  for (Batch* const batch : waiting()) {
    const auto first =
        std::stable_partition(batch->parts.begin(), batch->parts.end(),
                              [](const Part& part) { return part.request->started; });
    for (auto part = first; part != batch->parts.end(); ++part) {
      batch->rows -= part->rows;
      part->request->queued_parts = 0;
      parts.push_back(std::move(*part));
    }
    batch->parts.erase(first, batch->parts.end());
  }
  close_open_batch();
  untaken_.clear();
  return parts;
}

void StreamingQueue::close_open_batch() {
  if (open_ == nullptr) return;
  open_->is_open = false;
  open_->changed.notify_one();
  open_.reset();
}

void StreamingQueue::set_function(std::shared_ptr<const BatchFunction> function) {
  close_open_batch();
  function_ = std::move(function);
}

std::int64_t StreamingQueue::requests() const {
  std::int64_t count = 0;
  for (const Batch* const batch : waiting()) {
    for (const Part& part : batch->parts) count += part.request->started ? 0 : 1;
  }
  return count;
}

std::int64_t StreamingQueue::rows() const {
  std::int64_t count = 0;
  for (const Batch* const batch : waiting()) {
    for (const Part& part : batch->parts)
      count += part.request->started ? 0 : part.rows;
  }
  return count;
}

std::int64_t StreamingQueue::batches() const {
  return static_cast<std::int64_t>(untaken_.size());
}

}  // namespace tfnative::internal
