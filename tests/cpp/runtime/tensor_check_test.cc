// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "tensor_check.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "tfnative/error.hpp"

namespace tfnative::internal {
namespace {

using Shape = std::vector<std::int64_t>;

const std::vector<TensorSpec> kSpecs = {{"a", DType::kFloat32, {kBatch, 3}},
                                        {"b", DType::kFloat32, {kBatch}}};

// The rows that inputs of these shapes have; -1 if they are refused.
std::int64_t rows_of(const Shape& a, const Shape& b) {
  const TensorView views[] = {{nullptr, DType::kFloat32, a},
                              {nullptr, DType::kFloat32, b}};
  try {
    return count_rows("it", kSpecs, views);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::kInvalidArgument);
    return -1;
  }
}

TEST(TensorCheck, CountsTheRowsThatAllInputsHave) {
  for (const std::int64_t rows : {0, 1, 2, 7}) {
    EXPECT_EQ(rows_of({rows, 3}, {rows}), rows);
  }
}

TEST(TensorCheck, NoRowsAreANumberOfRowsLikeOthers) {
  EXPECT_EQ(rows_of({0, 3}, {1}), -1);
  EXPECT_EQ(rows_of({0, 3}, {2}), -1);
  EXPECT_EQ(rows_of({1, 3}, {0}), -1);
  EXPECT_EQ(rows_of({-1, 3}, {-1}), -1);
  EXPECT_EQ(rows_of({-1, 3}, {0}), -1);
}

TEST(TensorCheck, OutputsHaveAsManyRowsAsInputsAlsoIfThatIsNone) {
  for (const std::int64_t rows : {0, 1, 2}) {
    for (const std::int64_t found : {0, 1, 2}) {
      const Shape a = {found, 3}, b = {found};
      const MutableTensorView views[] = {{nullptr, DType::kFloat32, a},
                                         {nullptr, DType::kFloat32, b}};
      const auto check = [&] { check_outputs("it", kSpecs, views, rows); };
      if (found == rows) {
        EXPECT_NO_THROW(check()) << rows;
      } else {
        EXPECT_THROW(check(), Error) << found << " rows for " << rows;
      }
    }
  }
}

TEST(TensorCheck, SizesThatAreKnownLaterMayBeNoneAndNotLess) {
  for (const std::int64_t size : {-2, -1, 0, 1}) {
    const Shape a = {size, 3}, b = {5};
    const TensorView views[] = {{nullptr, DType::kFloat32, a},
                                {nullptr, DType::kFloat32, b}};
    const auto check = [&] { check_known_sizes("it", kSpecs, views); };
    if (size >= 0) {
      EXPECT_NO_THROW(check()) << size;
    } else {
      EXPECT_THROW(check(), Error) << size;
    }
  }
}

TEST(TensorCheck, WithoutABatchThereIsOneRow) {
  const std::vector<TensorSpec> specs = {{"a", DType::kFloat32, {2}}};
  const Shape a = {2};
  const TensorView views[] = {{nullptr, DType::kFloat32, a}};
  EXPECT_EQ(count_rows("it", specs, views), 1);
}

std::string text_of(const Shape& shape) { return shape_text(shape); }

TEST(TensorCheck, SaysShapesAsPythonDoes) {
  EXPECT_EQ(text_of({}), "()");
  EXPECT_EQ(text_of({3}), "(3,)");
  EXPECT_EQ(text_of({kBatch, 8, kBatch}), "(rows, 8, any)");
  EXPECT_EQ(text_of(Shape(64, 1)).size(), 64 * 3U);
  EXPECT_EQ(text_of(Shape(65, 1)), "of 65 dimensions");
}

}  // namespace
}  // namespace tfnative::internal
