// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Whether the tensors of a call fit a signature.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tfnative/tensor.hpp"

namespace tfnative::internal {

// The number of rows that the inputs have; 1 if none has a batch dimension.
// `where` begins messages: "model 'm', signature 's'". Throws Error (kInvalidArgument).
std::int64_t count_rows(const std::string& where, const std::vector<TensorSpec>& specs,
                        Span<const TensorView> inputs);

// Checks types, ranks, and sizes that are known. Others may be any, also in dimensions
// that are a batch. Throws likewise.
void check_known_sizes(const std::string& where, const std::vector<TensorSpec>& specs,
                       Span<const TensorView> inputs);

// Checks that the outputs have so many rows. Throws likewise.
void check_outputs(const std::string& where, const std::vector<TensorSpec>& specs,
                   Span<const MutableTensorView> outputs, std::int64_t rows);

// "float32 (rows, 4)"
std::string spec_text(const TensorSpec& spec);

// "float32 (8, 4)"
std::string view_text(DType dtype, ShapeView shape);

// Bytes of one row, or of the whole tensor if it has no batch dimension.
std::size_t row_bytes(const TensorSpec& spec);

}  // namespace tfnative::internal
