// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// replay SECONDS CORPUS [SEED]: what libFuzzer does, where there is none: each file of
// a folder as it is, and then damaged in random ways, for so long. The seed is printed,
// with which all of it happens again.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

std::vector<std::string> read_corpus(const std::string& folder) {
  std::vector<std::string> corpus;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::ifstream in(entry.path(), std::ios::binary);
    corpus.emplace_back(std::istreambuf_iterator<char>(in),
                        std::istreambuf_iterator<char>());
  }
  return corpus;
}

void run(const std::string& input) {
  // An allocation of its own, so that AddressSanitizer sees what is read behind its
  // end.
  const std::vector<std::uint8_t> bytes(input.begin(), input.end());
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

// Values at which code that counts or adds goes wrong.
constexpr std::uint64_t kEdges[] = {0,
                                    1,
                                    2,
                                    0x7f,
                                    0x80,
                                    0xff,
                                    0x7fff,
                                    0xffff,
                                    0x7fffffff,
                                    0x80000000,
                                    0xffffffff,
                                    0x7fffffffffffffff,
                                    0x8000000000000000,
                                    0xffffffffffffffff};

void damage(std::string& input, std::mt19937_64& engine) {
  if (input.empty()) return;
  const std::size_t place = engine() % input.size();
  switch (engine() % 5) {
    case 0: input[place] = static_cast<char>(input[place] ^ (1 << engine() % 8)); break;
    case 1: input[place] = static_cast<char>(engine()); break;
    case 2: input.resize(place); break;
    case 3: {
      const std::uint64_t value = kEdges[engine() % std::size(kEdges)];
      const std::size_t bytes =
          std::min<std::size_t>(std::size_t{1} << engine() % 4, input.size() - place);
      std::copy_n(reinterpret_cast<const char*>(&value), bytes, input.data() + place);
      break;
    }
    default: {
      const std::size_t from = engine() % input.size();
      const std::size_t bytes = std::min(input.size() - std::max(from, place),
                                         static_cast<std::size_t>(engine() % 64));
      input.replace(place, bytes, input.substr(from, bytes));
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3 && argc != 4) return 2;
  const std::vector<std::string> corpus = read_corpus(argv[2]);
  if (corpus.empty()) return 2;
  for (const std::string& input : corpus) run(input);
  const std::uint64_t seed =
      argc == 4 ? std::strtoull(argv[3], nullptr, 10) : std::random_device()();
  std::cerr << "seed " << seed << std::endl;
  std::mt19937_64 engine(seed);
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::seconds(std::atoi(argv[1]));
  std::uint64_t runs = 0;
  while (Clock::now() < end) {
    std::string input = corpus[engine() % corpus.size()];
    for (std::uint64_t left = 1 + engine() % 4; left > 0; --left) {
      damage(input, engine);
    }
    run(input);
    ++runs;
  }
  std::cerr << runs << " damaged inputs" << std::endl;
  return 0;
}
