// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Errors of the run time become those of tfnative.errors, here and nowhere else.
#pragma once

#include <pybind11/pybind11.h>

#include <string>

namespace tfnative::bindings {

// Has pybind11 translate what bound functions throw.
void register_errors(pybind11::module_& module);

// Sets the Python error for the exception that is being handled. For functions that
// Python calls without pybind11.
void set_python_error() noexcept;

// What the type of an object is called, for messages. With Python's lock.
std::string type_name(pybind11::handle object);

}  // namespace tfnative::bindings
