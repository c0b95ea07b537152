// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Damaged messages, for the sanitizers: whatever their bytes, reading them ends, with
// an Error or without.
#include <gtest/gtest.h>

#include <chrono>
#include <random>
#include <string>
#include <vector>

#include "fake.h"
#include "tensorflow/graph_check.h"
#include "tensorflow/graph_ops.h"
#include "tensorflow/saved_model.h"

namespace tfnative::internal {
namespace {

using testing::function_attr;
using testing::function_message;
using testing::functions_attr;
using testing::graph_message;
using testing::meta_graph_message;
using testing::node_message;
using testing::tensor_attr;
using testing::tensor_info;
using testing::tensor_message;
using testing::type_attr;

std::string name(const char* prefix, int number) {
  return prefix + std::to_string(number);
}

// As large as those of small models, with everything in it that is read.
std::string saved_model(int layers) {
  std::vector<std::string> nodes, functions;
  for (int i = 0; i < layers; ++i) {
    nodes.push_back(node_message(
        name("const", i), "Const", {},
        {{"dtype", type_attr(1)}, {"value", tensor_attr(tensor_message(1, {3, 4}))}}));
    nodes.push_back(
        node_message(name("layer", i), "PartitionedCall",
                     {name("layer", i - 1) + ":1", "^" + name("const", i)},
                     {{"f", function_attr(name("f", i))},
                      {"branches", functions_attr({name("f", i), name("f", i + 1)})}}));
    functions.push_back(function_message(
        name("f", i), {node_message("m", "MatMul", {"x", "y"}), nodes.back()}));
  }
  testing::Named signatures;
  for (const char* each : {"serving_default", "other"}) {
    signatures.emplace_back(
        each, testing::signature_message(
                  {{"x", tensor_info("const0:0", DType::kFloat32, {-1, 4})},
                   {"s", tensor_info("const1:0", 7, testing::unknown_rank())}},
                  {{"y", tensor_info(name("layer", layers - 1) + ":1", DType::kFloat32,
                                     {-1})}}));
  }
  return testing::saved_model_message(
      {meta_graph_message({"serve"}, graph_message(nodes, functions), signatures),
       meta_graph_message({"serve", "gpu"}, "", {})});
}

std::optional<int> unknown_count(std::string_view) { return {}; }

// Does what loading does. Whether it is an error.
bool is_refused(const std::string& text) {
  // On the heap, with nothing behind it.
  const std::vector<char> bytes(text.begin(), text.end());
  try {
    const MetaGraph graph =
        find_meta_graph(read_meta_graphs({bytes.data(), bytes.size()}), {"serve"});
    check_graph(graph.graph, unknown_count);
    const GraphOps ops(graph.graph);
    for (const SavedSignature& saved : graph.signatures) {
      EXPECT_EQ(saved.inputs.size(), saved.signature.inputs.size());
      EXPECT_EQ(saved.outputs.size(), saved.signature.outputs.size());
      may_take_inputs(ops.needed_for(saved.outputs));
    }
    return false;
  } catch (const Error&) {
    return true;
  }
}

TEST(DamagedSavedModel, ThatIsCutOffIsRefusedWhereverThatIs) {
  const std::string whole = saved_model(3);
  ASSERT_FALSE(is_refused(whole));
  // Without the last graph it is a message that is well formed.
  const std::string last = meta_graph_message({"serve", "gpu"}, "", {});
  const std::size_t without_last = whole.size() - last.size() - 2;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(is_refused(whole.substr(0, size)), size != without_last) << size;
  }
}

class DamagedSavedModelBytes : public ::testing::TestWithParam<unsigned> {};

TEST_P(DamagedSavedModelBytes, AreReadWithoutHarm) {
  const std::string whole = saved_model(20);
  std::mt19937 random(GetParam());
  const auto below = [&](std::size_t size) { return random() % size; };
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  int refused = 0, count = 0;
  while (count < 3000 && std::chrono::steady_clock::now() < end) {
    std::string bytes = whole;
    for (std::size_t n = 1 + below(4); n > 0; --n) {
      const std::size_t at = below(bytes.size());
      const std::size_t size = std::min(1 + below(8), bytes.size() - at);
      switch (below(5)) {
        case 0: bytes[at] = static_cast<char>(random()); break;
        case 1: bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8))); break;
        case 2: bytes.erase(at, size); break;
        case 3: bytes.insert(at, size, '\xff'); break;  // Numbers as large as can be.
        default: bytes.insert(at, bytes.substr(below(bytes.size()), 40)); break;
      }
    }
    refused += is_refused(bytes) ? 1 : 0;
    ++count;
  }
  EXPECT_GT(refused, 0);
  EXPECT_LT(refused, count) << "the damage is too great to get far";
}

INSTANTIATE_TEST_SUITE_P(Seeds, DamagedSavedModelBytes, ::testing::Values(1u, 2u, 3u));

TEST(DamagedSavedModel, OfManyLevelsIsReadWithoutRecursion) {
  std::string nested;
  for (int i = 0; i < 2000; ++i) {
    testing::MessageWriter level;
    level.add_bytes(1, nested);
    nested = level.bytes();
  }
  EXPECT_NO_THROW(check_graph(nested, unknown_count));
  EXPECT_NO_THROW(GraphOps{nested});
  EXPECT_NO_THROW(read_meta_graphs(nested));
}

}  // namespace
}  // namespace tfnative::internal
