// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "tfnative/model.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>

#include "files.h"

namespace tfnative {
namespace {

using Shape = std::vector<std::int64_t>;

class ModelTest : public ::testing::Test {
 protected:
  // Runs "affine" on rows of 0, 1, 2, ... that begin `skip` floats after an aligned
  // place.
  void check_affine(std::int64_t rows, std::size_t skip) const {
    const auto count = static_cast<std::size_t>(rows * 3);
    std::vector<float> in(count + skip + 16), out(count + skip + 16, -1.0f);
    float* const x = aligned(in.data()) + skip;
    float* const y = aligned(out.data()) + skip;
    for (std::size_t i = 0; i < count; ++i) x[i] = static_cast<float>(i);
    const Shape shape = {rows, 3};
    const TensorView inputs[] = {{x, DType::kFloat32, shape}};
    const MutableTensorView outputs[] = {{y, DType::kFloat32, shape}};
    model_.run(model_.signature("affine"), inputs, outputs);
    for (std::size_t i = 0; i < count; ++i) {
      ASSERT_EQ(y[i], 2.0f * static_cast<float>(i) + 1.0f) << rows << " rows at " << i;
    }
    ASSERT_EQ(y[count], -1.0f) << "written beyond the end";
  }

  static float* aligned(float* data) {
    const auto address = reinterpret_cast<std::uintptr_t>(data);
    return reinterpret_cast<float*>((address + 63) / 64 * 64);
  }

  std::string message(const std::string& signature, Span<const TensorView> inputs,
                      Span<const MutableTensorView> outputs) const {
    try {
      model_.run(model_.signature(signature), inputs, outputs);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Code::kInvalidArgument);
      return error.what();
    }
    return "no error";
  }

  const Model model_ = Model::load(FAKE_ARTIFACT);
};

TEST_F(ModelTest, KnowsItsSignatures) {
  EXPECT_EQ(model_.name(), "fake");
  EXPECT_EQ(model_.cpu_level(), "generic");
  EXPECT_EQ(model_.manifest(), "{\"name\": \"fake\"}");
  EXPECT_EQ(model_.signatures().size(), 11u);
  const Signature& affine = model_.signature("affine");
  EXPECT_EQ(affine.batch_sizes, (Shape{1, 4, 16}));
  EXPECT_EQ(affine.inputs[0].shape, (Shape{kBatch, 3}));
  EXPECT_TRUE(affine.rows_independent);
  EXPECT_FALSE(model_.signature("constant").has_batch());
  const std::string text = message("none", {}, {});
  EXPECT_NE(text.find("has no signature 'none'; it has "), std::string::npos) << text;
  for (const Signature& signature : model_.signatures()) {
    EXPECT_NE(text.find(signature.name, text.find(';')), std::string::npos) << text;
  }
  EXPECT_THROW(model_.default_signature(), Error);
}

TEST_F(ModelTest, RunsAnyNumberOfRowsInAnyMemory) {
  for (std::int64_t rows = 0; rows < 70; ++rows) {
    for (std::size_t skip : {0, 1, 5}) check_affine(rows, skip);
  }
}

TEST_F(ModelTest, KnowsWhatRowsCostOnceItWasAsked) {
  const Signature& affine = model_.signature("affine");
  EXPECT_EQ(model_.expected_nanos(affine, 10), 0);
  model_.warmup();
  EXPECT_GT(model_.expected_nanos(affine, 10), 0);
  EXPECT_EQ(model_.expected_nanos(affine, 0), 0);
}

TEST_F(ModelTest, RowsThatInfluenceEachOtherAreNotPadded) {
  float x[] = {1, 3, 5, 7}, y[4];
  const Shape two = {2}, three = {3}, four = {4};
  TensorView in[] = {{x, DType::kFloat32, four}};
  MutableTensorView out[] = {{y, DType::kFloat32, four}};
  model_.run(model_.signature("mean"), in, out);
  EXPECT_EQ(y[0], -3);
  in[0].shape = out[0].shape = ShapeView(two.data(), two.size());
  model_.run(model_.signature("mean"), in, out);
  EXPECT_EQ(y[0], -1);
  in[0].shape = out[0].shape = ShapeView(three.data(), three.size());
  EXPECT_NE(message("mean", in, out).find("batch sizes 2, 4 only, got 3 rows"),
            std::string::npos);
}

TEST_F(ModelTest, RunsWithoutABatchDimension) {
  const std::int32_t x[] = {1, 2, 3, 4};
  std::int64_t sum = 0;
  const Shape four = {4};
  const TensorView in[] = {{x, DType::kInt32, four}};
  const MutableTensorView out[] = {{&sum, DType::kInt64, {}}};
  model_.run(model_.signature("constant"), in, out);
  EXPECT_EQ(sum, 10);
}

TEST_F(ModelTest, SeveralTensorsWithAndWithoutRows) {
  const float a[] = {1, 2, 3, 4, 5};
  const double b = 10;
  float product[5];
  double same = 0;
  const Shape five = {5};
  const TensorView in[] = {{a, DType::kFloat32, five}, {&b, DType::kFloat64, {}}};
  const MutableTensorView out[] = {{product, DType::kFloat32, five},
                                   {&same, DType::kFloat64, {}}};
  model_.run(model_.signature("pair"), in, out);
  EXPECT_EQ(product[4], 50);
  EXPECT_EQ(same, 10);
}

TEST_F(ModelTest, ReadsNoSizesOfMoreDimensionsThanAnyTensorHas) {
  const float x[3] = {};
  float y[3];
  const Shape one = {1, 3};
  const TensorView in[] = {{x, DType::kFloat32, {one.data(), 1000000}}};
  const MutableTensorView out[] = {{y, DType::kFloat32, one}};
  EXPECT_EQ(message("affine", in, out),
            "model 'fake', signature 'affine': input 'x': expected float32 (rows, 3), "
            "got float32 of 1000000 dimensions");
}

TEST_F(ModelTest, BooleansAreTrueUnlessTheyAreZeroWhereverTheyLie) {
  alignas(64) unsigned char memory[64] = {};
  const unsigned char bytes[] = {0, 1, 2, 0, 0, 0, 128, 255, 1, 0, 4, 0, 3, 3, 3};
  const std::int32_t sums[] = {2, 0, 3, 1, 3};
  for (const std::size_t skip : {0, 1, 6}) {
    for (std::int64_t rows = 1; rows <= 5; ++rows) {
      std::copy(std::begin(bytes), std::end(bytes), memory + skip);
      std::vector<std::int32_t> found(5, -1);
      const Shape in_shape = {rows, 3}, out_shape = {rows};
      const TensorView in[] = {{memory + skip, DType::kBool, in_shape}};
      const MutableTensorView out[] = {{found.data(), DType::kInt32, out_shape}};
      model_.run(model_.signature("truths"), in, out);
      for (std::int64_t row = 0; row < rows; ++row) {
        const auto i = static_cast<std::size_t>(row);
        EXPECT_EQ(found[i], sums[i]) << rows << " rows, " << skip << " bytes on";
      }
      EXPECT_TRUE(std::equal(std::begin(bytes), std::end(bytes), memory + skip))
          << "the caller's own were changed";
    }
  }
}

TEST_F(ModelTest, NoRowsGiveWhatTensorFlowGivesForThem) {
  const Shape none = {0};
  float total = 0;
  const TensorView in[] = {{nullptr, DType::kFloat32, none}};
  const MutableTensorView out[] = {{nullptr, DType::kFloat32, none},
                                   {&total, DType::kFloat32, {}}};
  model_.run(model_.signature("total"), in, out);
  EXPECT_EQ(total, 7);
  EXPECT_EQ(
      message("mean", in, {out, 1}),
      "model 'fake', signature 'mean': TensorFlow refuses an empty batch: there is "
      "no mean of nothing");
}

TEST_F(ModelTest, SaysWhatDoesNotFit) {
  const float x[12] = {};
  float y[12];
  const Shape good = {4, 3}, narrow = {4, 2}, flat = {12}, fewer = {3, 3},
              negative = {-1, 3};
  const TensorView in[] = {{x, DType::kFloat32, good}};
  const MutableTensorView out[] = {{y, DType::kFloat32, good}};
  const auto with_input = [&](DType dtype, const Shape& shape) {
    const TensorView changed[] = {{x, dtype, shape}};
    return message("affine", changed, out);
  };
  EXPECT_EQ(with_input(DType::kFloat64, good),
            "model 'fake', signature 'affine': input 'x': expected float32 (rows, 3), "
            "got float64 (4, 3)");
  EXPECT_NE(with_input(DType::kFloat32, narrow), "no error");
  EXPECT_NE(with_input(DType::kFloat32, flat), "no error");
  EXPECT_NE(with_input(DType::kFloat32, negative), "no error");
  EXPECT_NE(with_input(static_cast<DType>(99), good).find("unknown type"),
            std::string::npos);
  const MutableTensorView short_out[] = {{y, DType::kFloat32, fewer}};
  EXPECT_NE(message("affine", in, short_out).find("with 4 rows, got float32 (3, 3)"),
            std::string::npos);
  EXPECT_NE(message("affine", {}, out).find("expected 1 inputs, got 0"),
            std::string::npos);
  EXPECT_NE(message("affine", in, {}).find("expected 1 outputs, got 0"),
            std::string::npos);
}

TEST_F(ModelTest, ForeignSignaturesAreRefused) {
  const Signature copy = model_.signature("affine");
  EXPECT_THROW(model_.count_rows(copy, {}), Error);
}

TEST_F(ModelTest, AStepThatFailsIsNamed) {
  float x[] = {1}, y[1];
  const Shape one = {1};
  const TensorView in[] = {{x, DType::kFloat32, one}};
  const MutableTensorView out[] = {{y, DType::kFloat32, one}};
  try {
    model_.run(model_.signature("failing"), in, out);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::kInternal);
    EXPECT_NE(std::string(error.what()).find("step 3 of 5 failed"), std::string::npos);
  }
}

TEST_F(ModelTest, CopiesOutliveTheOriginal) {
  auto original = std::make_unique<Model>(Model::load(FAKE_ARTIFACT));
  const Model copy = *original;
  original.reset();
  EXPECT_EQ(copy.signatures()[0].name, "affine");
}

TEST_F(ModelTest, TheEnvironmentCanChooseTheCpuLevel) {
  ::setenv("TFNATIVE_CPU_LEVEL", "x86-64-v9", 1);
  EXPECT_THROW(Model::load(FAKE_ARTIFACT), LoadError);
  LoadOptions options;
  options.cpu_level = "generic";
  EXPECT_EQ(Model::load(FAKE_ARTIFACT, options).cpu_level(), "generic");
  ::unsetenv("TFNATIVE_CPU_LEVEL");
}

TEST_F(ModelTest, RunsAsCompiledOnRequest) {
  std::vector<float> x(9), y(9);
  for (std::int64_t rows : {1, 3}) {
    const Shape shape = {rows, 3};
    const TensorView in[] = {{x.data(), DType::kFloat32, shape}};
    const MutableTensorView out[] = {{y.data(), DType::kFloat32, shape}};
    const auto run = [&] { model_.run_compiled(model_.signature("affine"), in, out); };
    if (rows == 1) {
      run();
      EXPECT_EQ(y[2], 1.0f);
    } else {
      EXPECT_THROW(run(), Error);
    }
  }
}

TEST_F(ModelTest, TellsWhenEachStepRan) {
  std::vector<float> x(15), y(15);
  const Shape shape = {5, 3};
  const TensorView in[] = {{x.data(), DType::kFloat32, shape}};
  const MutableTensorView out[] = {{y.data(), DType::kFloat32, shape}};
  const Signature& affine = model_.signature("affine");
  const std::vector<StepEvent> events = model_.profile(affine, in, out);
  ASSERT_FALSE(events.empty());
  std::int64_t last = 0;
  for (std::size_t i = 0; i < events.size(); ++i) {
    EXPECT_EQ(events[i].step, static_cast<std::int32_t>(i % 2));
    EXPECT_EQ(std::count(affine.batch_sizes.begin(), affine.batch_sizes.end(),
                         events[i].batch_size),
              1);
    EXPECT_GE(events[i].begin_nanos, last);
    EXPECT_GE(events[i].end_nanos, events[i].begin_nanos);
    last = events[i].end_nanos;
  }
  EXPECT_NE(model_.steps(affine, 4).find("Mul\ty/mul"), std::string_view::npos);
  EXPECT_EQ(model_.steps(affine, 5), "");
  EXPECT_THROW(model_.workspace_bytes(affine, 5), Error);
}

}  // namespace
}  // namespace tfnative
