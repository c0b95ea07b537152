// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "fake.h"
#include "tfnative/tensorflow_model.hpp"

namespace tfnative {
namespace {

using testing::floats;
using testing::floats_signature;
using testing::graph_message;
using testing::integer;
using testing::node_message;
using testing::Rows;
using testing::signature_message;
using testing::tensor_info;
using testing::Thrown;
using testing::thrown;

using Floats = std::vector<float>;

class TensorflowModelTest : public testing::FakeTensorflowTest {
 protected:
  static bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  }
};

TEST_F(TensorflowModelTest, RunsASignature) {
  const TensorflowModel model = load_one({"twice"});
  const Signature& signature = model.default_signature();
  for (const std::int64_t count : {0, 1, 3}) {
    const Rows rows(count);
    const TensorView in[] = {rows.view()};
    const std::vector<Tensor> out = model.run(signature, in);
    ASSERT_EQ(out.size(), 1u);
    ASSERT_EQ(out[0].shape().size(), 2u);
    EXPECT_EQ(out[0].shape()[0], count);
    const Floats all = {2, 4, 6, 8, 10, 12};
    EXPECT_EQ(floats(out[0]), Floats(all.begin(), all.begin() + 2 * count));
  }
  EXPECT_EQ(model.devices().size(), 1u);
}

TEST_F(TensorflowModelTest, HasTheNameOfItsFolderOrOfTheOneAboveAVersion) {
  const TensorflowModel model = load_one({"twice"});
  const std::string folder = std::filesystem::path(folder_.path()).filename();
  EXPECT_EQ(model.name(), folder);
  std::filesystem::create_directory(folder_.path() + "/0012");
  std::filesystem::copy(folder_.path() + "/saved_model.pb", folder_.path() + "/0012");
  EXPECT_EQ(TensorflowModel::load(folder_.path() + "/0012/", options_).name(), folder);
}

TEST_F(TensorflowModelTest, ReadsArraysWhereTheyAreAndLetsThemGo) {
  // "keep" is a function that only looks like one, to us.
  const std::string graph = graph_message({node_message("keep", "Identity", {"x"})});
  const TensorflowModel model = load_one({"keep"}, graph);
  const auto owner = std::make_shared<int>(0);
  const Rows rows(2);
  const TensorView in[] = {rows.view()};
  model.run(model.default_signature(), in, {kForever, owner});
  EXPECT_EQ(owner.use_count(), 2);
  fake_.let_go();
  EXPECT_EQ(owner.use_count(), 1);
  model.run(model.default_signature(), in);
  EXPECT_EQ(owner.use_count(), 1) << "without an owner there is nothing to share";
}

TEST_F(TensorflowModelTest, GivesCopiesToOperationsThatMayKeepOrChangeThem) {
  for (const char* op : {"AssignVariableOp", "InplaceUpdate", "QueueEnqueueV2"}) {
    const std::string graph = graph_message(
        {node_message("keep", "Identity", {"x", "^taker"}), node_message("taker", op)});
    const TensorflowModel model = load_one({"keep"}, graph);
    const auto owner = std::make_shared<int>(0);
    const Rows rows(2);
    const TensorView in[] = {rows.view()};
    model.run(model.default_signature(), in, {kForever, owner});
    EXPECT_EQ(owner.use_count(), 1) << op;
  }
}

// Keras 3's, of which only "v" is restored; see GraphOps::variables_to_copy.
std::string graph_with_a_variable_twice() {
  return graph_message({
      node_message("w", "VarHandleOp"),
      node_message("v", "VarHandleOp"),
      node_message("v/Initializer", "ReadVariableOp", {"w"}),
      node_message("v/Assign", "AssignVariableOp", {"v", "v/Initializer"}),
      node_message("restore", "StatefulPartitionedCall", {"v"}),
  });
}

TEST_F(TensorflowModelTest, WantsTheFilesOfItsVariables) {
  const testing::Named signatures = {{"s", floats_signature({"twice"})}};
  const Thrown error =
      thrown([&] { load(signatures, graph_with_a_variable_twice(), "restore"); });
  EXPECT_TRUE(error.is_load_error);
  EXPECT_EQ(error.code, Code::kNotFound);
  EXPECT_TRUE(contains(error.message, "no variables/variables.index"));
}

TEST_F(TensorflowModelTest, GivesVariablesTheValuesOfTheirTwins) {
  const testing::Named signatures = {{"s", floats_signature({"twice"})}};
  std::filesystem::create_directory(folder_.path() + "/variables");
  folder_.write("variables/variables.index", "");
  load(signatures, graph_with_a_variable_twice(), "restore");
  EXPECT_EQ(fake_.targets(),
            (std::vector<std::string>{"(AssignVariableOp w (ReadVariableOp v 1) 1)"}));
  for (const char* function :
       {"TF_OperationGetAttrType", "TF_FinishOperation", "TF_SessionRun"}) {
    fake_.fail(function, 0);
    const Thrown error =
        thrown([&] { load(signatures, graph_with_a_variable_twice(), "restore"); });
    EXPECT_TRUE(error.is_load_error) << function;
    EXPECT_TRUE(contains(error.message, std::string(function) + " fails"));
  }
}

TEST_F(TensorflowModelTest, GivesOutputsThatAreTheCallersAlone) {
  const TensorflowModel model = load_one({"same", "constant", "twice"});
  Rows rows(2);
  const TensorView in[] = {rows.view()};
  const auto owner = std::make_shared<int>(0);
  const Signature& signature = model.default_signature();
  const std::vector<Tensor> first = model.run(signature, in, {kForever, owner});
  EXPECT_EQ(owner.use_count(), 1) << "an output holds the input";
  EXPECT_NE(first[0].data(), rows.values());
  EXPECT_EQ(floats(first[0]), (Floats{1, 2, 3, 4}));
  EXPECT_EQ(integer(first[1]), 7);
  for (const Tensor& tensor : first) std::memset(tensor.data(), -1, tensor.bytes());
  EXPECT_EQ(rows.values()[0], 1);
  const std::vector<Tensor> second = model.run(signature, in);
  EXPECT_EQ(floats(second[0]), (Floats{1, 2, 3, 4}));
  EXPECT_EQ(integer(second[1]), 7);
}

TEST_F(TensorflowModelTest, FetchesATensorWithTwoNamesOnce) {
  const std::string y = tensor_info("runs:0", DType::kInt64, {});
  const std::string x = tensor_info("x:0", DType::kFloat32, {-1, 2});
  const TensorflowModel model =
      load({{"s", signature_message({{"x", x}}, {{"a", y}, {"b", y}, {"c", x}})}});
  Rows rows(1);
  const TensorView in[] = {rows.view()};
  const int before = fake_.runs();
  const std::vector<Tensor> out = model.run(model.default_signature(), in);
  EXPECT_EQ(integer(out[0]), before + 1);
  EXPECT_EQ(integer(out[1]), before + 1);
  EXPECT_NE(out[0].data(), out[1].data());
  EXPECT_EQ(floats(out[2]), (Floats{1, 2}));
  EXPECT_NE(out[2].data(), rows.values());
}

TEST_F(TensorflowModelTest, TakesTwoInputsForOneTensorIfTheyAreEqual) {
  const std::string x = tensor_info("x:0", DType::kFloat32, {-1, 2});
  const TensorflowModel model =
      load({{"s", signature_message({{"a", x}, {"b", x}}, {{"y", x}})}});
  const Rows one(2), same(2);
  Rows other(2);
  other.values()[3] = 9;
  const TensorView equal[] = {one.view(), same.view()};
  const TensorView different[] = {one.view(), other.view()};
  const Signature& signature = model.default_signature();
  EXPECT_EQ(floats(model.run(signature, equal)[0]), (Floats{1, 2, 3, 4}));
  const Thrown refusal = thrown([&] { model.run(signature, different); });
  EXPECT_EQ(refusal.code, Code::kInvalidArgument);
  EXPECT_TRUE(contains(refusal.message, "inputs 'a' and 'b' are one tensor"));
}

TEST_F(TensorflowModelTest, RunsSignaturesTogetherInOneRun) {
  const TensorflowModel model = load(
      {{"a", floats_signature({"runs", "twice"})},
       {"b", floats_signature({"runs", "same"})},
       {"c", floats_signature({"runs"}, "other_x")},
       {"z", signature_message({}, {{"y", tensor_info("runs", DType::kInt64, {})}})}});
  const auto all = [&](const std::vector<const char*>& names) {
    std::vector<const Signature*> signatures;
    for (const char* each : names) signatures.push_back(&model.signature(each));
    const Rows rows(1);
    const TensorView in[] = {rows.view()};
    return model.run_together(signatures, in);
  };
  const int before = fake_.runs();
  const auto results = all({"b", "a", "c", "a"});
  EXPECT_EQ(fake_.runs(), before + 1);
  ASSERT_EQ(results.size(), 4u);
  for (const std::vector<Tensor>& each : results) {
    EXPECT_EQ(integer(each[0]), before + 1);
  }
  EXPECT_EQ(floats(results[0].at(1)), (Floats{1, 2}));
  EXPECT_EQ(floats(results[1].at(1)), (Floats{2, 4}));
  EXPECT_EQ(floats(results[3].at(1)), (Floats{2, 4}));
  EXPECT_EQ(results[2].size(), 1u);

  EXPECT_TRUE(all({}).empty());
  EXPECT_EQ(fake_.runs(), before + 1);
  const Thrown refusal = thrown([&] { all({"a", "z"}); });
  EXPECT_EQ(refusal.code, Code::kInvalidArgument);
  EXPECT_TRUE(contains(refusal.message, "'a' and 'z' have inputs of other names"));
  fake_.fail("TF_SessionRun", 0, 8);
  EXPECT_TRUE(
      contains(thrown([&] { all({"a", "b"}); }).message, ", signatures 'a', 'b': "));
}

TEST_F(TensorflowModelTest, RefusesInputsThatDoNotFit) {
  const TensorflowModel model = load_one({"twice"});
  const Signature& signature = model.default_signature();
  const Rows rows(2);
  const std::int64_t shape[] = {2, 3};
  const TensorView wide[] = {{rows.view().data, DType::kFloat32, shape}};
  const TensorView integers[] = {{rows.view().data, DType::kInt32, rows.view().shape}};
  const int before = fake_.runs();
  EXPECT_EQ(thrown([&] { model.run(signature, wide); }).code, Code::kInvalidArgument);
  EXPECT_EQ(thrown([&] { model.run(signature, integers); }).code,
            Code::kInvalidArgument);
  EXPECT_EQ(thrown([&] { model.run(signature, {}); }).code, Code::kInvalidArgument);
  const Signature foreign = signature;
  EXPECT_EQ(thrown([&] { model.run(foreign, wide); }).code, Code::kInvalidArgument);
  EXPECT_EQ(fake_.runs(), before);
}

TEST_F(TensorflowModelTest, GivesRunsUpAfterTheirTime) {
  const TensorflowModel model = load_one({"twice"});
  const Rows rows(1);
  const TensorView in[] = {rows.view()};
  TensorflowRun run;
  run.timeout_micros = 1500;
  const Thrown late = thrown([&] { model.run(model.default_signature(), in, run); });
  EXPECT_EQ(late.code, Code::kDeadlineExceeded);
  EXPECT_TRUE(contains(late.message, ", signature 'serving_default': it took too long"))
      << late.message;
}

TEST_F(TensorflowModelTest, RefusesOutputsOfATypeThatWeDoNotHave) {
  const TensorflowModel model = load_one({"twice", "quantized"});
  const Rows rows(1);
  const TensorView in[] = {rows.view()};
  EXPECT_EQ(thrown([&] { model.run(model.default_signature(), in); }).code,
            Code::kUnimplemented);
}

TEST_F(TensorflowModelTest, SaysWhatItCannotLoad) {
  const auto refusal = [&](const testing::Named& signatures,
                           const std::string& graph = {}) {
    return thrown([&] { load(signatures, graph); });
  };
  const Thrown none = refusal({});
  EXPECT_TRUE(none.is_load_error);
  EXPECT_TRUE(contains(none.message, "it has no signatures"));
  const Thrown missing = refusal({{"s", floats_signature({"no_such"})}});
  EXPECT_TRUE(missing.is_load_error);
  EXPECT_TRUE(contains(missing.message, "the graph has no tensor 'no_such:0'"));
  const std::string y = tensor_info("twice:2", DType::kFloat32, {});
  EXPECT_TRUE(contains(refusal({{"s", signature_message({}, {{"y", y}})}}).message,
                       "the graph has no tensor 'twice:2'"));
  const Thrown resource =
      refusal({{"s", signature_message({}, {{"y", tensor_info("y:0", 20, "")}})}});
  EXPECT_EQ(resource.code, Code::kUnimplemented);
  const Thrown damaged = refusal({{"s", floats_signature({"twice"})}}, "\x0a");
  EXPECT_TRUE(damaged.is_load_error);
  EXPECT_EQ(damaged.code, Code::kFailedPrecondition);
  EXPECT_TRUE(contains(damaged.message, "saved_model.pb is damaged"))
      << damaged.message;
  options_.tags = {"train"};
  EXPECT_EQ(refusal({{"s", floats_signature({"twice"})}}).code, Code::kNotFound);
}

TEST_F(TensorflowModelTest, KeepsSignaturesThatCannotBeUsedApart) {
  const TensorflowModel model =
      load({{"serving_default", floats_signature({"twice"})},
            {"variant", signature_message({}, {{"y", tensor_info("y:0", 21, "")}})}});
  EXPECT_EQ(model.signatures().size(), 1u);
  const Thrown unusable = thrown([&] { model.signature("variant"); });
  EXPECT_EQ(unusable.code, Code::kUnimplemented);
  EXPECT_TRUE(contains(unusable.message, "output 'y' has the type variant"));
  EXPECT_EQ(thrown([&] { model.signature("x"); }).code, Code::kInvalidArgument);
}

TEST_F(TensorflowModelTest, PassesItsOptionsOnAndNeedsTheGpuThatTheyName) {
  options_.device = "cpu";
  load_one({"twice"});
  EXPECT_EQ(fake_.config(), std::string("\x0a\x07\x0a\x03GPU\x10\x00\x38\x01", 11));
  options_.device = "gpu";
  const Thrown absent = thrown([&] { load_one({"twice"}); });
  EXPECT_EQ(absent.code, Code::kNotFound);
  EXPECT_TRUE(contains(absent.message, "finds no such GPU; it finds /device:CPU:0"));
  fake_.set_gpus(1);
  EXPECT_EQ(load_one({"twice"}).devices().at(1).type, "GPU");
  fake_.set_gpus(0);
}

// TensorFlow makes no session then, and says that an option is invalid.
TEST_F(TensorflowModelTest, NeedsGpusOfTheNumbersThatItsOptionsHave) {
  fake_.set_gpus(1);
  options_.device = "gpu:1";
  fake_.fail("TF_NewSession", 0, 3);
  const Thrown device = thrown([&] { load_one({"twice"}); });
  EXPECT_EQ(device.code, Code::kNotFound);
  EXPECT_TRUE(contains(device.message,
                       "device 'gpu:1': TensorFlow 2.99.0-fake finds no"
                       " such GPU: "));
  EXPECT_TRUE(contains(device.message, "TF_NewSession fails"));
  options_.device = "";
  options_.visible_gpus = {0, 3};
  fake_.fail("TF_NewSession", 0, 3);
  const Thrown visible = thrown([&] { load_one({"twice"}); });
  EXPECT_EQ(visible.code, Code::kNotFound);
  EXPECT_TRUE(contains(visible.message, "visible_gpus 0, 3: TensorFlow"));
  // Models of one process that see different GPUs, which TensorFlow does not support.
  fake_.fail("TF_NewSession", 0, 6);
  EXPECT_EQ(thrown([&] { load_one({"twice"}); }).code, Code::kFailedPrecondition);
  fake_.set_gpus(0);
  load_one({"twice"});
}

// Whatever fails, and whenever: an Error comes, and nothing stays behind.
TEST_F(TensorflowModelTest, LosesNothingWhereverTensorflowFails) {
  options_.device = "gpu";
  fake_.set_gpus(1);
  const auto use = [&] {
    const TensorflowModel model = load_one({"same", "twice"});
    const Rows rows(2);
    const TensorView in[] = {rows.view()};
    model.run(model.default_signature(), in, {kForever, std::make_shared<int>(0)});
    model.run(model.default_signature(), in);
    model.devices();
    const StringView texts[] = {{"a", 1}, {"b", 1}};
    const std::int64_t shape[] = {1, 2};
    const TensorflowModel strings = load(
        {{"s", signature_message({{"x", tensor_info("x:0", DType::kString, {-1, 2})}},
                                 {{"y", tensor_info("same:0", DType::kString, {})}})}});
    const TensorView text[] = {{texts, DType::kString, shape}};
    strings.run(strings.default_signature(), text);
  };
  for (const char* function :
       {"TF_SetConfig", "TF_NewSession", "TF_LoadSessionFromSavedModel",
        "TF_SessionRun", "TF_SessionListDevices", "TF_DeviceListName",
        "TF_DeviceListType", "TF_DeviceListMemoryBytes", "TF_NewTensor",
        "TF_AllocateTensor"}) {
    int calls = 0;
    for (bool failed = true; failed; ++calls) {
      failed = false;
      fake_.fail(function, calls, 14);
      try {
        use();
      } catch (const Error& error) {
        failed = true;
        EXPECT_TRUE(error.code() == Code::kUnavailable ||
                    error.code() == Code::kResourceExhausted)
            << error.what();
      }
      ASSERT_EQ(fake_.live(), 0) << function << " after " << calls;
    }
    EXPECT_GT(calls, 1) << function << " has not failed";
  }
  fake_.set_gpus(0);
}

}  // namespace
}  // namespace tfnative
