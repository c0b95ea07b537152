// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "json_writer.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace tfnative::bindings {
namespace {

using Kind = JsonArray::Kind;

template <typename T>
std::string written(const std::vector<T>& values, Kind kind,
                    std::vector<std::int64_t> shape) {
  std::string text;
  write_json({values.data(), kind, sizeof(T), std::move(shape)}, &text);
  return text;
}

TEST(JsonWriter, ListsAreNestedAsDimensionsAre) {
  const std::vector<std::int32_t> values = {1, 2, -3, 4};
  EXPECT_EQ(written(values, Kind::kSigned, {2, 2}), "[[1,2],[-3,4]]");
  EXPECT_EQ(written(values, Kind::kSigned, {1, 4, 1}), "[[[1],[2],[-3],[4]]]");
  EXPECT_EQ(written(values, Kind::kSigned, {2, 0}), "[[],[]]");
  EXPECT_EQ(written(values, Kind::kSigned, {0, 2}), "[]");
  EXPECT_EQ(written(values, Kind::kSigned, {}), "1");
}

TEST(JsonWriter, EveryTypeHasItsNumbers) {
  EXPECT_EQ(written<std::uint8_t>({0, 1}, Kind::kBool, {2}), "[false,true]");
  EXPECT_EQ(written<std::int8_t>({-128}, Kind::kSigned, {1}), "[-128]");
  EXPECT_EQ(written<std::uint64_t>({~std::uint64_t{0}}, Kind::kUnsigned, {1}),
            "[18446744073709551615]");
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(written<double>({1, 0.1, -infinity, infinity}, Kind::kFloat, {4}),
            "[1.0,0.1,-Infinity,Infinity]");
  EXPECT_EQ(written<float>({0.5f, std::numeric_limits<float>::quiet_NaN()},
                           Kind::kFloat, {2}),
            "[0.5,NaN]");
}

TEST(JsonWriter, RowsAreObjects) {
  const std::vector<std::int64_t> a = {1, 2, 3, 4}, b = {5, 6};
  const JsonArray first{a.data(), Kind::kSigned, 8, {2, 2}};
  const JsonArray second{b.data(), Kind::kSigned, 8, {2}};
  std::string text;
  write_json_rows({"\"a\"", "\"b\""}, {first, second}, &text);
  EXPECT_EQ(text, R"([{"a":[1,2],"b":5},{"a":[3,4],"b":6}])");
}

}  // namespace
}  // namespace tfnative::bindings
