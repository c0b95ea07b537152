// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "tensorflow/graph_ops.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "messages.h"

namespace tfnative::internal {
namespace {

using testing::function_attr;
using testing::function_message;
using testing::functions_attr;
using testing::graph_message;
using testing::node_message;

using Ops = std::set<std::string>;

Ops needed(const std::string& graph, const std::string& operation) {
  const GraphOps ops(graph);
  const auto found = ops.needed_for({{operation, 0}});
  return {found.begin(), found.end()};
}

TEST(GraphOps, AreThoseThatAnOutputNeeds) {
  const std::string graph = graph_message({
      node_message("x", "Placeholder"),
      node_message("w", "VarHandleOp"),
      node_message("assign", "AssignVariableOp", {"w", "x"}),
      node_message("read", "ReadVariableOp", {"w"}),
      node_message("y", "MatMul", {"x", "read:0"}),
      node_message("z", "Identity", {"y:0", "^assign"}),
  });
  EXPECT_EQ(needed(graph, "y"),
            (Ops{"MatMul", "Placeholder", "ReadVariableOp", "VarHandleOp"}));
  EXPECT_EQ(needed(graph, "z"), (Ops{"AssignVariableOp", "Identity", "MatMul",
                                     "Placeholder", "ReadVariableOp", "VarHandleOp"}));
}

TEST(GraphOps, AreInFunctionsToo) {
  const std::string graph = graph_message(
      {
          node_message("call", "StatefulPartitionedCall", {},
                       {{"f", function_attr("outer")}}),
          node_message("other", "PartitionedCall", {}, {{"f", function_attr("save")}}),
          node_message("choice", "Case", {},
                       {{"branches", functions_attr({"inner", "named"})}}),
      },
      {
          function_message("outer", {node_message("i", "If", {},
                                                  {{"else", function_attr("inner")}})}),
          // The type of an operation is a function's name.
          function_message("inner", {node_message("n", "named")}),
          function_message("named", {node_message("a", "AssignAddVariableOp")}),
          function_message("save", {node_message("s", "SaveV2")}),
      });
  EXPECT_EQ(needed(graph, "call"),
            (Ops{"AssignAddVariableOp", "If", "StatefulPartitionedCall", "named"}));
  EXPECT_EQ(needed(graph, "other"), (Ops{"PartitionedCall", "SaveV2"}));
  EXPECT_EQ(needed(graph, "choice"), (Ops{"AssignAddVariableOp", "Case", "named"}));
}

TEST(GraphOps, MayGoInCircles) {
  const std::string graph = graph_message(
      {
          node_message("a", "Merge", {"b"}),
          node_message("b", "NextIteration", {"a"}, {{"f", function_attr("f")}}),
      },
      {function_message("f", {node_message("n", "g")}),
       function_message("g", {node_message("n", "f")})});
  EXPECT_EQ(needed(graph, "a"), (Ops{"Merge", "NextIteration", "f", "g"}));
}

TEST(GraphOps, NeedNothingOfWhatIsNotThere) {
  EXPECT_EQ(needed("", "y"), Ops());
  const std::string graph =
      graph_message({node_message("y", "Call", {"x"}, {{"f", function_attr("g")}})});
  EXPECT_EQ(needed(graph, "y"), Ops{"Call"});
}

TEST(GraphOps, OfADamagedGraphAreRefused) {
  const std::string graph = graph_message({node_message("x", "Placeholder")});
  EXPECT_THROW(GraphOps(std::string_view(graph).substr(0, graph.size() - 1)), Error);
}

TEST(GraphOps, TakeInputsIfTheyStoreThemOrWriteToThem) {
  for (const char* op : {"AssignVariableOp", "AssignAddVariableOp", "Assign",
                         "QueueEnqueueV2", "LookupTableInsertV2", "TensorDataset",
                         "GetSessionHandleV2", "AddManySparseToTensorsMap",
                         "InplaceUpdate", "MutableDenseHashTableV2", "MapStage"}) {
    EXPECT_TRUE(may_take_inputs({"MatMul", op})) << op;
  }
  EXPECT_FALSE(may_take_inputs({}));
  EXPECT_FALSE(may_take_inputs({"ReadVariableOp", "LookupTableFindV2", "MatMul",
                                "StatefulPartitionedCall", "TensorListStack",
                                "RandomUniform", "ParseExampleV2"}));
}

// What Keras 3 writes for a variable "w" that signatures read: "v" has its value.
std::string twice(const std::vector<std::string>& restored,
                  const std::vector<std::string>& more = {}) {
  std::vector<std::string> nodes = {
      node_message("w", "VarHandleOp"),
      node_message("v", "VarHandleOp"),
      node_message("v/Initializer", "ReadVariableOp", {"w"}),
      node_message("v/Assign", "AssignVariableOp", {"v", "v/Initializer"}),
      node_message("restore", "StatefulPartitionedCall", restored),
  };
  nodes.insert(nodes.end(), more.begin(), more.end());
  return graph_message(nodes);
}

TEST(GraphOps, KnowWhetherThereAreVariablesToRestore) {
  const std::string graph = twice({"v"});
  const GraphOps ops(graph);
  EXPECT_TRUE(ops.has_variables("restore"));
  EXPECT_FALSE(ops.has_variables(""));
  const std::string none = graph_message({node_message("restore", "NoOp")});
  EXPECT_FALSE(GraphOps(none).has_variables("restore"));
  for (const char* op : {"VariableV2", "Variable"}) {
    const std::string old =
        graph_message({node_message("restore", "NoOp"), node_message("v", op)});
    EXPECT_TRUE(GraphOps(old).has_variables("restore")) << op;
  }
}

using Copies = std::vector<VariableCopy>;

TEST(VariablesToCopy, AreThoseThatOnlyTheirTwinsAreRestoredOf) {
  const std::string graph = twice({"file", "v"});
  EXPECT_EQ(GraphOps(graph).variables_to_copy("restore"), (Copies{{"v", "w"}}));
  EXPECT_EQ(GraphOps(graph).variables_to_copy(""), Copies{});
  EXPECT_EQ(GraphOps(graph).variables_to_copy("none"), Copies{});
}

TEST(VariablesToCopy, AreNoneThatHaveAValueOfTheirOwn) {
  EXPECT_EQ(GraphOps(twice({"v", "w"})).variables_to_copy("restore"), Copies{});
  EXPECT_EQ(GraphOps(twice({"w"})).variables_to_copy("restore"), Copies{});
  const std::string assigned =
      twice({"v"}, {node_message("w/Assign", "AssignVariableOp", {"w", "zero"})});
  EXPECT_EQ(GraphOps(assigned).variables_to_copy("restore"), Copies{});
}

TEST(VariablesToCopy, AreNoneThatAreNotInitializedWithAVariable) {
  const std::string constant = graph_message({
      node_message("v", "VarHandleOp"),
      node_message("zeros", "Const"),
      node_message("v/Assign", "AssignVariableOp", {"v", "zeros"}),
      node_message("restore", "StatefulPartitionedCall", {"v", "other"}),
  });
  EXPECT_EQ(GraphOps(constant).variables_to_copy("restore"), Copies{});
}

}  // namespace
}  // namespace tfnative::internal
