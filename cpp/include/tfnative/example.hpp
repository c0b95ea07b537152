// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Reads serialised tf.Example messages into dense tensors.
//
//   const tfnative::ExampleParser parser({{"age", tfnative::DType::kInt64, {}},
//                                         {"x", tfnative::DType::kFloat32, {4}}});
//   parser.parse(messages, outputs);  // [rows] and [rows, 4]
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tfnative/error.hpp"
#include "tfnative/tensor.hpp"

namespace tfnative {

// A feature that every example has, with the same shape: tf.io.FixedLenFeature.
struct FeatureSpec {
  std::string name;
  DType dtype = DType::kFloat32;    // kFloat32, kInt64 or kString
  std::vector<std::int64_t> shape;  // Of one example.
  // Row-major values, as many as the shape has, for examples without the feature. None,
  // or an empty vector: all examples must have it.
  std::variant<std::monostate, std::vector<float>, std::vector<std::int64_t>,
               std::vector<std::string>>
      default_value;
};

// Does what tf.io.parse_example does for such features. Immutable: may be used by any
// number of threads at once.
//
// An example is as protobuf writes it, or several such messages one after the other: of
// features of the same name, the last one that has values or a list for them counts.
// Features that are not asked for are not looked at. Stricter than TensorFlow in what
// no writer of messages produces: messages that are cut off, and features with several
// lists, or packed values in several pieces, of which TensorFlow reads the first one,
// are refused.
class ExampleParser {
 public:
  // Throws Error (kInvalidArgument): a name comes twice, a type is none of the three, a
  // size is negative, or a default has another type or number of values.
  explicit ExampleParser(std::vector<FeatureSpec> features);

  const std::vector<FeatureSpec>& features() const noexcept { return features_; }

  // Parses a batch.
  //
  // `outputs` are in the order of the features, of shape [examples, ...shape of the
  // feature]. One without data is for a feature that is checked, but not needed. The
  // elements of strings point into the messages, or into the parser's defaults.
  //
  // Allocates a few bytes per feature and call, and nothing for an example or a value.
  //
  // Throws Error (kInvalidArgument): an example is not well formed, lacks a feature
  // that has no default, or has another kind or number of values; the message names its
  // index and the feature. Outputs are unspecified then. Or an output does not fit.
  void parse(Span<const StringView> examples,
             Span<const MutableTensorView> outputs) const;

 private:
  struct Scratch;

  std::size_t find(std::string_view name) const;
  void collect(std::string_view example, Scratch& scratch) const;
  void read(std::size_t feature, std::string_view values, void* row) const;
  void fill_default(std::size_t feature, void* row) const;
  void check(Span<const MutableTensorView> outputs, std::size_t rows) const;

  std::vector<FeatureSpec> features_;
  std::vector<std::size_t> elements_;  // Of one example, for each feature.
  std::vector<std::size_t> by_name_;   // Features, sorted by name.
};

}  // namespace tfnative
