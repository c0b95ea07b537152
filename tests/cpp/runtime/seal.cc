// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// seal FILE NAME: gives a library the trailer that the compiler would give it.
#include <fstream>
#include <iterator>

#include "sealed.h"

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  std::string library;
  {
    std::ifstream in(argv[1], std::ios::binary);
    library.assign(std::istreambuf_iterator<char>(in), {});
  }
  const std::string sealed = tfnative::testing::sealed(library, argv[2]);
  if (sealed.empty()) return 1;
  std::ofstream(argv[1], std::ios::binary) << sealed;
  return 0;
}
