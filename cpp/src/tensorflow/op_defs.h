// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// What TensorFlow's library says of the types of operations that it has.
#pragma once

#include "tensorflow/graph_check.h"
#include "tensorflow/library.h"

namespace tfnative::internal {

// For check_graph. The library outlives it.
InputCount input_counts(const TensorflowLibrary& library);

}  // namespace tfnative::internal
