// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "batching/request_queue.h"

#include <algorithm>
#include <string>

namespace tfnative::internal {

RequestQueue::RequestQueue(const BatchOptions& options,
                           std::shared_ptr<const BatchFunction> function)
    : options_(options),
      timeout_micros_(options.batch_timeout_micros),
      function_(std::move(function)) {
  start_batch();
}

void RequestQueue::start_batch() {
  batches_.push_back(std::make_shared<Batch>());
  open().id = next_batch_id_++;
  open().function = function_;
}

std::int64_t RequestQueue::room() const {
  return options_.max_execution_batch_size - open().rows;
}

// Of rows that are split; as many as there can be are no overflow.
std::int64_t RequestQueue::batches_for(std::int64_t rows) const {
  const std::int64_t most = options_.max_execution_batch_size;
  return rows <= 0 ? 0 : (rows - 1) / most + 1;
}

void RequestQueue::add(const std::shared_ptr<Request>& request, std::int64_t now_micros,
                       std::int32_t /*free_threads*/) {
  const std::int64_t rows = request->rows;
  const auto free_batches =
      options_.max_enqueued_batches - static_cast<std::int64_t>(batches_.size());
  if (!options_.enable_large_batch_splitting) {
    if (rows > room()) {
      if (free_batches <= 0) fail_full(rows);
      start_batch();
    }
    add_part(request, 0, rows, now_micros);
  } else {
    // Batches that a swap has closed early may have left no free one.
    if (batches_for(rows) > options_.max_enqueued_batches) fail_never(rows);
    if (batches_for(rows - room()) > std::max<std::int64_t>(free_batches, 0)) {
      fail_full(rows);
    }
    for (std::int64_t first = 0; first < rows;) {
      if (room() == 0) start_batch();
      const std::int64_t taken = std::min(room(), rows - first);
      add_part(request, first, taken, now_micros);
      first += taken;
    }
  }
  ++requests_;
}

void RequestQueue::fail_full(std::int64_t rows) const {
  throw Error(Code::kUnavailable,
              function_->name + ": the queue is full: " + std::to_string(rows_) +
                  " rows of " + std::to_string(requests_) + " requests wait in " +
                  std::to_string(batches()) + " batches, max_enqueued_batches is " +
                  std::to_string(options_.max_enqueued_batches) +
                  ", and a request with " + std::to_string(rows) +
                  " rows does not fit");
}

void RequestQueue::fail_never(std::int64_t rows) const {
  const std::int64_t batches = options_.max_enqueued_batches;
  const std::int64_t most = options_.max_execution_batch_size;
  // The code that TensorFlow's queue has for it, too.
  throw Error(Code::kUnavailable,
              function_->name + ": a request with " + std::to_string(rows) +
                  " rows does not fit the queue when it is empty, either: " +
                  std::to_string(batches) + " batches (max_enqueued_batches) of " +
                  std::to_string(most) + " rows (max_execution_batch_size) are " +
                  std::to_string(batches * most));
}

void RequestQueue::add_part(const std::shared_ptr<Request>& request,
                            std::int64_t first_row, std::int64_t rows,
                            std::int64_t now_micros) {
  if (open().parts.empty()) open().opened_micros = now_micros;
  open().parts.push_back({request, first_row, rows});
  open().rows += rows;
  rows_ += rows;
  ++request->queued_parts;
  ++request->unanswered_parts;
  request->bell = open().bell;
}

std::int64_t RequestQueue::due_micros() const {
  if (batches_.size() > 1) return 0;
  if (open().rows == 0) return kForever;
  if (room() == 0) return 0;
  return timeout_micros_ < kForever - open().opened_micros
             ? open().opened_micros + timeout_micros_
             : kForever;
}

std::shared_ptr<Batch> RequestQueue::take(
    std::int64_t now_micros, std::vector<std::shared_ptr<Request>>* expired) {
  while (due_micros() <= now_micros) {
    if (batches_.size() == 1) start_batch();
    std::shared_ptr<Batch> batch = std::move(batches_.front());
    batches_.pop_front();
    drop_expired(*batch, now_micros, expired);
    for (const Part& part : batch->parts) {
      rows_ -= part.rows;
      if (--part.request->queued_parts == 0) --requests_;
      part.request->started = true;
    }
    if (!batch->parts.empty()) return batch;
  }
  return nullptr;
}

// Requests of which nothing has run; the others are answered all the same.
void RequestQueue::drop_expired(Batch& batch, std::int64_t now_micros,
                                std::vector<std::shared_ptr<Request>>* expired) {
  const auto first = std::stable_partition(
      batch.parts.begin(), batch.parts.end(), [&](const Part& part) {
        return part.request->started || part.request->deadline_micros > now_micros;
      });
  for (auto part = first; part != batch.parts.end(); ++part) {
    batch.rows -= part->rows;
    rows_ -= part->rows;
    --part->request->queued_parts;
    if (part->request->queued_parts > 0) remove_parts(*part->request);
    --requests_;
    expired->push_back(std::move(part->request));
  }
  batch.parts.erase(first, batch.parts.end());
}

bool RequestQueue::is_next(const Request& request) const {
  const std::vector<Part>& parts = batches_.front()->parts;
  return std::any_of(parts.begin(), parts.end(),
                     [&](const Part& part) { return part.request.get() == &request; });
}

bool RequestQueue::remove(const Request& request) {
  if (request.started || !remove_parts(request)) return false;
  --requests_;
  return true;
}

bool RequestQueue::remove_parts(const Request& request) {
  const auto is_other = [&](const Part& part) {
    return part.request.get() != &request;
  };
  bool found = false;
  for (const std::shared_ptr<Batch>& batch : batches_) {
    std::vector<Part>& parts = batch->parts;
    const auto first = std::stable_partition(parts.begin(), parts.end(), is_other);
    for (auto part = first; part != parts.end(); ++part) {
      found = true;
      batch->rows -= part->rows;
      rows_ -= part->rows;
      --part->request->queued_parts;
    }
    parts.erase(first, parts.end());
  }
  batches_.erase(std::remove_if(batches_.begin(), batches_.end() - 1,
                                [](const auto& batch) { return batch->parts.empty(); }),
                 batches_.end() - 1);
  return found;
}

std::vector<Part> RequestQueue::clear() {
  std::vector<Part> parts;
  for (const std::shared_ptr<Batch>& batch : batches_) {
    for (Part& part : batch->parts) {
      --part.request->queued_parts;
      parts.push_back(std::move(part));
    }
  }
  batches_.clear();
  start_batch();
  requests_ = rows_ = 0;
  return parts;
}

void RequestQueue::close_open_batch() {
  if (open().rows > 0) start_batch();
}

void RequestQueue::set_function(std::shared_ptr<const BatchFunction> function) {
  close_open_batch();
  function_ = std::move(function);
  open().function = function_;
}

std::int64_t RequestQueue::batches() const {
  return static_cast<std::int64_t>(batches_.size()) - (open().rows == 0 ? 1 : 0);
}

}  // namespace tfnative::internal
