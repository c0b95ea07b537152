// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// NumPy arrays in and out.
#pragma once

#include <pybind11/numpy.h>

#include <string>
#include <vector>

#include "tfnative/tensor.hpp"

namespace tfnative::bindings {

// What is known of one tensor of a signature, ready for use at each call.
struct TensorInfo {
  TensorInfo(const TensorSpec& tensor, const std::string& where);

  const TensorSpec& spec;
  pybind11::str name;
  pybind11::dtype dtype;
  pybind11::str where;  // For messages: model, signature and tensor.
};

// Sizes of an array; no more than NumPy allows.
class Shape {
 public:
  static constexpr std::size_t kMaxRank = 64;

  Shape() = default;
  explicit Shape(const pybind11::array& array);
  // The shape of a tensor with so many rows.
  Shape(const TensorSpec& spec, std::int64_t rows);

  ShapeView view() const { return {sizes_, rank_}; }
  std::size_t elements() const;

 private:
  std::int64_t sizes_[kMaxRank];
  std::size_t rank_ = 0;
};

// The value as an array that can be read as it is: native byte order, C-contiguous,
// elements aligned. The caller's array where it is one. An array of another type
// stays one, for the run time to refuse with the shapes in the message. Throws
// error_already_set.
pybind11::array as_input(const TensorInfo& info, pybind11::handle value);

// Checks that results can be written to the caller's array as it is.
pybind11::array as_output(const TensorInfo& info, pybind11::handle value);

// A new array; aligned to kAlignmentBytes if a copy would cost something.
pybind11::array new_array(const TensorInfo& info, const Shape& shape);

// The run time's type for an array's elements. A number that is none of DType's if it
// has none.
DType dtype_of(const TensorInfo& info, const pybind11::array& array);

}  // namespace tfnative::bindings
