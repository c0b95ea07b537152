// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "check_failure.h"
#include "tfnative/model.hpp"
#include "tfnative/tfnative.h"

namespace tfnative {
namespace {

class ChecksTest : public ::testing::Test {
 protected:
  // What "checked" says to rows of ones in which one element is another; "" if it
  // answers as it should.
  std::string checked(std::int64_t rows, std::size_t at, float value) const {
    std::vector<float> x(static_cast<std::size_t>(2 * rows), 1), y(x.size(), -1);
    if (at < x.size()) x[at] = value;
    const std::int64_t shape[] = {rows, 2};
    const TensorView in[] = {{x.data(), DType::kFloat32, shape}};
    const MutableTensorView out[] = {{y.data(), DType::kFloat32, shape}};
    const std::string said = message("checked", in, out, Code::kInvalidArgument);
    for (std::size_t i = 0; said.empty() && i < x.size(); ++i) {
      EXPECT_EQ(y[i], 8 / x[i]) << rows << " rows at " << i;
    }
    return said;
  }

  // What "liar" says to a failure of that check, with so many values, at a position.
  std::string lied(std::int32_t check, std::int32_t value_count, std::int32_t position,
                   Code code) const {
    const std::int32_t x[] = {check, value_count, position, 0};
    std::int64_t sum = 0;
    const std::int64_t shape[] = {4};
    const TensorView in[] = {{x, DType::kInt32, shape}};
    const MutableTensorView out[] = {{&sum, DType::kInt64, {}}};
    return message("liar", in, out, code);
  }

  std::string message(const char* signature, Span<const TensorView> in,
                      Span<const MutableTensorView> out, Code code) const {
    try {
      model_.run(model_.signature(signature), in, out);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.what();
      return error.what();
    }
    return "";
  }

  const Model model_ = Model::load(FAKE_ARTIFACT);
};

TEST_F(ChecksTest, AFailureIsAnErrorWithTheMessageTheNodeAndTheRow) {
  EXPECT_EQ(checked(2, 3, -0.5f),
            "model 'fake', signature 'checked': x[1,1] = -0.5 is not {in} [-7, inf): "
            "true (node 'layer/GreaterEqual', Assert, row 1)");
  EXPECT_EQ(checked(2, 2, 0),
            "model 'fake', signature 'checked': Integer division by zero (node "
            "'layer/div', Div, row 1)");
}

TEST_F(ChecksTest, TheRowIsTheCallersHoweverTheyAreSplit) {
  for (std::int64_t rows = 1; rows < 14; ++rows) {
    for (std::int64_t row = 0; row < rows; ++row) {
      const auto at = static_cast<std::size_t>(2 * row + row % 2);
      const std::string number = std::to_string(row);
      const std::string negative = checked(rows, at, -1), zero = checked(rows, at, 0);
      EXPECT_NE(negative.find("x[" + number + "," + std::to_string(row % 2) + "] = -1"),
                std::string::npos)
          << rows << " rows: " << negative;
      EXPECT_NE(negative.find(", row " + number + ")"), std::string::npos) << negative;
      EXPECT_NE(zero.find("Div, row " + number + ")"), std::string::npos) << zero;
    }
  }
}

// "checked" divides by what it is given.
TEST_F(ChecksTest, PaddingFailsNoCheck) {
  for (std::int64_t rows = 1; rows < 14; ++rows) {
    EXPECT_EQ(checked(rows, 1000, 0), "") << rows << " rows";
  }
}

TEST_F(ChecksTest, NoRowsFailNoCheckOfRowsButThoseOfWhatHasNone) {
  const auto said = [&](const char* signature, float w, std::vector<float> x) {
    float w_again = 0, y[2];
    const std::int64_t shape[] = {static_cast<std::int64_t>(x.size())};
    const TensorView in[] = {{x.data(), DType::kFloat32, shape},
                             {&w, DType::kFloat32, {}}};
    const MutableTensorView out[] = {{y, DType::kFloat32, shape},
                                     {&w_again, DType::kFloat32, {}}};
    const std::string text = message(signature, in, out, Code::kInvalidArgument);
    EXPECT_TRUE(!text.empty() || w_again == w) << signature;
    return text;
  };
  EXPECT_EQ(said("ratio", 3, {}), "");
  EXPECT_EQ(said("ratio", -1, {}),
            "model 'fake', signature 'ratio': w = -1 is negative (node 'weight', "
            "Assert)");
  EXPECT_NE(said("ratio", 3, {0}), "");
  EXPECT_EQ(said("ratio_late", 3, {1}), "");
  // Padding fails a check of rows, and what comes after it was not looked at.
  for (const float w : {3.0f, -1.0f}) {
    EXPECT_NE(
        said("ratio_late", w, {}).find("what is computed of no rows is not known"),
        std::string::npos);
  }
}

TEST_F(ChecksTest, AModelStillAnswersAfterAFailure) {
  EXPECT_NE(checked(3, 0, -1), "");
  EXPECT_EQ(checked(3, 0, 2), "");
}

TEST_F(ChecksTest, WarmingUpFailsNoCheck) { EXPECT_NO_THROW(model_.warmup()); }

TEST_F(ChecksTest, WhatIsCheckedMayHaveNoRows) {
  EXPECT_EQ(lied(0, 1, 3, Code::kInvalidArgument),
            "model 'fake', signature 'liar': at (1,1): 0.5 (node 'four', Op)");
  EXPECT_EQ(lied(1, 1, 0, Code::kInvalidArgument),
            "model 'fake', signature 'liar': at (): 0.5 (node 'one', Op)");
}

TEST_F(ChecksTest, NothingThatCodeSaysOfItselfIsTakenForGranted) {
  const auto expect = [&](std::int32_t check, std::int32_t values,
                          std::int32_t position, const char* problem) {
    const std::string said = lied(check, values, position, Code::kInternal);
    EXPECT_NE(said.find(problem), std::string::npos) << said;
  };
  expect(7, 1, 0, "there is no check 7");
  expect(-1, 1, 0, "there is no check -1");
  expect(0, 2, 0, "no such number of values");
  expect(0, -1, 0, "no such number of values");
  expect(0, 9, 0, "no such number of values");
  expect(0, 1, 4, "'four' has no element 4");
  expect(0, 1, -1, "'four' has no element -1");
  expect(1, 1, 1, "'one' has no element 1");
  expect(2, 1, 0, "the message of node 'no such kind'");
  expect(3, 1, 0, "the message of node 'no such value'");
  expect(4, 1, 0, "the message of node 'half a brace'");
  expect(5, 1, 0, "the message of node 'no end'");
  expect(6, 1, 0, "'no batch' has no element 0");
}

TEST_F(ChecksTest, TheCApiGivesAStatusAndTheText) {
  tfn_model* model = nullptr;
  tfn_error error;
  ASSERT_EQ(tfn_model_load(FAKE_ARTIFACT, nullptr, &model, &error), TFN_OK);
  float x[] = {1, 1, 1, -2}, y[4];
  const std::int64_t shape[] = {2, 2};
  const tfn_tensor in = {sizeof(tfn_tensor), x, shape, 2, TFN_FLOAT32};
  const tfn_tensor out = {sizeof(tfn_tensor), y, shape, 2, TFN_FLOAT32};
  const tfn_signature* const signature = tfn_model_find_signature(model, "checked");
  EXPECT_EQ(tfn_model_run(model, signature, &in, 1, &out, 1, &error),
            TFN_INVALID_ARGUMENT);
  EXPECT_NE(std::string(error.message).find("x[1,1] = -2 is not"), std::string::npos);
  x[3] = 2;
  EXPECT_EQ(tfn_model_run(model, signature, &in, 1, &out, 1, &error), TFN_OK);
  EXPECT_EQ(y[3], 4);
  tfn_model_free(model);
}

// The text of a check about one number, after what names the model.
std::string number_text(const char* message, std::int64_t value) {
  const tfn_check checks[] = {{"n", "Op", message, 1, 0, nullptr}};
  tfn_failure failure = {};
  failure.value_count = 1;
  failure.values[0] = value;
  const std::string text = internal::CheckError({"m", 0, 0}, checks, failure).what();
  return text.substr(3, text.find(" (node") - 3);
}

std::int64_t bits_of(double value) {
  std::int64_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

// What TensorFlow 2.21 prints for them in the message of an Assert.
TEST(CheckText, NumbersAreWrittenAsTensorFlowWritesThem) {
  const auto text = [](double value) { return number_text("{f0}", bits_of(value)); };
  const auto single = [&](float value) { return text(static_cast<double>(value)); };
  EXPECT_EQ(single(0.1f), "0.1");
  EXPECT_EQ(single(1.0f / 3), "0.333333343");
  EXPECT_EQ(single(1e-10f), "1e-10");
  EXPECT_EQ(single(123456789.0f), "123456792");
  EXPECT_EQ(single(-3.5f), "-3.5");
  EXPECT_EQ(text(0.1234567908516495), "0.1234567908516495");
  EXPECT_EQ(text(2.46913578024), "2.46913578024");
  EXPECT_EQ(text(0.41152264230433006), "0.41152264230433006");
  EXPECT_EQ(text(1e300), "1e+300");
  EXPECT_EQ(text(std::numeric_limits<double>::quiet_NaN()), "nan");
  EXPECT_EQ(text(-std::numeric_limits<double>::quiet_NaN()), "nan");
  EXPECT_EQ(text(std::numeric_limits<double>::infinity()), "inf");
  EXPECT_EQ(text(-std::numeric_limits<double>::infinity()), "-inf");
  EXPECT_EQ(number_text("{i0}", std::numeric_limits<std::int64_t>::min()),
            "-9223372036854775808");
  EXPECT_EQ(number_text("{b0}/{{{i0}}}", 0), "false/{0}");
}

TEST(CheckText, TheDimensionOfTheRowsNeedNotBeTheFirst) {
  const std::int64_t shape[] = {3, -2, 5};  // Two for each row.
  const tfn_check checks[] = {{"n", "Op", "[{@}]", 0, 3, shape}};
  tfn_failure failure = {};
  failure.position = 1 * (8 * 5) + 7 * 5 + 4;  // In a batch of 4 rows.
  const internal::CheckError error({"m", 4, 10}, checks, failure);
  EXPECT_STREQ(error.what(), "m: [1,27,4] (node 'n', Op, row 13)");
  EXPECT_STREQ(error.after(100).what(), "m: [1,227,4] (node 'n', Op, row 113)");
}

}  // namespace
}  // namespace tfnative
