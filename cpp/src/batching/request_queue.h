// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Forms batches as TensorFlow's SharedBatchScheduler does
// (tensorflow/core/kernels/batching_util/shared_batch_scheduler.h).
#pragma once

#include <deque>

#include "batching/queue.h"

namespace tfnative::internal {

class RequestQueue final : public Queue {
 public:
  // `options` are resolved.
  RequestQueue(const BatchOptions& options,
               std::shared_ptr<const BatchFunction> function);

  void add(const std::shared_ptr<Request>& request, std::int64_t now_micros,
           std::int32_t free_threads) override;
  std::int64_t due_micros() const override;
  std::shared_ptr<Batch> take(std::int64_t now_micros,
                              std::vector<std::shared_ptr<Request>>* expired) override;
  bool is_next(const Request& request) const override;
  bool remove(const Request& request) override;
  std::vector<Part> clear() override;
  void close_open_batch() override;
  void set_function(std::shared_ptr<const BatchFunction> function) override;
  const std::shared_ptr<const BatchFunction>& function() const override {
    return function_;
  }
  void set_timeout(std::int64_t micros) override { timeout_micros_ = micros; }
  std::int64_t timeout_micros() const override { return timeout_micros_; }
  std::int64_t requests() const override { return requests_; }
  std::int64_t rows() const override { return rows_; }
  std::int64_t batches() const override;

 private:
  Batch& open() { return *batches_.back(); }
  const Batch& open() const { return *batches_.back(); }
  std::int64_t room() const;  // Rows that the open batch can take.
  std::int64_t batches_for(std::int64_t rows) const;
  void start_batch();
  void add_part(const std::shared_ptr<Request>& request, std::int64_t first_row,
                std::int64_t rows, std::int64_t now_micros);
  [[noreturn]] void fail_full(std::int64_t rows) const;
  [[noreturn]] void fail_never(std::int64_t rows) const;
  bool remove_parts(const Request& request);
  void drop_expired(Batch& batch, std::int64_t now_micros,
                    std::vector<std::shared_ptr<Request>>* expired);

  const BatchOptions options_;
  std::int64_t timeout_micros_;
  std::shared_ptr<const BatchFunction> function_;
  std::deque<std::shared_ptr<Batch>> batches_;  // Never empty: the last one is open.
  std::uint64_t next_batch_id_ = 0;
  std::int64_t requests_ = 0, rows_ = 0;
};

}  // namespace tfnative::internal
