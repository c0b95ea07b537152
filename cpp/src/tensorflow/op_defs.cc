// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "tensorflow/op_defs.h"

#include <memory>
#include <string>

#include "proto/message_reader.h"
#include "tensorflow/status.h"

namespace tfnative::internal {
namespace {

// A tensorflow.OpDef. Nothing if an input may be a list of tensors.
std::optional<int> count_inputs(std::string_view message) {
  int count = 0;
  for (MessageReader reader(message); reader.next();) {
    if (!reader.is(2, WireType::kBytes)) continue;
    ++count;
    for (MessageReader input(reader.bytes()); input.next();) {
      // number_attr, type_list_attr
      if (input.is(5, WireType::kBytes) || input.is(6, WireType::kBytes)) return {};
    }
  }
  return count;
}

}  // namespace

InputCount input_counts(const TensorflowLibrary& library) {
  const TensorflowApi& api = library.api();
  // An empty graph has all operations of the library.
  const std::shared_ptr<TF_Graph> graph(api.TF_NewGraph(), api.TF_DeleteGraph);
  return [&api, graph](std::string_view op) -> std::optional<int> {
    const TensorflowStatus status(api);
    const auto found = owned(api.TF_NewBuffer(), api.TF_DeleteBuffer);
    api.TF_GraphGetOpDef(graph.get(), std::string(op).c_str(), found.get(),
                         status.get());
    if (!status.ok()) return {};  // One that TensorFlow refuses, or a function.
    return count_inputs({static_cast<const char*>(found->data), found->length});
  };
}

}  // namespace tfnative::internal
