// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// cpp_program MODEL IMAGES: prints the class of each image, one per line.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <vector>

#include "tfnative/model.hpp"

namespace {

std::vector<float> read_floats(const char* path) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
  std::vector<float> values(bytes.size() / sizeof(float));
  std::copy(bytes.begin(), bytes.end(), reinterpret_cast<char*>(values.data()));
  return values;
}

void classify(const tfnative::Model& model, const std::vector<float>& images) {
  const std::int64_t rows = static_cast<std::int64_t>(images.size()) / 64;
  std::vector<float> probabilities(static_cast<std::size_t>(rows) * 10);
  const std::int64_t in_shape[] = {rows, 8, 8, 1};
  const std::int64_t out_shape[] = {rows, 10};
  const tfnative::TensorView in[] = {
      {images.data(), tfnative::DType::kFloat32, in_shape}};
  const tfnative::MutableTensorView out[] = {
      {probabilities.data(), tfnative::DType::kFloat32, out_shape}};
  model.run(model.default_signature(), in, out);
  for (auto row = probabilities.begin(); row != probabilities.end(); row += 10)
    std::printf("%d\n", static_cast<int>(std::max_element(row, row + 10) - row));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  try {
    classify(tfnative::Model::load(argv[1]), read_floats(argv[2]));
  } catch (const tfnative::Error& error) {
    std::fprintf(stderr, "%s: %s\n", tfnative::code_name(error.code()), error.what());
    return 1;
  }
  return 0;
}
