// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "fake.h"
#include "tfnative/batcher.hpp"

namespace tfnative {
namespace {

using testing::floats;
using testing::graph_message;
using testing::node_message;
using testing::Rows;

using Floats = std::vector<float>;

class TensorflowThreadsTest : public testing::FakeTensorflowTest {
 protected:
  static void in_threads(int count, const std::function<void(int)>& work) {
    std::vector<std::thread> threads;
    for (int i = 0; i < count; ++i) threads.emplace_back(work, i);
    for (std::thread& thread : threads) thread.join();
  }
};

TEST_F(TensorflowThreadsTest, RunOneModelAtOnce) {
  const TensorflowModel model = load(
      testing::Named{{"a", testing::floats_signature({"twice", "same", "constant"})},
                     {"b", testing::floats_signature({"twice"})}});
  in_threads(4, [&](int thread) {
    const TensorflowModel copy = model;
    for (int i = 0; i < 100; ++i) {
      Rows rows(2);
      rows.values()[0] = static_cast<float>(100 * thread + i);
      const TensorView in[] = {rows.view()};
      const TensorflowRun run = {kForever, std::make_shared<int>(0)};
      const std::vector<Tensor> out = copy.run(copy.signature("a"), in, run);
      ASSERT_EQ(floats(out[1])[0], rows.values()[0]);
      const auto both =
          copy.run_together({&copy.signature("b"), &copy.signature("a")}, in, run);
      ASSERT_EQ(floats(both[0][0])[0], 2 * rows.values()[0]);
      EXPECT_EQ(run.owner.use_count(), 1);
    }
  });
}

TEST_F(TensorflowThreadsTest, MayLetInputsGoWhileOthersRun) {
  const std::string graph = graph_message({node_message("keep", "Identity", {"x"})});
  const TensorflowModel model = load_one({"keep"}, graph);
  std::atomic<int> alive{0}, running{3};
  in_threads(4, [&](int thread) {
    if (thread == 0) {
      while (running > 0) fake_.let_go();
      fake_.let_go();
      return;
    }
    for (int i = 0; i < 200; ++i) {
      ++alive;
      const std::shared_ptr<Rows> rows(new Rows(2), [&](const Rows* owned) {
        delete owned;
        --alive;
      });
      const TensorView in[] = {rows->view()};
      model.run(model.default_signature(), in, {kForever, rows});
    }
    --running;
  });
  EXPECT_EQ(alive, 0);
}

TEST_F(TensorflowThreadsTest, MayHaveTheirRequestsBatched) {
  const TensorflowModel model = load_one({"twice"});
  const BatchFunction function = batch_function(model, model.default_signature());
  EXPECT_EQ(function.inputs.size(), 1u);
  Batcher batcher(function, BatchOptions(), BatchScheduler());
  in_threads(4, [&](int thread) {
    for (int i = 0; i < 50; ++i) {
      Rows rows(1 + (thread + i) % 3), out(1 + (thread + i) % 3);
      rows.values()[0] = static_cast<float>(100 * thread + i);
      const TensorView in[] = {rows.view()};
      const MutableTensorView to[] = {
          {out.values(), DType::kFloat32, out.view().shape}};
      batcher.predict(in, to);
      ASSERT_EQ(out.values()[0], 2 * rows.values()[0]);
      ASSERT_EQ(out.values()[1], 4);
    }
  });
}

// Only the model knows whether it takes none, and says so.
TEST_F(TensorflowThreadsTest, GetARunForNoRowsAsWell) {
  const TensorflowModel model = load_one({"twice"});
  Batcher batcher(batch_function(model, model.default_signature()), BatchOptions(),
                  BatchScheduler());
  const Rows rows(0);
  Rows out(0);
  const TensorView in[] = {rows.view()};
  const MutableTensorView to[] = {{out.values(), DType::kFloat32, out.view().shape}};
  const int before = fake_.runs();
  batcher.predict(in, to);
  EXPECT_EQ(fake_.runs(), before + 1);
  fake_.fail("TF_SessionRun", 0, 3);
  EXPECT_EQ(testing::thrown([&] { batcher.predict(in, to); }).code,
            Code::kInvalidArgument);
}

TEST_F(TensorflowThreadsTest, GetNoBatchesOfOutputsThatAreNotAsTheySay) {
  using testing::signature_message;
  using testing::tensor_info;
  const std::string x = tensor_info("x:0", DType::kFloat32, {-1, 2});
  const auto function_of = [&](const std::string& y) {
    const TensorflowModel model =
        load({{"s", signature_message({{"x", x}}, {{"y", y}})}});
    return batch_function(model, model.default_signature());
  };
  // Says float32, and is int64.
  const BatchFunction wrong =
      function_of(tensor_info("thrice_as_many:0", DType::kFloat32, {-1, 2}));
  const Rows rows(2);
  Rows out(2);
  const TensorView in[] = {rows.view()};
  const MutableTensorView to[] = {{out.values(), DType::kFloat32, out.view().shape}};
  EXPECT_EQ(testing::thrown([&] { wrong.run(in, to); }).code, Code::kInternal);
  const auto refusal = [&](const std::string& y) {
    return testing::thrown([&] { function_of(y); }).code;
  };
  EXPECT_EQ(refusal(tensor_info("y:0", DType::kString, {-1})), Code::kUnimplemented);
  EXPECT_EQ(refusal(tensor_info("y:0", DType::kFloat32, {2})), Code::kInvalidArgument);
  EXPECT_EQ(refusal(tensor_info("y:0", DType::kFloat32, {-1, -1})),
            Code::kInvalidArgument);
}

}  // namespace
}  // namespace tfnative
