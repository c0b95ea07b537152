// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "subject.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <functional>
#include <iterator>
#include <numeric>
#include <stdexcept>
#include <utility>

namespace bench {
namespace {

using tfnative::BatchFunction;
using tfnative::DType;
using tfnative::TensorSpec;

// As benchmarks/worker.py has it: relative to the largest value.
constexpr double kTolerance = 1e-3;

std::vector<float> read_floats(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
  if (bytes.empty()) throw std::runtime_error("cannot read " + path);
  std::vector<float> values(bytes.size() / sizeof(float));
  std::copy(bytes.begin(), bytes.end(), reinterpret_cast<char*>(values.data()));
  return values;
}

std::int64_t row_size(const TensorSpec& spec) {
  return std::accumulate(spec.shape.begin() + 1, spec.shape.end(), std::int64_t{1},
                         std::multiplies<>());
}

}  // namespace

Subject::Subject(BatchFunction function, std::vector<float> inputs,
                 std::vector<float> outputs)
    : function_(std::move(function)),
      input_size_(row_size(function_.inputs.at(0))),
      output_size_(row_size(function_.outputs.at(0))),
      inputs_(std::move(inputs)),
      outputs_(std::move(outputs)),
      rows_(static_cast<std::int64_t>(inputs_.size()) / input_size_) {
  const auto are_plain = [](const std::vector<TensorSpec>& specs) {
    return specs.size() == 1 && specs[0].dtype == DType::kFloat32;
  };
  if (!are_plain(function_.inputs) || !are_plain(function_.outputs) || rows_ == 0 ||
      static_cast<std::int64_t>(outputs_.size()) != rows_ * output_size_) {
    throw std::runtime_error("expected one input and one output of type float32");
  }
}

Subject Subject::model(const std::string& artifact, const std::string& inputs,
                       const std::string& outputs) {
  const tfnative::Model model = tfnative::Model::load(artifact);
  model.warmup();
  return {tfnative::batch_function(model, model.default_signature()),
          read_floats(inputs), read_floats(outputs)};
}

Subject Subject::nothing(std::int64_t rows) {
  BatchFunction function;
  function.name = "nothing";
  function.inputs = {{"x", DType::kFloat32, {tfnative::kBatch, 1}}};
  function.outputs = {{"y", DType::kFloat32, {tfnative::kBatch, 1}}};
  function.run = [](auto in, auto out) {
    const auto* const x = static_cast<const float*>(in[0].data);
    auto* const y = static_cast<float*>(out[0].data);
    for (std::int64_t i = 0; i < in[0].shape[0]; ++i) y[i] = x[i] + 1;
  };
  std::vector<float> inputs(static_cast<std::size_t>(rows));
  std::iota(inputs.begin(), inputs.end(), 0.0f);
  std::vector<float> outputs = inputs;
  for (float& value : outputs) value += 1;
  return {std::move(function), std::move(inputs), std::move(outputs)};
}

void Subject::check(const std::vector<float>& output) const {
  double largest = 0, error = 0;
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    largest = std::max(largest, std::fabs(static_cast<double>(outputs_[i])));
    error = std::max(error, std::fabs(static_cast<double>(output[i]) - outputs_[i]));
  }
  if (error <= kTolerance * largest) return;
  throw std::runtime_error("wrong by " + std::to_string(error / largest) +
                           ", relative to the largest value");
}

}  // namespace bench
