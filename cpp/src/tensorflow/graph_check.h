// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Graphs that TensorFlow would not refuse, but end the process with.
#pragma once

#include <string_view>

namespace tfnative::internal {

// Checks the constant tensors of a tensorflow.GraphDef, also those in functions: their
// sizes, which TensorFlow multiplies before it looks at them, and that a Const has a
// value of the type that it says. Throws Error (kInvalidArgument), which names the
// node.
void check_graph(std::string_view graph);

}  // namespace tfnative::internal
