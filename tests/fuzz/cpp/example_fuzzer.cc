// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// The parser of tf.Example messages.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "tfnative/example.hpp"

using tfnative::DType;
using tfnative::Error;
using tfnative::ExampleParser;
using tfnative::MutableTensorView;
using tfnative::StringView;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const ExampleParser parser(
      {{"age", DType::kInt64, {}, std::vector<std::int64_t>{7}},
       {"x", DType::kFloat32, {3}, std::vector<float>{1, 2, 3}},
       {"name", DType::kString, {2}, {}}});
  const StringView messages[] = {{reinterpret_cast<const char*>(data), size},
                                 {reinterpret_cast<const char*>(data), size / 2}};
  const std::int64_t ages_shape[] = {2}, x_shape[] = {2, 3}, names_shape[] = {2, 2};
  std::int64_t ages[2];
  float x[6];
  StringView names[4];
  const MutableTensorView outputs[] = {{ages, DType::kInt64, ages_shape},
                                       {x, DType::kFloat32, x_shape},
                                       {names, DType::kString, names_shape}};
  try {
    parser.parse(messages, outputs);
    // What strings point to is read, so that it has to be there.
    std::size_t bytes = 0;
    for (const StringView& name : names) {
      for (std::size_t i = 0; i < name.size; ++i) {
        bytes += static_cast<unsigned char>(name.data[i]);
      }
    }
    asm volatile("" : : "r"(bytes));  // So that no compiler leaves it out.
  } catch (const Error&) {
  }
  return 0;
}
