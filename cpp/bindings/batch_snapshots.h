// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// What a batcher has counted and recorded, as dicts for Python.
#pragma once

#include <pybind11/pybind11.h>

#include "tfnative/batcher.hpp"

namespace tfnative::bindings {

// The fields of BatchMetrics, by name.
pybind11::dict metrics_dict(const BatchMetrics& m);

// Requests and batches as tuples, in the order of tfnative.BatchTrace's fields; and
// what a browser draws of them, which takes longer than all else, `with_json` only.
pybind11::dict trace_dict(const BatchTrace& trace, bool with_json);

}  // namespace tfnative::bindings
