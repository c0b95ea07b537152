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
#include "int8_peak.h"
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

// Reads the sizes of a convolution of squares.
tfn_conv read_convolution(std::istream& line) {
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
  p.epilogue = kRelu;
  return p;
}

double operations(const tfn_conv& p) {
  return 2.0 *
         static_cast<double>(p.batch * p.out[1] * p.out[2] * p.out_channels *
                             p.kernel[1] * p.kernel[2] * p.in_channels / p.groups);
}

// Multiplications of the direct algorithm are counted, whatever the kernel does.
Timed time_convolution(const std::string& kind, std::istream& line) {
  const tfn_conv p = read_convolution(line);
  const std::int64_t size = p.in[2], out = p.out[2], kernel = p.kernel[2];
  const std::int64_t depth = p.in_channels / p.groups;
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
  return {seconds, operations(p)};
}

// Of one group. Bytes of the arrays are what floats have: they do not change the time.
Timed time_quantized_convolution(std::istream& line) {
  tfn_conv_int8 p = {};
  const tfn_conv& c = p.conv = read_convolution(line);
  const std::int64_t pixels = c.batch * c.out[1] * c.out[2];
  const std::int64_t places = c.kernel[1] * c.kernel[2], k = places * c.in_channels;
  p.input_zero = 3;
  p.result = {5, 0, 255, nullptr};
  const Floats input(c.batch * c.in[1] * c.in[2] * c.in_channels / 4 + 1);
  const Floats weights(whole_panels(c.out_channels) / TFN_PANEL *
                       TFN_CONV_INT8_PANEL_BYTES(k) / 4);
  const Floats output(pixels * c.out_channels / 4 + 1);
  const std::size_t scratch_bytes =
      TFN_CONV_INT8_SCRATCH_BYTES(pixels, places, c.in_channels);
  const Floats scratch(static_cast<std::int64_t>(scratch_bytes) / 4);
  const tfn_operands operands = {input.data(),  weights.data(), nullptr, nullptr,
                                 output.data(), scratch.data(), nullptr};
  const double seconds =
      bench::best_seconds([&] { TFN_KERNEL(conv_int8)(&p, &operands, {0, 1}); });
  return {seconds, operations(c)};
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

// Rows are quantized as well. Several layers read as many weights, one after the other.
Timed time_int8_product(std::istream& line) {
  tfn_matmul p = {};
  std::int64_t layers;
  line >> p.m >> p.n >> p.k >> layers;
  p.batch = 1;
  p.lhs = {0, p.k, 1};
  p.out = {0, p.n, 1};
  p.epilogue = kRelu;
  const std::int64_t panel_floats = TFN_INT8_PANEL_BYTES(p.k) / 4;
  const std::int64_t layer_floats = whole_panels(p.n) / TFN_PANEL * panel_floats;
  const Floats lhs(p.m * p.k), weights(layers * layer_floats), out(p.m * p.n);
  const Floats scratch(
      static_cast<std::int64_t>(TFN_MATMUL_INT8_SCRATCH_BYTES(p.m, p.k)) / 4);
  const double seconds = bench::best_seconds([&] {
    for (std::int64_t layer = 0; layer < layers; ++layer) {
      const tfn_operands operands = {lhs.data(), weights.data() + layer * layer_floats,
                                     nullptr,    nullptr,
                                     out.data(), scratch.data()};
      TFN_KERNEL(matmul_int8_dynamic)(&p, &operands, {0, 1});
    }
  });
  return {seconds, 2.0 * static_cast<double>(p.m * p.n * p.k * layers)};
}

// What the CPU must have for this level, as tfn_cpu_level says it.
constexpr int needed() {
  constexpr int kLevel = TFN_NAMESPACE::kLanes == 16  ? 4
                         : TFN_NAMESPACE::kLanes == 8 ? 3
                                                      : 0;
#if defined(TFN_INT8_AMX)
  return kLevel | TFN_AVX512_VNNI | TFN_AMX_INT8;
#elif defined(TFN_INT8_DOT_X86)
  return kLevel | (kLevel == 4 ? TFN_AVX512_VNNI : TFN_AVX_VNNI);
#else
  return kLevel;
#endif
}

}  // namespace

int main(int argc, char** argv) {
  const std::string filter = argc > 1 ? argv[1] : "";
  if (!tfn_host_has(needed())) {
    std::printf("this CPU cannot run this level's code\n");
    return 0;
  }
  const double f32_peak = bench::peak_gflops(), int8_peak = bench::int8_peak_gops();
  std::printf("peak %.1f GFLOP/s, in 8 bits %.1f GOP/s\n%-26s %12s %10s %8s\n",
              f32_peak, int8_peak, "layer", "us", "GFLOP/s", "of peak");
  std::ifstream layers(LAYERS);
  for (std::string text; std::getline(layers, text);) {
    std::istringstream line(text);
    std::string kind, name;
    if (!(line >> kind >> name) || kind == "#") continue;
    if (name.find(filter) == std::string::npos) continue;
    const Timed timed = kind == "conv" || kind == "winograd"
                            ? time_convolution(kind, line)
                        : kind == "int8"      ? time_int8_product(line)
                        : kind == "quantized" ? time_quantized_convolution(line)
                                              : time_product(kind == "packed", line);
    const double gflops = timed.flops / timed.seconds / 1e9;
    const bool in_int8 = kind == "int8" || kind == "quantized";
    const double peak = in_int8 ? int8_peak : f32_peak;
    std::printf("%-26s %12.2f %10.1f %7.0f%%\n", name.c_str(), timed.seconds * 1e6,
                gflops, 100 * gflops / peak);
  }
  return 0;
}
