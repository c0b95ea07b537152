// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "files.h"
#include "headers_in_c.h"
#include "tfnative/tfnative.h"

namespace {

class CApiTest : public ::testing::Test {
 protected:
  CApiTest() {
    EXPECT_EQ(tfn_model_load(FAKE_ARTIFACT, nullptr, &model_, &error_), TFN_OK);
  }
  ~CApiTest() override { tfn_model_free(model_); }

  tfn_tensor tensor(float* data, const std::int64_t (&shape)[2]) const {
    return {sizeof(tfn_tensor), data, shape, 2, TFN_FLOAT32};
  }

  tfn_error error_ = {};
  tfn_model* model_ = nullptr;
  float x_[3] = {1, 2, 3}, y_[3] = {};
  const std::int64_t shape_[2] = {1, 3};
};

TEST(CApi, WorksFromC) {
  const float x[] = {1, 2, 3};
  float y[3];
  EXPECT_EQ(double_row_in_c(FAKE_ARTIFACT, x, y), TFN_OK);
  EXPECT_EQ(y[2], 7);
  EXPECT_EQ(double_row_in_c("nowhere", x, y), TFN_NOT_FOUND);
}

TEST_F(CApiTest, TakesTheFlagsThatItKnows) {
  tfn_load_options options = {sizeof options, nullptr, 1, 0};
  tfn_model* model = nullptr;
  for (const std::uint32_t flags : {TFN_LOAD_UNVERIFIED, TFN_LOAD_IN_PLACE,
                                    TFN_LOAD_UNVERIFIED | TFN_LOAD_IN_PLACE}) {
    options.flags = flags;
    EXPECT_EQ(tfn_model_load(FAKE_ARTIFACT, &options, &model, &error_), TFN_OK);
    tfn_model_free(model);
  }
  options.flags = 6;
  EXPECT_EQ(tfn_model_load(FAKE_ARTIFACT, &options, &model, &error_),
            TFN_INVALID_ARGUMENT);
  EXPECT_EQ(model, nullptr);
}

TEST_F(CApiTest, DescribesTheModel) {
  EXPECT_STREQ(tfn_model_name(model_), "fake");
  EXPECT_STREQ(tfn_model_cpu_level(model_), "generic");
  std::size_t bytes = 0;
  EXPECT_EQ(std::strlen(tfn_model_manifest(model_, &bytes)), bytes);
  EXPECT_EQ(tfn_model_signature_count(model_), 11);
  EXPECT_STREQ(tfn_model_signature(model_, 0)->name, "affine");
  EXPECT_EQ(tfn_model_signature(model_, 11), nullptr);
  EXPECT_EQ(tfn_model_signature(model_, -1), nullptr);
  EXPECT_EQ(tfn_model_find_signature(model_, nullptr), nullptr);
  EXPECT_EQ(tfn_model_find_signature(model_, "none"), nullptr);
  EXPECT_EQ(tfn_model_warmup(model_, &error_), TFN_OK);
}

TEST_F(CApiTest, RunsAndReportsWhatDoesNotFit) {
  const tfn_signature* const affine = tfn_model_find_signature(model_, "affine");
  tfn_tensor in = tensor(x_, shape_), out = tensor(y_, shape_);
  EXPECT_EQ(tfn_model_run(model_, affine, &in, 1, &out, 1, &error_), TFN_OK);
  EXPECT_EQ(y_[0], 3);
  const auto code = [&](const tfn_signature* signature, const tfn_tensor* inputs,
                        std::int32_t count) {
    error_.message[0] = '\0';
    const tfn_code result =
        tfn_model_run(model_, signature, inputs, count, &out, 1, &error_);
    EXPECT_GT(std::strlen(error_.message), 0u);
    return result;
  };
  EXPECT_EQ(code(nullptr, &in, 1), TFN_INVALID_ARGUMENT);
  EXPECT_EQ(code(affine, nullptr, 1), TFN_INVALID_ARGUMENT);
  EXPECT_EQ(code(affine, &in, -1), TFN_INVALID_ARGUMENT);
  EXPECT_EQ(code(affine, &in, 0), TFN_INVALID_ARGUMENT);
  tfn_tensor wrong = in;
  wrong.dtype = TFN_INT32;
  EXPECT_EQ(code(affine, &wrong, 1), TFN_INVALID_ARGUMENT);
  wrong = in;
  wrong.data = nullptr;
  EXPECT_EQ(code(affine, &wrong, 1), TFN_INVALID_ARGUMENT);
  wrong = in;
  wrong.shape = nullptr;
  EXPECT_EQ(code(affine, &wrong, 1), TFN_INVALID_ARGUMENT);
  wrong = in;
  wrong.struct_bytes = 8;
  EXPECT_EQ(code(affine, &wrong, 1), TFN_INVALID_ARGUMENT);
  EXPECT_EQ(code(affine, &in, 1000000),
            TFN_INVALID_ARGUMENT);  // Of which there is one.
  EXPECT_STREQ(error_.message,
               "model 'fake', signature 'affine': expected 1 inputs, got 1000000");
  wrong = in;
  wrong.rank = 1000000;
  EXPECT_EQ(code(affine, &wrong, 1), TFN_INVALID_ARGUMENT);
  EXPECT_STREQ(
      error_.message,
      "model 'fake', signature 'affine': tfn_tensor.rank is 1000000, more than "
      "any tensor has");
  EXPECT_EQ(code(tfn_model_find_signature(model_, "failing"), &in, 1),
            TFN_INVALID_ARGUMENT);
  EXPECT_EQ(tfn_model_run(nullptr, affine, &in, 1, &out, 1, nullptr),
            TFN_INVALID_ARGUMENT);
}

TEST_F(CApiTest, LoadingWrongly) {
  tfn_model* model = model_;
  EXPECT_EQ(tfn_model_load(nullptr, nullptr, &model, &error_), TFN_INVALID_ARGUMENT);
  EXPECT_EQ(model, nullptr);
  EXPECT_EQ(tfn_model_load("x", nullptr, nullptr, &error_), TFN_INVALID_ARGUMENT);
  tfn_load_options options = {sizeof options, "x86-64-v9", 1, 0};
  EXPECT_EQ(tfn_model_load(FAKE_ARTIFACT, &options, &model, &error_),
            TFN_FAILED_PRECONDITION);
  options.struct_bytes = 1;
  EXPECT_EQ(tfn_model_load(FAKE_ARTIFACT, &options, &model, &error_),
            TFN_INVALID_ARGUMENT);
  tfn_model_free(nullptr);
}

TEST_F(CApiTest, LongMessagesAreCutBetweenCharacters) {
  std::string path(2 * TFN_ERROR_MESSAGE_BYTES, 'x');
  for (int shift = 0; shift < 3; ++shift) {
    std::string text(static_cast<std::size_t>(shift), 'a');
    for (int i = 0; i < 1000; ++i) text += "\xE2\x82\xAC";  // Euro signs.
    tfn_model* model = nullptr;
    EXPECT_EQ(tfn_model_load(text.c_str(), nullptr, &model, &error_), TFN_NOT_FOUND);
    const std::size_t length = std::strlen(error_.message);
    EXPECT_LT(length, static_cast<std::size_t>(TFN_ERROR_MESSAGE_BYTES));
    EXPECT_EQ(std::string(error_.message + length - 3), "\xE2\x82\xAC");
  }
}

}  // namespace
