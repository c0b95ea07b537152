// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// JSON for Python: numbers become arrays, and arrays text, without the lock.
#pragma once

#include <pybind11/pybind11.h>

namespace tfnative::bindings {

void register_json(pybind11::module_& module);

}  // namespace tfnative::bindings
