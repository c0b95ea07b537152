// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "batching/request_maker.h"

#include <algorithm>

#include "base/text.h"
#include "tensor_check.h"

namespace tfnative::internal {
namespace {

bool same(const std::vector<TensorSpec>& a, const std::vector<TensorSpec>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const TensorSpec& x, const TensorSpec& y) {
                      return x.name == y.name && x.dtype == y.dtype &&
                             x.shape == y.shape;
                    });
}

}  // namespace

void check_batchable(const BatchFunction& function) {
  for (const auto* specs : {&function.inputs, &function.outputs}) {
    for (const TensorSpec& spec : *specs) {
      if (!spec.has_batch()) {
        throw Error(Code::kInvalidArgument,
                    function.name + ": requests cannot be batched, since " +
                        quoted(spec.name) + " has no batch dimension");
      }
    }
  }
  if (function.inputs.empty() || !function.run) {
    throw Error(
        Code::kInvalidArgument,
        function.name + ": a batch function needs inputs, and something to run");
  }
}

RequestMaker::RequestMaker(const BatchFunction& function, const BatchOptions& options,
                           const Clock& clock, Counters& counters)
    : name_(function.name),
      input_specs_(function.inputs),
      output_specs_(function.outputs),
      options_(options),
      clock_(clock),
      counters_(counters) {}

std::shared_ptr<Request> RequestMaker::make(Span<const TensorView> inputs,
                                            Span<const MutableTensorView> outputs,
                                            std::int64_t timeout_micros) {
  auto request = std::make_shared<Request>();
  try {
    check(inputs, outputs, *request);
  } catch (const Error& error) {
    counters_.rejected(error.code());
    throw;
  }
  counters_.arrived(request->rows);
  request->waiting = Running::waiting();
  request->id = next_id_.fetch_add(1, std::memory_order_relaxed);
  request->enqueued_micros = clock_.now_micros();
  if (timeout_micros < kForever - request->enqueued_micros) {
    request->deadline_micros = request->enqueued_micros + timeout_micros;
  }
  for (const TensorView& view : inputs) request->inputs.push_back(view.data);
  for (const MutableTensorView& view : outputs) request->outputs.push_back(view.data);
  return request;
}

void RequestMaker::check(Span<const TensorView> inputs,
                         Span<const MutableTensorView> outputs,
                         Request& request) const {
  request.rows = options_.pad_variable_length_inputs
                     ? read_smaller(inputs, request)
                     : count_rows(name_, input_specs_, inputs);
  check_outputs(name_, output_specs_, outputs, request.rows);
  if (request.rows <= options_.max_batch_size) return;
  throw Error(Code::kInvalidArgument, name_ + ": a request has " +
                                          std::to_string(request.rows) +
                                          " rows, but max_batch_size is " +
                                          std::to_string(options_.max_batch_size));
}

// The rows of inputs that may be smaller than the signature's.
std::int64_t RequestMaker::read_smaller(Span<const TensorView> inputs,
                                        Request& request) const {
  std::vector<TensorView> whole(inputs.begin(), inputs.end());
  std::vector<std::vector<std::int64_t>> shapes;
  shapes.reserve(inputs.size());  // Views point into it.
  bool smaller = false;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const ShapeView found = inputs[i].shape;
    request.smaller_shapes.emplace_back(found.begin(), found.end());
    if (i >= input_specs_.size()) continue;
    const std::vector<std::int64_t>& most = input_specs_[i].shape;
    bool fits = found.size() == most.size();
    for (std::size_t d = 1; fits && d < most.size(); ++d) {
      fits = found[d] >= 1 && found[d] <= most[d];
      smaller |= fits && found[d] < most[d];
    }
    if (!fits) continue;  // The check below says why.
    shapes.push_back(most);
    shapes.back()[0] = found[0];
    whole[i].shape = {shapes.back().data(), shapes.back().size()};
  }
  if (!smaller) request.smaller_shapes.clear();
  return count_rows(name_, input_specs_, whole);
}

void RequestMaker::check_runs_them(const BatchFunction& function) const {
  check_batchable(function);
  if (same(function.inputs, input_specs_) && same(function.outputs, output_specs_)) {
    return;
  }
  throw Error(Code::kInvalidArgument,
              function.name +
                  ": it has other inputs or outputs than what it is to "
                  "replace: " +
                  name_);
}

}  // namespace tfnative::internal
