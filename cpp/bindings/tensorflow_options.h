// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// TensorFlow's library, its devices, and how it runs models.
#pragma once

#include <pybind11/pybind11.h>

namespace tfnative::bindings {

void register_tensorflow_options(pybind11::module_& module);

}  // namespace tfnative::bindings
