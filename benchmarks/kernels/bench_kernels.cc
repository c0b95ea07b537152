// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Times the kernels on the layers of layers.txt and prints GFLOP/s and the fraction
// of what this machine's multipliers can do, measured in the same run. An argument
// chooses the layers whose names contain it.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <new>
#include <sstream>
#include <string>

#include "cpu_level.h"
#include "kernels.h"
#include "peak.h"

namespace {

class Floats {
 public:
  explicit Floats(std::int64_t count)
      : data_(static_cast<float*>(::operator new(static_cast<std::size_t>(count) * 4,
                                                 std::align_val_t{64}))) {
    for (std::int64_t i = 0; i < count; ++i) data_[i] = static_cast<float>(i % 7 - 3);
  }
  ~Floats() { ::operator delete(data_, std::align_val_t{64}); }
  Floats(const Floats&) = delete;
  Floats& operator=(const Floats&) = delete;
  float* data() const { return data_; }

 private:
  float* data_;
};

std::int64_t whole_panels(std::int64_t columns) {
  return (columns + TFN_PANEL - 1) / TFN_PANEL * TFN_PANEL;
}

constexpr tfn_epilogue kRelu = {TFN_LINEAR, 0, INFINITY};

struct Timed {
  double seconds, flops;
};

// Multiplications of the direct algorithm are counted, whatever the kernel does.
Timed time_convolution(const std::string& kind, std::istream& line) {
  tfn_conv p = {};
  std::int64_t size, kernel, stride;
  line >> p.batch >> size >> p.in_channels >> p.out_channels >> kernel >> stride >>
      p.groups;
  const std::int64_t padding = kernel / 2;
  const std::int64_t out = (size + 2 * padding - kernel) / stride + 1;
  for (int d = 0; d < 3; ++d) {
    p.in[d] = d ? size : 1;
    p.out[d] = d ? out : 1;
    p.kernel[d] = d ? kernel : 1;
    p.stride[d] = d ? stride : 1;
    p.padding_low[d] = d ? padding : 0;
    p.base_dilation[d] = p.window_dilation[d] = 1;
  }
  const std::int64_t depth = p.in_channels / p.groups;
  p.epilogue = kRelu;
  const Floats bias(whole_panels(p.out_channels) + TFN_PANEL);
  const Floats input(p.batch * size * size * p.in_channels);
  const bool winograd = kind == "winograd";
  const std::int64_t tiles = TFN_WINOGRAD_TILES(p.batch, out, out);
  const Floats weights((winograd ? 36 : kernel * kernel) * depth *
                       whole_panels(p.out_channels));
  const Floats output(p.batch * out * out * p.out_channels);
  const std::size_t scratch_bytes =
      winograd ? TFN_WINOGRAD_SCRATCH_BYTES(tiles, p.in_channels, p.out_channels)
               : TFN_CONV_SCRATCH_BYTES(p.batch * out * out, kernel * kernel, depth);
  const Floats scratch(static_cast<std::int64_t>(scratch_bytes) / 4 + 16);
  const tfn_operands operands = {input.data(), weights.data(), bias.data(),
                                 nullptr,      output.data(),  scratch.data()};
  const double seconds = bench::best_seconds([&] {
    const auto kernel = winograd        ? TFN_KERNEL(conv_winograd_f32)
                        : p.groups == 1 ? TFN_KERNEL(conv_f32)
                                        : TFN_KERNEL(conv_depthwise_f32);
    kernel(&p, &operands, {0, 1});
  });
  return {seconds, 2.0 * static_cast<double>(p.batch * out * out * p.out_channels *
                                             kernel * kernel * depth)};
}

Timed time_product(bool packed, std::istream& line) {
  tfn_matmul p = {};
  line >> p.m >> p.n >> p.k;
  p.batch = 1;
  p.lhs = {0, p.k, 1};
  p.rhs = {0, p.n, 1};
  p.out = {0, p.n, 1};
  p.epilogue = kRelu;
  const Floats lhs(p.m * p.k), rhs(p.k * whole_panels(p.n)), out(p.m * p.n);
  const Floats scratch(
      static_cast<std::int64_t>(TFN_MATMUL_SCRATCH_BYTES(1, p.m, p.n, p.k)) / 4);
  const tfn_operands operands = {lhs.data(), rhs.data(), nullptr,
                                 nullptr,    out.data(), scratch.data()};
  const double seconds = bench::best_seconds([&] {
    const auto kernel = packed ? TFN_KERNEL(matmul_packed_f32) : TFN_KERNEL(matmul_f32);
    kernel(&p, &operands, {0, 1});
  });
  return {seconds, 2.0 * static_cast<double>(p.m * p.n * p.k)};
}

}  // namespace

int main(int argc, char** argv) {
  const std::string filter = argc > 1 ? argv[1] : "";
  const int needed = TFN_NAMESPACE::kLanes == 16  ? 4
                     : TFN_NAMESPACE::kLanes == 8 ? 3
                                                  : 0;
  if (tfn_host_level() < needed) {
    std::printf("this CPU cannot run code for x86-64-v%d\n", needed);
    return 0;
  }
  const double peak = bench::peak_gflops();
  std::printf("peak %.1f GFLOP/s\n%-26s %12s %10s %8s\n", peak, "layer", "us",
              "GFLOP/s", "of peak");
  std::ifstream layers(LAYERS);
  for (std::string text; std::getline(layers, text);) {
    std::istringstream line(text);
    std::string kind, name;
    if (!(line >> kind >> name) || kind == "#") continue;
    if (name.find(filter) == std::string::npos) continue;
    const Timed timed = kind == "conv" || kind == "winograd"
                            ? time_convolution(kind, line)
                            : time_product(kind == "packed", line);
    const double gflops = timed.flops / timed.seconds / 1e9;
    std::printf("%-26s %12.2f %10.1f %7.0f%%\n", name.c_str(), timed.seconds * 1e6,
                gflops, 100 * gflops / peak);
  }
  return 0;
}
