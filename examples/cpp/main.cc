// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Classifies 8x8 digits with a compiled model.
//
//   classify IMAGES [LABELS]
//
// IMAGES holds float32 numbers, 64 per image; LABELS one byte per image. Prints the
// digit of each image, or with LABELS how many are right.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include "digits.hpp"

namespace {

constexpr std::size_t kPixels = 8 * 8;
constexpr std::size_t kClasses = 10;

std::vector<char> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<float> read_images(const std::string& path) {
  const std::vector<char> bytes = read_file(path);
  if (bytes.size() % (kPixels * sizeof(float)) != 0)
    throw std::runtime_error(path + " does not hold whole images");
  std::vector<float> images(bytes.size() / sizeof(float));
  std::copy(bytes.begin(), bytes.end(), reinterpret_cast<char*>(images.data()));
  return images;
}

// The most probable class of each image.
std::vector<std::int8_t> classify(const std::vector<float>& images) {
  const std::size_t rows = images.size() / kPixels;
  std::vector<float> probabilities(rows * kClasses);
  digits::serving_default model;
  model.predict(static_cast<std::int64_t>(rows), images.data(), probabilities.data());

  std::vector<std::int8_t> classes;
  for (std::size_t row = 0; row < rows; ++row) {
    const float* first = &probabilities[row * kClasses];
    const float* best = std::max_element(first, first + kClasses);
    classes.push_back(static_cast<std::int8_t>(best - first));
  }
  return classes;
}

void print_accuracy(const std::vector<std::int8_t>& classes,
                    const std::vector<char>& labels) {
  if (labels.size() != classes.size())
    throw std::runtime_error("there are not as many labels as images");
  std::size_t right = 0;
  for (std::size_t row = 0; row < classes.size(); ++row)
    right += classes[row] == labels[row];
  std::printf("accuracy: %.4f (%zu of %zu)\n",
              static_cast<double>(right) / static_cast<double>(classes.size()), right,
              classes.size());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || argc > 3) {
    std::fprintf(stderr, "usage: %s IMAGES [LABELS]\n", argv[0]);
    return 2;
  }
  try {
    const std::vector<std::int8_t> classes = classify(read_images(argv[1]));
    if (argc == 3) {
      print_accuracy(classes, read_file(argv[2]));
    } else {
      for (const std::int8_t digit : classes) std::printf("%d\n", digit);
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", argv[0], error.what());
    return 1;
  }
  return 0;
}
