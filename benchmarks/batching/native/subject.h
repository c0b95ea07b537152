// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// What is batched here, with rows to ask for and the answers that are right.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tfnative/batcher.hpp"

namespace bench {

// A function of one float32 input and one float32 output. Immutable.
class Subject {
 public:
  // A compiled model. `inputs` and `outputs` name files with rows as they lie in
  // memory. Throws tfnative::Error.
  static Subject model(const std::string& artifact, const std::string& inputs,
                       const std::string& outputs);

  // Adds 1 to a number: next to nothing.
  static Subject nothing(std::int64_t rows);

  const tfnative::BatchFunction& function() const { return function_; }

  // How many rows there are to ask for.
  std::int64_t rows() const { return rows_; }
  std::int64_t output_size() const { return output_size_; }

  // Calls `call(inputs, outputs)` with views of `count` rows from `first` on.
  template <typename Call>
  auto with_views(std::int64_t first, std::int64_t count, float* output,
                  const Call& call) const {
    std::vector<std::int64_t> in_shape = function_.inputs[0].shape;
    std::vector<std::int64_t> out_shape = function_.outputs[0].shape;
    in_shape[0] = out_shape[0] = count;
    const float* input = inputs_.data() + first * input_size_;
    const tfnative::TensorView in[] = {{input, tfnative::DType::kFloat32, in_shape}};
    const tfnative::MutableTensorView out[] = {
        {output, tfnative::DType::kFloat32, out_shape}};
    return call(tfnative::Span<const tfnative::TensorView>(in),
                tfnative::Span<const tfnative::MutableTensorView>(out));
  }

  // Throws std::runtime_error if `output`, of all rows, is wrong.
  void check(const std::vector<float>& output) const;

 private:
  Subject(tfnative::BatchFunction function, std::vector<float> inputs,
          std::vector<float> outputs);

  tfnative::BatchFunction function_;
  std::int64_t input_size_, output_size_;  // Of a row.
  std::vector<float> inputs_, outputs_;
  std::int64_t rows_;
};

}  // namespace bench
