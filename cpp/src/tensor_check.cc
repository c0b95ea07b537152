// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "tensor_check.h"

#include "base/text.h"
#include "tfnative/error.hpp"

namespace tfnative::internal {
namespace {

[[noreturn]] void fail(const std::string& where, const std::string& problem) {
  throw Error(Code::kInvalidArgument, where + ": " + problem);
}

// Returns the view's rows, or `rows` if it has no batch dimension. `rows` is -1 as
// long as it is not known.
template <typename View>
std::int64_t check(const std::string& where, const TensorSpec& spec, const View& view,
                   const char* kind, std::int64_t rows) {
  bool fits = view.dtype == spec.dtype && view.shape.size() == spec.shape.size();
  for (std::size_t d = 0; fits && d < spec.shape.size(); ++d) {
    const std::int64_t size = view.shape[d];
    if (spec.shape[d] == kBatch) {
      fits = size >= 0 && (rows < 0 || size == rows);
      if (fits) rows = size;
    } else {
      fits = size == spec.shape[d];
    }
  }
  if (fits) return rows;
  std::string expected = spec_text(spec);
  if (spec.has_batch() && rows >= 0) {
    expected += " with " + std::to_string(rows) + " rows";
  }
  fail(where, std::string(kind) + " " + quoted(spec.name) + ": expected " + expected +
                  ", got " + view_text(view.dtype, view.shape));
}

void check_count(const std::string& where, const char* kind, std::size_t expected,
                 std::size_t found) {
  if (found == expected) return;
  fail(where, "expected " + std::to_string(expected) + " " + kind + ", got " +
                  std::to_string(found));
}

}  // namespace

std::int64_t count_rows(const std::string& where, const std::vector<TensorSpec>& specs,
                        Span<const TensorView> inputs) {
  check_count(where, "inputs", specs.size(), inputs.size());
  std::int64_t rows = -1;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    rows = check(where, specs[i], inputs[i], "input", rows);
  }
  return rows < 0 ? 1 : rows;
}

void check_known_sizes(const std::string& where, const std::vector<TensorSpec>& specs,
                       Span<const TensorView> inputs) {
  check_count(where, "inputs", specs.size(), inputs.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const TensorSpec& spec = specs[i];
    const TensorView& view = inputs[i];
    bool fits = view.dtype == spec.dtype &&
                (spec.unknown_rank || view.shape.size() == spec.shape.size());
    for (std::size_t d = 0; fits && d < view.shape.size(); ++d) {
      const std::int64_t size = view.shape[d];
      const bool any = spec.unknown_rank || spec.shape[d] == kBatch;
      fits = any ? size >= 0 : size == spec.shape[d];
    }
    if (fits) continue;
    fail(where, "input " + quoted(spec.name) + ": expected " + spec_text(spec) +
                    ", got " + view_text(view.dtype, view.shape));
  }
}

void check_outputs(const std::string& where, const std::vector<TensorSpec>& specs,
                   Span<const MutableTensorView> outputs, std::int64_t rows) {
  check_count(where, "outputs", specs.size(), outputs.size());
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    check(where, specs[i], outputs[i], "output", rows);
  }
}

std::string spec_text(const TensorSpec& spec) {
  if (spec.unknown_rank) return std::string(dtype_name(spec.dtype)) + " of any shape";
  return view_text(spec.dtype, {spec.shape.data(), spec.shape.size()});
}

std::string view_text(DType dtype, ShapeView shape) {
  const char* const name = dtype_name(dtype);
  return std::string(name != nullptr ? name : "an unknown type") + " " +
         shape_text(shape);
}

std::size_t row_bytes(const TensorSpec& spec) {
  std::size_t bytes = dtype_bytes(spec.dtype);
  for (std::size_t d = spec.has_batch() ? 1 : 0; d < spec.shape.size(); ++d) {
    bytes *= static_cast<std::size_t>(spec.shape[d]);
  }
  return bytes;
}

}  // namespace tfnative::internal
