// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// NumPy arrays in and out.
#pragma once

#include <pybind11/numpy.h>

#include <string>
#include <vector>

#include "initialized.h"
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

// The sizes of an array, which the array owns.
ShapeView shape_of(const pybind11::array& array);

// The value as an array that can be read as it is: native byte order, C-contiguous,
// elements aligned. The caller's array where it is one. An array of another type
// stays one, for the run time to refuse with the shapes in the message. Throws
// error_already_set.
pybind11::array as_input(const TensorInfo& info, pybind11::handle value);

// Checks that results can be written to the caller's array as it is.
pybind11::array as_output(const TensorInfo& info, pybind11::handle value);

// A new array for so many rows; aligned to kAlignmentBytes if a copy would cost
// something.
pybind11::array new_array(const TensorInfo& info, std::int64_t rows);

// The run time's type for an array's elements. A number that is none of DType's if it
// has none.
DType dtype_of(const TensorInfo& info, const pybind11::array& array);

}  // namespace tfnative::bindings
