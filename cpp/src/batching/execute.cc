// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "batching/execute.h"

#include <algorithm>
#include <cstring>

#include "tensor_check.h"

namespace tfnative::internal {
namespace {

std::size_t aligned(std::size_t bytes) {
  return (bytes + kAlignmentBytes - 1) / kAlignmentBytes * kAlignmentBytes;
}

std::size_t size(std::int64_t value) { return static_cast<std::size_t>(value); }

// Copies a block of `from` into the corner of a larger one, `to`, whose other elements
// stay as they are.
void copy_corner(const char* from, const std::int64_t* from_sizes, char* to,
                 const std::int64_t* to_sizes, std::size_t rank,
                 std::size_t element_bytes) {
  if (rank == 0) {
    std::memcpy(to, from, element_bytes);
    return;
  }
  std::size_t from_bytes = element_bytes, to_bytes = element_bytes;
  for (std::size_t d = 1; d < rank; ++d) {
    from_bytes *= size(from_sizes[d]);
    to_bytes *= size(to_sizes[d]);
  }
  for (std::int64_t i = 0; i < from_sizes[0]; ++i) {
    copy_corner(from + size(i) * from_bytes, from_sizes + 1, to + size(i) * to_bytes,
                to_sizes + 1, rank - 1, element_bytes);
  }
}

// Rows of an input that is smaller than the signature's: the rest is filled with its
// first element.
void gather_smaller(const TensorSpec& spec, const Part& part, std::size_t input,
                    char* to) {
  const std::size_t element = dtype_bytes(spec.dtype);
  const std::size_t rank = spec.shape.size() - 1;
  const std::vector<std::int64_t>& shape = part.request->smaller_shapes[input];
  std::size_t from_row = element;
  for (std::size_t d = 1; d <= rank; ++d) from_row *= size(shape[d]);
  const std::size_t to_row = row_bytes(spec);
  const auto* const data = static_cast<const char*>(part.request->inputs[input]);
  for (std::int64_t i = 0; i < part.rows; ++i, to += to_row) {
    for (std::size_t at = 0; at < to_row; at += element) {
      std::memcpy(to + at, data, element);
    }
    copy_corner(data + size(part.first_row + i) * from_row, shape.data() + 1, to,
                spec.shape.data() + 1, rank, element);
  }
}

// The views of one run, and the shapes that they refer to.
class Views {
 public:
  Views(const BatchFunction& function, std::int64_t rows) : rows_(rows) {
    shapes_.reserve(function.inputs.size() + function.outputs.size());
  }
  void add_input(const TensorSpec& spec, const void* data) {
    inputs_.push_back({data, spec.dtype, shape(spec)});
  }
  void add_output(const TensorSpec& spec, void* data) {
    outputs_.push_back({data, spec.dtype, shape(spec)});
  }
  void run(const BatchFunction& function) { function.run(inputs_, outputs_); }

 private:
  ShapeView shape(const TensorSpec& spec) {
    shapes_.push_back(spec.shape);
    shapes_.back()[0] = rows_;
    return {shapes_.back().data(), shapes_.back().size()};
  }

  const std::int64_t rows_;
  std::vector<std::vector<std::int64_t>> shapes_;
  std::vector<TensorView> inputs_;
  std::vector<MutableTensorView> outputs_;
};

}  // namespace

void run_in_place(const BatchFunction& function, const Part& part) {
  Views views(function, part.rows);
  const Request& request = *part.request;
  for (std::size_t i = 0; i < function.inputs.size(); ++i) {
    const std::size_t skipped = size(part.first_row) * row_bytes(function.inputs[i]);
    views.add_input(function.inputs[i],
                    static_cast<const char*>(request.inputs[i]) + skipped);
  }
  for (std::size_t i = 0; i < function.outputs.size(); ++i) {
    const std::size_t skipped = size(part.first_row) * row_bytes(function.outputs[i]);
    views.add_output(function.outputs[i],
                     static_cast<char*>(request.outputs[i]) + skipped);
  }
  views.run(function);
}

Gathering::Gathering(const BatchFunction& function, std::int64_t max_rows,
                     WorkspacePool& pool)
    : function_(function), max_rows_(max_rows), workspace_(pool) {
  std::size_t bytes = 0;
  for (const auto* specs : {&function.inputs, &function.outputs}) {
    for (const TensorSpec& spec : *specs) {
      bytes += aligned(size(max_rows) * row_bytes(spec));
    }
  }
  char* free = workspace_.reserve(bytes);
  inputs_ = allocate(function.inputs, &free);
  outputs_ = allocate(function.outputs, &free);
}

std::vector<char*> Gathering::allocate(const std::vector<TensorSpec>& specs,
                                       char** free) const {
  std::vector<char*> places;
  for (const TensorSpec& spec : specs) {
    places.push_back(*free);
    *free += aligned(size(max_rows_) * row_bytes(spec));
  }
  return places;
}

void Gathering::add(const Part& part) {
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    const TensorSpec& spec = function_.inputs[i];
    const std::size_t bytes = row_bytes(spec);
    char* const to = inputs_[i] + size(rows_) * bytes;
    if (!part.request->smaller_shapes.empty()) {
      gather_smaller(spec, part, i, to);
    } else if (bytes > 0) {
      const auto* const from = static_cast<const char*>(part.request->inputs[i]);
      std::memcpy(to, from + size(part.first_row) * bytes, size(part.rows) * bytes);
    }
  }
  last_part_row_ = rows_;
  rows_ += part.rows;
}

void Gathering::run(std::int64_t padded_rows) {
  Views views(function_, padded_rows);
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    const std::size_t bytes = row_bytes(function_.inputs[i]);
    // As TensorFlow Serving does: a row that is known to be valid.
    for (std::int64_t row = rows_; row < padded_rows && bytes > 0; ++row) {
      std::memcpy(inputs_[i] + size(row) * bytes,
                  inputs_[i] + size(last_part_row_) * bytes, bytes);
    }
    views.add_input(function_.inputs[i], inputs_[i]);
  }
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    views.add_output(function_.outputs[i], outputs_[i]);
  }
  views.run(function_);
}

void Gathering::scatter(Span<const Part> parts) const {
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    const std::size_t bytes = row_bytes(function_.outputs[i]);
    const char* from = outputs_[i];
    for (const Part& part : parts) {
      const std::size_t part_bytes = size(part.rows) * bytes;
      if (part_bytes == 0) continue;
      auto* const to = static_cast<char*>(part.request->outputs[i]);
      std::memcpy(to + size(part.first_row) * bytes, from, part_bytes);
      from += part_bytes;
    }
  }
}

void execute(const BatchFunction& function, Span<const Part> parts,
             std::int64_t padded_rows, WorkspacePool& pool) {
  if (parts.size() == 1 && padded_rows == parts[0].rows &&
      parts[0].request->smaller_shapes.empty()) {
    return run_in_place(function, parts[0]);
  }
  Gathering gathering(function, padded_rows, pool);
  for (const Part& part : parts) gathering.add(part);
  gathering.run(padded_rows);
  gathering.scatter(parts);
}

}  // namespace tfnative::internal
