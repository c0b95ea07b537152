// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <thread>

#include "files.h"
#include "tfnative/model.hpp"

namespace tfnative {
namespace {

// The first calls of all threads race for the costs.
TEST(Threads, ManyOnOneModelGetWhatOneWouldGet) {
  const Model model = Model::load(FAKE_ARTIFACT);
  const auto work = [&model](int seed, int* mistakes) {
    for (int i = 0; i < 200; ++i) {
      const std::int64_t rows = (seed * 7 + i) % 40;
      const std::vector<std::int64_t> shape = {rows, 3};
      std::vector<float> x(static_cast<std::size_t>(rows) * 3,
                           static_cast<float>(seed));
      std::vector<float> y(x.size());
      const TensorView in[] = {{x.data(), DType::kFloat32, shape}};
      const MutableTensorView out[] = {{y.data(), DType::kFloat32, shape}};
      model.run(model.signature("affine"), in, out);
      for (float value : y)
        *mistakes += value != 2.0f * static_cast<float>(seed) + 1.0f;
    }
  };
  std::vector<std::thread> threads;
  std::vector<int> mistakes(16);
  for (int i = 0; i < 16; ++i) {
    threads.emplace_back(work, i, &mistakes[static_cast<std::size_t>(i)]);
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(mistakes, std::vector<int>(16));
}

TEST(Threads, LoadingAtOnceIsFine) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([] {
      for (int round = 0; round < 10; ++round) {
        EXPECT_EQ(Model::load(FAKE_ARTIFACT).name(), "fake");
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace tfnative
