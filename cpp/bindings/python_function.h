// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// A Python function as something to batch.
#pragma once

#include <pybind11/pybind11.h>

#include <string>

#include "arguments.h"
#include "tfnative/batcher.hpp"

namespace tfnative::bindings {

// Calls `function` with a dict of arrays, copies of the batch, for a dict of arrays.
// What it raises becomes an Error: with the same code if it is one of tfnative.errors.
// `runs_empty` as BatchFunction's.
BatchFunction python_function(const std::string& model, const Signature& signature,
                              pybind11::object function,
                              std::int64_t default_max_batch_size, bool runs_empty);

}  // namespace tfnative::bindings
