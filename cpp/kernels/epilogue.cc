// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "epilogue.h"

namespace TFN_NAMESPACE {
namespace {

struct Sigmoid {
  Vec operator()(Vec x) const { return sigmoid(x); }
};
struct Swish {
  Vec operator()(Vec x) const { return x * sigmoid(x); }
};
struct Tanh {
  Vec operator()(Vec x) const { return tanh(x); }
};

template <typename Function>
void apply(float* const* row, int rows, int vectors, Function function) {
  for (int r = 0; r < rows; ++r) {
    for (int v = 0; v < vectors; ++v) {
      float* const at = row[r] + v * kLanes;
      store(at, function(load(at)));
    }
  }
}

}  // namespace

void Epilogue::activate(float* const* row, int rows, int vectors) const {
  switch (activation_) {
    case TFN_SIGMOID: return apply(row, rows, vectors, Sigmoid());
    case TFN_SWISH: return apply(row, rows, vectors, Swish());
    case TFN_TANH: return apply(row, rows, vectors, Tanh());
    default: return;
  }
}

}  // namespace TFN_NAMESPACE
