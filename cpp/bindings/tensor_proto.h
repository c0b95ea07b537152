// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// TensorProto messages for Python: what they declare, and their values, without the
// lock and without an object for each value.
#pragma once

#include <pybind11/pybind11.h>

namespace tfnative::bindings {

void register_tensor_proto(pybind11::module_& module);

}  // namespace tfnative::bindings
