// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "tensorflow/graph_check.h"

#include <gtest/gtest.h>

#include <string>

#include "fake.h"
#include "tensorflow/op_defs.h"

namespace tfnative::internal {
namespace {

using testing::Dims;
using testing::function_message;
using testing::graph_message;
using testing::MessageWriter;
using testing::node_message;
using testing::tensor_attr;
using testing::tensor_message;
using testing::type_attr;

constexpr std::int64_t kInt32 = 3, kFloat = 1, kString = 7;

std::string const_node(std::int64_t dtype, const std::string& tensor) {
  return node_message("c", "Const", {},
                      {{"dtype", type_attr(dtype)}, {"value", tensor_attr(tensor)}});
}

std::string with_content(std::int64_t dtype, const Dims& dims, std::size_t bytes) {
  MessageWriter content;
  content.add_bytes(4, std::string(bytes, 'x'));
  return tensor_message(dtype, dims) + content.bytes();
}

// What is said of a graph with that node; nothing of one that is right.
std::string problem_with(const std::string& node) {
  std::string problems[2];
  const std::string graphs[] = {graph_message({node}),
                                graph_message({}, {function_message("f", {node})})};
  for (std::size_t i = 0; i < 2; ++i) {
    try {
      check_graph(graphs[i], [](auto) { return std::nullopt; });
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Code::kInvalidArgument);
      problems[i] = error.what();
    }
  }
  EXPECT_EQ(problems[0], problems[1]) << "in a function";
  return problems[0];
}

std::string problem_with_shape(const Dims& dims) {
  return problem_with(const_node(kInt32, tensor_message(kInt32, dims)));
}

TEST(GraphCheck, TakesConstantsAsTheyShouldBe) {
  EXPECT_EQ(problem_with_shape({}), "");
  EXPECT_EQ(problem_with_shape({0, 5}), "");
  EXPECT_EQ(problem_with_shape({100000, 300}), "");  // One value for all elements.
  EXPECT_EQ(problem_with(const_node(kFloat, with_content(kFloat, {2, 3}, 24))), "");
  EXPECT_EQ(problem_with(const_node(kString, with_content(kString, {2}, 7))), "");
  EXPECT_EQ(problem_with(node_message("c", "Const")), "");
}

TEST(GraphCheck, RefusesSizesThatTensorflowCannotMultiply) {
  const std::string node = "node 'c' has a constant with ";
  EXPECT_EQ(problem_with_shape({2, -1}), node + "a dimension of size -1");
  EXPECT_EQ(problem_with_shape({INT64_MIN}),
            node + "a dimension of size -9223372036854775808");
  EXPECT_EQ(problem_with_shape({std::int64_t{1} << 32, std::int64_t{1} << 32}),
            node + "too many elements");
  EXPECT_EQ(problem_with_shape({INT64_MAX, 0, INT64_MAX}), node + "too many elements");
  EXPECT_EQ(problem_with_shape({3, 0, INT64_MAX}), node + "too many elements");
  EXPECT_EQ(problem_with_shape({std::int64_t{1} << 34}), node + "too many elements");
  EXPECT_EQ(problem_with_shape(Dims(255, 1)), node + "too many dimensions");
  EXPECT_EQ(problem_with_shape(Dims(254, 1)), "");
  MessageWriter unknown;
  unknown.add_varint(1, kInt32);
  unknown.add_bytes(2, testing::unknown_rank());
  EXPECT_EQ(problem_with(const_node(kInt32, unknown.bytes())),
            node + "a shape that is not known");
}

TEST(GraphCheck, RefusesValuesOfAnotherTypeOrSizeThanTheySay) {
  EXPECT_EQ(problem_with(const_node(kInt32, tensor_message(kFloat, {}))),
            "node 'c' has a constant with another type than it says");
  EXPECT_EQ(problem_with(const_node(kFloat, with_content(kFloat, {2, 3}, 20))),
            "node 'c' has a constant with 20 bytes for 6 elements of float32");
  EXPECT_EQ(problem_with(const_node(kInt32, with_content(kInt32, {0}, 12))),
            "node 'c' has a constant with 12 bytes for 0 elements of int32");
}

TEST(GraphCheck, LooksAtTensorsInAllAttributes) {
  const std::string tensor = tensor_message(kInt32, {-7});
  MessageWriter list, value;
  list.add_bytes(8, tensor);
  value.add_bytes(1, list.bytes());
  EXPECT_NE(problem_with(node_message("n", "Other", {}, {{"t", tensor_attr(tensor)}})),
            "");
  EXPECT_NE(problem_with(node_message("n", "Other", {}, {{"t", value.bytes()}})), "");
}

TEST(GraphCheck, CountsInputsOfOperationsThatAlwaysHaveAsMany) {
  const testing::Fake fake;
  {
    const TensorflowLibrary library = open_tensorflow(FAKE_TENSORFLOW);
    const auto problem = [&](const char* op, const std::vector<std::string>& inputs) {
      try {
        check_graph(graph_message({node_message("n", op, inputs)}),
                    input_counts(library));
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), Code::kInvalidArgument);
        return std::string(error.what());
      }
      return std::string();
    };
    EXPECT_EQ(problem("Identity", {"x:1", "^y"}), "");
    EXPECT_EQ(problem("Identity", {"^y"}),
              "node 'n' has 0 inputs, and Identity takes 1");
    EXPECT_EQ(problem("MatMul", {"x", "y"}), "");
    EXPECT_EQ(problem("MatMul", {"x", "y", "z"}),
              "node 'n' has 3 inputs, and MatMul takes 2");
    EXPECT_EQ(problem("ConcatV2", {}), "");
    EXPECT_EQ(problem("AFunction", {}), "");
  }
  EXPECT_EQ(fake.live(), 0);
}

}  // namespace
}  // namespace tfnative::internal
