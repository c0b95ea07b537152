// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "tensorflow/saved_model.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "fake.h"

namespace tfnative::internal {
namespace {

using testing::Dims;
using testing::map_entry;
using testing::MessageWriter;
using testing::meta_graph_message;
using testing::saved_model_message;
using testing::shape_message;
using testing::signature_message;
using testing::tensor_info;
using testing::thrown;

// The signatures of a model that has these.
std::vector<SavedSignature> read(const testing::Named& signatures) {
  const std::string message =
      saved_model_message({meta_graph_message({"serve"}, "", signatures)});
  return find_meta_graph(read_meta_graphs(message), {"serve"}).signatures;
}

SavedSignature read_one(const testing::Named& inputs, const testing::Named& outputs) {
  return read({{"s", signature_message(inputs, outputs)}}).at(0);
}

const std::string kFloats = tensor_info("y:0", DType::kFloat32, {-1, 2});

std::string problem_with(const std::string& input) {
  return read_one({{"x", input}}, {{"y", kFloats}}).problem;
}

TEST(SavedModel, HasSignaturesWithTheirTensors) {
  const SavedSignature found =
      read_one({{"x", tensor_info("serve_x:0", DType::kString, {-1, 28, -1})},
                {"a", tensor_info("serve_a", DType::kBfloat16, {})}},
               {{"y", tensor_info("scope/call:12", 1, testing::unknown_rank())}});
  EXPECT_EQ(found.problem, "");
  EXPECT_EQ(found.signature.name, "s");
  ASSERT_EQ(found.signature.inputs.size(), 2u);
  const TensorSpec& a = found.signature.inputs[0];  // By name.
  const TensorSpec& x = found.signature.inputs[1];
  EXPECT_EQ(a.name, "a");
  EXPECT_EQ(a.dtype, DType::kBfloat16);
  EXPECT_TRUE(a.shape.empty());
  EXPECT_FALSE(a.unknown_rank);
  EXPECT_EQ(x.dtype, DType::kString);
  EXPECT_EQ(x.shape, (Dims{-1, 28, -1}));
  EXPECT_EQ(found.inputs[0], (TensorPlace{"serve_a", 0}));
  EXPECT_EQ(found.inputs[1], (TensorPlace{"serve_x", 0}));
  EXPECT_TRUE(found.signature.outputs.at(0).unknown_rank);
  EXPECT_EQ(found.outputs.at(0), (TensorPlace{"scope/call", 12}));
  EXPECT_FALSE(found.signature.rows_independent);
}

TEST(SavedModel, HasIndependentRowsIfAllTensorsHaveABatch) {
  const auto rows_independent = [](const Dims& in, const Dims& out) {
    return read_one({{"x", tensor_info("x:0", DType::kFloat32, in)}},
                    {{"y", tensor_info("y:0", DType::kFloat32, out)}})
        .signature.rows_independent;
  };
  EXPECT_TRUE(rows_independent({-1, 2}, {-1}));
  EXPECT_FALSE(rows_independent({-1, 2}, {2}));
  EXPECT_FALSE(rows_independent({2, -1}, {-1}));
}

TEST(SavedModel, TakesTensorsOfVariablesForTheirValues) {
  const SavedSignature found = read_one({}, {{"y", tensor_info("v:0", 109, "")}});
  EXPECT_EQ(found.problem, "");
  EXPECT_EQ(found.signature.outputs[0].dtype, DType::kInt64);
}

TEST(SavedModel, OfEntriesWithOneNameTakesTheLast) {
  const auto found = read(
      {{"s", signature_message({}, {{"old", kFloats}})},
       {"s", signature_message({}, {{"y", tensor_info("a:0", DType::kInt32, {})},
                                    {"y", tensor_info("b:0", DType::kInt64, {})}})}});
  ASSERT_EQ(found.size(), 1u);
  ASSERT_EQ(found[0].outputs.size(), 1u);
  EXPECT_EQ(found[0].outputs[0].operation, "b");
}

TEST(SavedModel, KeepsSignaturesOfTensorflowsOwnToItself) {
  const std::string message = signature_message({}, {{"y", kFloats}});
  const auto found =
      read({{"z", message}, {"__saved_model_init_op", message}, {"b", message}});
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].signature.name, "b");
  EXPECT_EQ(found[1].signature.name, "z");
}

TEST(SavedModel, SaysWhyASignatureCannotBeUsed) {
  MessageWriter sparse, composite;
  sparse.add_bytes(4, "");
  composite.add_bytes(5, "");
  EXPECT_EQ(problem_with(sparse.bytes()), "input 'x' is a sparse tensor");
  EXPECT_EQ(problem_with(composite.bytes()),
            "input 'x' is a composite tensor, as ragged ones are");
  EXPECT_EQ(problem_with(tensor_info("x:0", 20, "")),
            "input 'x' has the type resource");
  EXPECT_EQ(problem_with(tensor_info("x:0", -5, "")),
            "input 'x' has the type number -5 of tensorflow.DataType");
  EXPECT_EQ(problem_with(tensor_info("", DType::kFloat32, {})),
            "input 'x' names no tensor of the graph");
  EXPECT_EQ(problem_with(""), "input 'x' has the type number 0 of tensorflow.DataType");
  EXPECT_EQ(read_one({{"x", kFloats}}, {}).problem, "it has no outputs");
}

TEST(SavedModel, WithSizesThatNoTensorHasIsDamaged) {
  const auto refused = [](const std::string& name, const Dims& dims) {
    const std::string info = tensor_info(name, DType::kFloat32, dims);
    return thrown([&] { read_one({}, {{"y", info}}); }).code == Code::kInvalidArgument;
  };
  EXPECT_TRUE(refused("y:0", {-2}));
  EXPECT_TRUE(refused("y:0", {INT64_MIN}));
  EXPECT_TRUE(refused("y:0", Dims(255, 1)));
  EXPECT_EQ(read_one({}, {{"y", tensor_info("y:0", DType::kFloat32, Dims(254, 1))}})
                .signature.outputs[0]
                .shape.size(),
            254u);
  for (const char* name : {"y:", "y:x", "y:-1", "y:9999999", "y:0x1"}) {
    EXPECT_TRUE(refused(name, {1})) << name;
  }
}

TEST(SavedModel, HasTheGraphWithExactlyTheTags) {
  const std::string y = signature_message({}, {{"y", kFloats}});
  const std::string message =
      saved_model_message({meta_graph_message({"serve"}, "first", {{"cpu", y}}),
                           meta_graph_message({"serve", "gpu"}, "second", {{"gpu", y}}),
                           meta_graph_message({}, "third", {})});
  const auto graph = [&](const std::vector<std::string>& tags) {
    return std::string(find_meta_graph(read_meta_graphs(message), tags).graph);
  };
  EXPECT_EQ(graph({"serve"}), "first");
  EXPECT_EQ(graph({"gpu", "serve"}), "second");
  EXPECT_EQ(graph({}), "third");
  const testing::Thrown refusal = thrown([&] { graph({"train"}); });
  EXPECT_EQ(refusal.code, Code::kNotFound);
  EXPECT_TRUE(refusal.is_load_error);
  EXPECT_NE(refusal.message.find("(train); there are (serve), (serve, gpu), ()"),
            std::string::npos)
      << refusal.message;
}

TEST(SavedModelFile, IsLookedForInTheFolder) {
  const testing::TemporaryFolder folder;
  EXPECT_EQ(thrown([&] { read_saved_model_file(folder.path() + "/no"); }).code,
            Code::kNotFound);
  const auto refusal = [&] {
    const testing::Thrown found = thrown([&] { read_saved_model_file(folder.path()); });
    EXPECT_EQ(found.code, Code::kFailedPrecondition);
    EXPECT_TRUE(found.is_load_error);
    return found.message;
  };
  EXPECT_NE(refusal().find("it has no saved_model.pb"), std::string::npos);
  folder.write("saved_model.pbtxt", "");
  EXPECT_NE(refusal().find("saved_model.pbtxt"), std::string::npos);
  const std::string content("a\0b", 3);
  folder.write("saved_model.pb", content);
  EXPECT_EQ(read_saved_model_file(folder.path()), content);
}

}  // namespace
}  // namespace tfnative::internal
