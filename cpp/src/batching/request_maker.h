// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// From what a caller asks for to a request that can be queued.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "batching/counters.h"
#include "batching/request.h"
#include "tfnative/batcher.hpp"

namespace tfnative::internal {

// Throws Error (kInvalidArgument) if requests for a function cannot be batched.
void check_batchable(const BatchFunction& function);

// Knows the names, types and shapes of a batch function's tensors, not the function.
// Thread-safe, without locks. What it is made with outlives it, but the function.
class RequestMaker {
 public:
  // `options` are resolved.
  RequestMaker(const BatchFunction& function, const BatchOptions& options,
               const Clock& clock, Counters& counters);

  // Of the first function: begins messages.
  const std::string& name() const { return name_; }

  // A request that has been checked, and counted. It has no lane yet. Throws Error
  // (kInvalidArgument), which has been counted.
  std::shared_ptr<Request> make(Span<const TensorView> inputs,
                                Span<const MutableTensorView> outputs,
                                std::int64_t timeout_micros);

  // Throws Error (kInvalidArgument) unless a function can run these requests.
  void check_runs_them(const BatchFunction& function) const;

 private:
  void check(Span<const TensorView> inputs, Span<const MutableTensorView> outputs,
             Request& request) const;
  std::int64_t read_smaller(Span<const TensorView> inputs, Request& request) const;

  const std::string name_;
  const std::vector<TensorSpec> input_specs_, output_specs_;
  const BatchOptions& options_;
  const Clock& clock_;
  Counters& counters_;
  std::atomic<std::uint64_t> next_id_{0};
};

}  // namespace tfnative::internal
