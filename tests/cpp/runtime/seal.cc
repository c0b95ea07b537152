// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// seal FILE NAME: gives a library the trailer that the compiler would give it. The
// weights are found by their first words.
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>

#include "crc32.h"
#include "tfnative/abi.h"
#include "tfnative/checksum.hpp"

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  std::string file;
  {
    std::ifstream in(argv[1], std::ios::binary);
    file.assign(std::istreambuf_iterator<char>(in), {});
  }
  const std::size_t weights = file.find("weights of the fake artifact");
  if (weights == std::string::npos) return 1;
  tfn_trailer trailer = {};
  std::memcpy(trailer.magic, TFN_TRAILER_MAGIC, sizeof trailer.magic);
  trailer.abi_version = TFN_ABI_VERSION;
  trailer.file_bytes = file.size() + sizeof trailer;
  trailer.weights_offset = weights;
  trailer.weights_bytes = 4096;
  std::strncpy(trailer.name, argv[2], sizeof trailer.name - 1);
  using tfnative::internal::crc32;
  const std::size_t end = weights + 4096;
  trailer.crc32 =
      crc32(crc32(0, file.data(), weights), file.data() + end, file.size() - end);
  trailer.weights_crc32c = tfnative::crc32c(0, file.data() + weights, 4096);
  file.append(reinterpret_cast<const char*>(&trailer), sizeof trailer);
  std::ofstream(argv[1], std::ios::binary) << file;
  return 0;
}
