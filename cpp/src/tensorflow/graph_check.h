// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Graphs that TensorFlow would not refuse, but end the process over, or wait for ever.
#pragma once

#include <functional>
#include <optional>
#include <string_view>

namespace tfnative::internal {

// How many inputs an operation of that type has; nothing if that is not known, or not
// the same for all.
using InputCount = std::function<std::optional<int>(std::string_view op)>;

// Checks the constants of a tensorflow.GraphDef, also those in functions: their sizes,
// which TensorFlow multiplies before it looks at them, that they have as many bytes, and
// that a Const has a value of the type that it says. Checks that operations have all of
// their inputs, for which TensorFlow looks in functions only. Throws Error
// (kInvalidArgument), which names the node.
void check_graph(std::string_view graph, const InputCount& input_count);

}  // namespace tfnative::internal
