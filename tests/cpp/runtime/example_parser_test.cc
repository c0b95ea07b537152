// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// That it does what TensorFlow does is tested in Python, where TensorFlow is.
#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <string>
#include <vector>

#include "example_messages.h"
#include "tfnative/example.hpp"

namespace tfnative {
namespace {

using namespace std::string_literals;
using namespace test;

constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();

struct Parsed {
  std::vector<float> x;
  std::vector<std::int64_t> n;
  std::vector<std::string> s;
};

// Three features: x, two floats with a default; n, an integer; s, a string.
std::vector<FeatureSpec> features() {
  return {{"x", DType::kFloat32, {2}, std::vector<float>{7, 8}},
          {"n", DType::kInt64, {}, {}},
          {"s", DType::kString, {1}, std::vector<std::string>{"none"}}};
}

Parsed parse(const std::vector<std::string>& messages) {
  const ExampleParser parser(features());
  // Each in a block of its own size, so that the sanitizer sees what is read behind it.
  std::vector<std::vector<char>> blocks;
  std::vector<StringView> views;
  for (const std::string& message : messages) {
    blocks.emplace_back(message.begin(), message.end());
    views.push_back({blocks.back().data(), blocks.back().size()});
  }
  const auto rows = static_cast<std::int64_t>(messages.size());
  Parsed parsed{std::vector<float>(2 * messages.size()),
                std::vector<std::int64_t>(messages.size()),
                {}};
  std::vector<StringView> strings(messages.size());
  const std::int64_t x_shape[] = {rows, 2}, n_shape[] = {rows}, s_shape[] = {rows, 1};
  const MutableTensorView outputs[] = {{parsed.x.data(), DType::kFloat32, x_shape},
                                       {parsed.n.data(), DType::kInt64, n_shape},
                                       {strings.data(), DType::kString, s_shape}};
  parser.parse(views, outputs);
  for (const StringView& s : strings) parsed.s.emplace_back(s.data, s.size);
  return parsed;
}

std::string message_of(const std::vector<std::string>& messages) {
  try {
    parse(messages);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::kInvalidArgument);
    return error.what();
  }
  return "";
}

std::string all_of(const std::string& x, const std::string& n, const std::string& s) {
  return example(entry("x", x) + entry("n", n) + entry("s", s));
}

TEST(ExampleParser, GivesTheValuesOfEachRow) {
  const Parsed parsed =
      parse({all_of(floats({1, -2}), integers({kMin}), strings({"a\0b"s})),
             all_of(floats({3, 4}), integers({5}), strings({""}))});
  EXPECT_EQ(parsed.x, (std::vector<float>{1, -2, 3, 4}));
  EXPECT_EQ(parsed.n, (std::vector<std::int64_t>{kMin, 5}));
  EXPECT_EQ(parsed.s, (std::vector<std::string>{"a\0b"s, ""}));
}

TEST(ExampleParser, TakesNumbersThatAreNotPacked) {
  const Parsed parsed =
      parse({all_of(unpacked_floats({1, 2}), unpacked_integers({-3}), strings({"s"}))});
  EXPECT_EQ(parsed.x, (std::vector<float>{1, 2}));
  EXPECT_EQ(parsed.n, std::vector<std::int64_t>{-3});
}

TEST(ExampleParser, TakesEntriesAndTheirFieldsInAnyOrder) {
  const std::string swapped = field(1, field(2, integers({9})) + field(1, "n"));
  const Parsed parsed = parse({example(entry("unknown", "\xff\xff") + swapped),
                               example(entry("x", floats({1, 2})) + swapped)});
  EXPECT_EQ(parsed.n, (std::vector<std::int64_t>{9, 9}));
  EXPECT_EQ(parsed.x, (std::vector<float>{7, 8, 1, 2}));
}

TEST(ExampleParser, FillsDefaultsInForWhatIsMissingOrHasNoList) {
  const Parsed parsed = parse({example(entry("n", integers({1}))),
                               example(entry("n", integers({2})) + entry("x", "") +
                                       entry("s", strings({"here"})))});
  EXPECT_EQ(parsed.x, (std::vector<float>{7, 8, 7, 8}));
  EXPECT_EQ(parsed.s, (std::vector<std::string>{"none", "here"}));
}

TEST(ExampleParser, TheLastEntryWins) {
  const std::string first = example(entry("n", integers({1})));
  const std::string wrong = example(entry("n", floats({1})));
  const std::string second = example(entry("n", integers({2})));
  const Parsed parsed = parse({first + second, wrong + second, second + first,
                               second + example(entry("n", ""))});
  EXPECT_EQ(parsed.n, (std::vector<std::int64_t>{2, 2, 1, 2}));
  EXPECT_NE(message_of({second + wrong}), "");
}

TEST(ExampleParser, NamesTheRowAndTheFeatureThatIsWrong) {
  const std::string fine = example(entry("n", integers({1})));
  EXPECT_EQ(message_of({fine, ""}),
            "example 1: feature 'n' is missing, and has no default");
  EXPECT_EQ(message_of({fine, fine, example(entry("n", floats({1})))}),
            "example 2: feature 'n': expected an int64_list, got a float_list");
  EXPECT_EQ(message_of({example(entry("n", integers({1, 2})))}),
            "example 0: feature 'n': expected 1 values, got 2");
  EXPECT_EQ(message_of({example(entry("n", integers({})))}),
            "example 0: feature 'n': expected 1 values, got 0");
}

TEST(ExampleParser, RefusesWhatTensorFlowWouldReadInPart) {
  const std::string two = field(1, raw(1)) + field(1, raw(2));
  for (const std::string& feature :
       {field(2, two), floats({1, 2}) + integers({1}), field(2, field(1, raw(1) + "x")),
        floats({1, 2}).substr(0, 9), field(4, ""), field(2, field(2, raw(1)))}) {
    EXPECT_NE(message_of({example(entry("n", integers({1})) + entry("x", feature))}),
              "");
  }
  const std::string fine = example(entry("n", integers({1})));
  for (std::size_t size = 1; size < fine.size(); ++size) {
    EXPECT_NE(message_of({fine.substr(0, size)}), "") << size;
  }
  EXPECT_NE(message_of({example(field(1, field(1, "n")))}), "");
  EXPECT_NE(message_of({fine + example(field(2, "n"))}), "");
  EXPECT_EQ(message_of({fine + field(2, "later versions may have more")}), "");
}

TEST(ExampleParser, AnOutputWithoutDataIsOnlyChecked) {
  const ExampleParser parser(features());
  const std::string message = example(entry("n", integers({4})));
  const StringView views[] = {{message.data(), message.size()}};
  const MutableTensorView none[3];
  parser.parse(views, none);
  const std::string wrong = example(entry("n", integers({4, 5})));
  const StringView wrong_views[] = {{wrong.data(), wrong.size()}};
  EXPECT_THROW(parser.parse(wrong_views, none), Error);
}

TEST(ExampleParser, ChecksTheOutputs) {
  const ExampleParser parser({{"n", DType::kInt64, {2}, {}}});
  std::int64_t values[2];
  const std::int64_t right[] = {0, 2}, wrong[] = {0, 3}, flat[] = {0};
  const auto parse_to = [&](DType dtype, ShapeView shape) {
    const MutableTensorView outputs[] = {{values, dtype, shape}};
    parser.parse({}, outputs);
  };
  parse_to(DType::kInt64, right);
  EXPECT_THROW(parse_to(DType::kInt64, wrong), Error);
  EXPECT_THROW(parse_to(DType::kInt64, flat), Error);
  EXPECT_THROW(parse_to(DType::kFloat64, right), Error);
  EXPECT_THROW(parser.parse({}, {}), Error);
}

TEST(ExampleParser, RefusesFeaturesThatCannotBe) {
  const auto make = [](std::vector<FeatureSpec> specs) {
    const ExampleParser parser(std::move(specs));
  };
  make({});
  EXPECT_THROW(make({{"a", DType::kInt32, {}, {}}}), Error);
  EXPECT_THROW(make({{"a", DType::kInt64, {-1}, {}}}), Error);
  EXPECT_THROW(make({{"a", DType::kInt64, {1ll << 62, 1ll << 62}, {}}}), Error);
  EXPECT_THROW(make({{"a", DType::kInt64, {}, {}}, {"a", DType::kFloat32, {}, {}}}),
               Error);
  EXPECT_THROW(make({{"a", DType::kInt64, {}, std::vector<float>{1}}}), Error);
  EXPECT_THROW(make({{"a", DType::kFloat32, {3}, std::vector<float>{1, 2}}}), Error);
}

// For the sanitizers: whatever the bytes, it reads nothing else, and writes to nothing
// but its outputs.
TEST(ExampleParser, ReadsNothingButTheMessage) {
  std::mt19937 random(11);
  const std::vector<std::string> seeds = {
      all_of(floats({1, -2}), integers({kMin}), strings({"text"})),
      all_of(unpacked_floats({1, 2}), unpacked_integers({-3}), strings({""})),
      example(entry("n", integers({300}))) + example(entry("x", floats({1, 2})))};
  int accepted = 0;
  for (int i = 0; i < 40000; ++i) {
    std::string message = seeds[random() % seeds.size()];
    for (std::uint32_t edits = random() % 4; edits > 0 && !message.empty(); --edits) {
      const std::size_t at = random() % message.size();
      switch (random() % 4) {
        case 0: message[at] = static_cast<char>(random()); break;
        case 1: message.erase(at, random() % 4); break;
        case 2: message.insert(at, 1, static_cast<char>(random() % 32)); break;
        default: message[at] = static_cast<char>(message[at] ^ (1 << random() % 8));
      }
    }
    accepted += message_of({message}).empty() ? 1 : 0;
  }
  EXPECT_GT(accepted, 8000);
  for (int i = 0; i < 20000; ++i) {
    std::string message(random() % 48, '\0');
    for (char& byte : message) byte = static_cast<char>(random() % (1u << (i % 8 + 1)));
    message_of({message});
  }
}

}  // namespace
}  // namespace tfnative
