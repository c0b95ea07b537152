// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// The messages are defined in tensorflow/core/example/example.proto and feature.proto:
// an Example has Features, a map from names to Features, each with a list of values.
#include <algorithm>
#include <cstring>
#include <numeric>
#include <utility>

#include "example/feature_values.h"
#include "proto/message_reader.h"
#include "tfnative/example.hpp"

namespace tfnative {
namespace {

using internal::MessageReader;
using internal::WireType;

// Field numbers.
constexpr std::uint32_t kFeatures = 1;  // In an Example.
constexpr std::uint32_t kEntry = 1;     // In Features.
constexpr std::uint32_t kKey = 1;       // In an entry.
constexpr std::uint32_t kFeature = 2;

constexpr std::size_t kNone = static_cast<std::size_t>(-1);

[[noreturn]] void fail(const std::string& what) {
  throw Error(Code::kInvalidArgument, what);
}

std::string about(const FeatureSpec& feature) {
  return "feature '" + feature.name + "'";
}

const char* list_name(DType kind) {
  switch (kind) {
    case DType::kFloat32: return "a float_list";
    case DType::kInt64: return "an int64_list";
    default: return "a bytes_list";
  }
}

std::size_t element_bytes(DType dtype) {
  return dtype == DType::kString ? sizeof(StringView) : dtype_bytes(dtype);
}

std::size_t count_elements(const FeatureSpec& feature) {
  std::size_t count = 1;
  for (const std::int64_t size : feature.shape) {
    const bool fits = size >= 0 && !__builtin_mul_overflow(
                                       count, static_cast<std::size_t>(size), &count);
    if (!fits) fail(about(feature) + ": a size of its shape is negative or too large");
  }
  return count;
}

// How many values the default has, and whether they are of the feature's type.
std::pair<std::size_t, bool> describe_default(const FeatureSpec& feature) {
  if (const auto* floats = std::get_if<1>(&feature.default_value)) {
    return {floats->size(), feature.dtype == DType::kFloat32};
  }
  if (const auto* integers = std::get_if<2>(&feature.default_value)) {
    return {integers->size(), feature.dtype == DType::kInt64};
  }
  if (const auto* strings = std::get_if<3>(&feature.default_value)) {
    return {strings->size(), feature.dtype == DType::kString};
  }
  return {0, true};
}

void check_feature(const FeatureSpec& feature, std::size_t elements) {
  if (feature.dtype != DType::kFloat32 && feature.dtype != DType::kInt64 &&
      feature.dtype != DType::kString) {
    fail(about(feature) + ": expected float32, int64 or string");
  }
  const auto [count, has_type] = describe_default(feature);
  if (!has_type || (count != 0 && count != elements)) {
    fail(about(feature) + ": its default has another type or number of values, " +
         std::to_string(count) + " for a shape of " + std::to_string(elements));
  }
}

// The name and the message of an entry of the map. Throws as TensorFlow fails: an entry
// has both, in any order, and nothing else.
std::pair<std::string_view, std::string_view> read_entry(std::string_view entry) {
  std::string_view parts[2];
  bool seen[2] = {false, false};
  for (MessageReader reader(entry); reader.next();) {
    const bool is_key = reader.is(kKey, WireType::kBytes);
    if ((!is_key && !reader.is(kFeature, WireType::kBytes)) || seen[is_key ? 0 : 1]) {
      fail("the map of features has an entry that is none");
    }
    seen[is_key ? 0 : 1] = true;
    parts[is_key ? 0 : 1] = reader.bytes();
  }
  if (!seen[0] || !seen[1]) fail("the map of features has half an entry");
  return {parts[0], parts[1]};
}

}  // namespace

// What is found in one example, and reused for the next one.
struct ExampleParser::Scratch {
  // For each feature its message; without data if there is none.
  std::vector<std::string_view> found;
  // Which feature the entries of the example before had, place by place: most likely
  // this one has the same.
  std::vector<std::size_t> order;
};

ExampleParser::ExampleParser(std::vector<FeatureSpec> features)
    : features_(std::move(features)), by_name_(features_.size()) {
  for (const FeatureSpec& feature : features_) {
    elements_.push_back(count_elements(feature));
    check_feature(feature, elements_.back());
  }
  std::iota(by_name_.begin(), by_name_.end(), std::size_t{0});
  std::sort(by_name_.begin(), by_name_.end(), [&](std::size_t a, std::size_t b) {
    return features_[a].name < features_[b].name;
  });
  for (std::size_t i = 1; i < by_name_.size(); ++i) {
    const FeatureSpec& feature = features_[by_name_[i]];
    if (features_[by_name_[i - 1]].name == feature.name) {
      fail(about(feature) + " comes twice");
    }
  }
}

void ExampleParser::parse(Span<const StringView> examples,
                          Span<const MutableTensorView> outputs) const {
  check(outputs, examples.size());
  Scratch scratch;
  scratch.found.resize(features_.size());
  for (std::size_t row = 0; row < examples.size(); ++row) {
    try {
      collect({examples[row].data, examples[row].size}, scratch);
      for (std::size_t i = 0; i < features_.size(); ++i) {
        const std::size_t bytes = elements_[i] * element_bytes(features_[i].dtype);
        auto* const data = static_cast<char*>(outputs[i].data);
        void* const to = data == nullptr ? nullptr : data + row * bytes;
        const std::string_view feature = scratch.found[i];
        if (feature.data() == nullptr) {
          fill_default(i, to);
        } else {
          read(i, feature, to);
        }
      }
    } catch (const Error& error) {
      fail("example " + std::to_string(row) + ": " + error.what());
    }
  }
}

std::size_t ExampleParser::find(std::string_view name) const {
  const auto found = std::lower_bound(
      by_name_.begin(), by_name_.end(), name,
      [&](std::size_t i, std::string_view text) { return features_[i].name < text; });
  const bool is_it = found != by_name_.end() && features_[*found].name == name;
  return is_it ? *found : kNone;
}

void ExampleParser::collect(std::string_view example, Scratch& scratch) const {
  std::fill(scratch.found.begin(), scratch.found.end(), std::string_view());
  std::size_t place = 0;
  for (MessageReader reader(example); reader.next();) {
    if (!reader.is(kFeatures, WireType::kBytes)) continue;
    for (MessageReader features(reader.bytes()); features.next(); ++place) {
      if (!features.is(kEntry, WireType::kBytes)) {
        fail("something else stands in the map of features");
      }
      const auto [name, feature] = read_entry(features.bytes());
      if (place == scratch.order.size()) scratch.order.push_back(kNone);
      std::size_t& index = scratch.order[place];
      if (index == kNone || features_[index].name != name) index = find(name);
      if (index == kNone || feature.empty()) continue;
      internal::feature_kind(feature);  // Even of one that a later one replaces.
      scratch.found[index] = feature;
    }
  }
}

void ExampleParser::read(std::size_t index, std::string_view feature, void* row) const {
  const FeatureSpec& spec = features_[index];
  const std::size_t expected = elements_[index];
  const std::size_t capacity = row == nullptr ? 0 : expected;
  try {
    const DType kind = internal::feature_kind(feature);
    if (kind != spec.dtype) {
      fail(std::string("expected ") + list_name(spec.dtype) + ", got " +
           list_name(kind));
    }
    const std::string_view list = internal::feature_list(feature);
    std::size_t count = 0;
    switch (kind) {
      case DType::kFloat32:
        count = internal::read_values(list, static_cast<float*>(row), capacity);
        break;
      case DType::kInt64:
        count = internal::read_values(list, static_cast<std::int64_t*>(row), capacity);
        break;
      default:
        count = internal::read_values(list, static_cast<StringView*>(row), capacity);
    }
    if (count != expected) {
      fail("expected " + std::to_string(expected) + " values, got " +
           std::to_string(count));
    }
  } catch (const Error& error) {
    fail(about(spec) + ": " + error.what());
  }
}

void ExampleParser::fill_default(std::size_t index, void* row) const {
  const FeatureSpec& spec = features_[index];
  if (describe_default(spec).first == 0) {
    fail(about(spec) + " is missing, and has no default");
  }
  if (row == nullptr) return;
  if (const auto* floats = std::get_if<1>(&spec.default_value)) {
    std::copy(floats->begin(), floats->end(), static_cast<float*>(row));
  } else if (const auto* integers = std::get_if<2>(&spec.default_value)) {
    std::copy(integers->begin(), integers->end(), static_cast<std::int64_t*>(row));
  } else {
    auto* to = static_cast<StringView*>(row);
    for (const std::string& text : std::get<3>(spec.default_value)) {
      *to++ = {text.data(), text.size()};
    }
  }
}

void ExampleParser::check(Span<const MutableTensorView> outputs,
                          std::size_t rows) const {
  if (outputs.size() != features_.size()) {
    fail("expected " + std::to_string(features_.size()) + " outputs, got " +
         std::to_string(outputs.size()));
  }
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const FeatureSpec& spec = features_[i];
    const ShapeView shape = outputs[i].shape;
    if (outputs[i].data == nullptr) continue;
    const bool fits =
        outputs[i].dtype == spec.dtype && shape.size() == spec.shape.size() + 1 &&
        shape[0] == static_cast<std::int64_t>(rows) &&
        std::equal(spec.shape.begin(), spec.shape.end(), shape.begin() + 1);
    if (!fits) fail("the output for " + about(spec) + " has another type or shape");
  }
}

}  // namespace tfnative
