// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// That documents are read as Python reads them is tested in Python.
#include "json_columns.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "tfnative/error.hpp"

namespace tfnative::bindings {
namespace {

using Kind = JsonColumn::Kind;
using Sizes = std::vector<std::int64_t>;

JsonColumn column(const std::string& value) {
  JsonDocument document = read_json("{\"a\":" + value + "}", "");
  EXPECT_EQ(document.members.size(), 1u);
  return std::move(document.members.at(0).second);
}

TEST(JsonColumns, ListsOfEqualLengthsBecomeOneArray) {
  const JsonColumn found = column("[[1,2,3],[4,5,6]]");
  EXPECT_EQ(found.problem, nullptr);
  EXPECT_EQ(found.kind, Kind::kInt64);
  EXPECT_EQ(found.shape, (Sizes{2, 3}));
  EXPECT_EQ(found.numbers, (std::vector<std::uint64_t>{1, 2, 3, 4, 5, 6}));
}

TEST(JsonColumns, ObjectsWithTheSameNamesBecomeAColumnForEachName) {
  const JsonColumn found = column(R"([{"x":1,"y":["a"]},{"y":["bc"],"x":2}])");
  EXPECT_EQ(found.kind, Kind::kTable);
  EXPECT_EQ(found.shape, Sizes{2});
  ASSERT_EQ(found.members.size(), 2u);
  const JsonColumn &x = found.members[0].second, &y = found.members[1].second;
  EXPECT_EQ(x.numbers, (std::vector<std::uint64_t>{1, 2}));
  EXPECT_EQ(y.text, "abc");
  EXPECT_EQ(y.ends, (std::vector<std::size_t>{1, 3}));
  EXPECT_EQ(y.shape, Sizes{1});
}

TEST(JsonColumns, WhatIsNoTensorSaysWhyAndKeepsNothing) {
  for (const char* value :
       {"[1,[2]]", "[[1],2]", "[[1],[]]", "[[],[1]]", "[[],1]", "[1,[]]", "[[1],[1,2]]",
        "[1,true]", "[1,\"a\"]", "[null,1]", "[{},1]", "[{\"x\":1},{\"y\":1}]",
        "[{\"x\":1},{}]", "[{\"b64\":\"?\"}]"}) {
    const JsonColumn found = column(value);
    EXPECT_NE(found.problem, nullptr) << value;
    EXPECT_TRUE(found.numbers.empty() && found.text.empty() && found.members.empty())
        << value;
  }
}

TEST(JsonColumns, SpansAreWhereElementsAre) {
  const std::string text = R"({"e": [ {"a":1} ,{}], "f": 1})";
  const JsonDocument document = read_json(text, "e");
  ASSERT_TRUE(document.has_spans);
  ASSERT_EQ(document.spans.size(), 4u);
  EXPECT_EQ(text.substr(8, 7), R"({"a":1})");
  EXPECT_EQ(document.spans, (Sizes{8, 15, 17, 19}));
  EXPECT_FALSE(read_json(R"({"e": 1})", "e").has_spans);
}

TEST(JsonColumns, DamagedDocumentsGiveErrorsAndNoMore) {
  const std::string whole =
      R"({"a":[[1,-2.5],[3e5,NaN]],"b":[{"x":"\u00e9","y":{"b64":"AP8="}}],"c":[true]})";
  std::mt19937 random(1);
  for (int round = 0; round < 20'000; ++round) {
    std::string text = whole;
    for (std::uint32_t i = random() % 4; i-- > 0;) {
      text[random() % text.size()] = "{}[]\",:\\1e-.\xff"[random() % 13];
    }
    text.resize(random() % (text.size() + 1));
    try {
      read_json(text, round % 2 == 0 ? "a" : "");
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Code::kInvalidArgument);
    }
  }
}

}  // namespace
}  // namespace tfnative::bindings
