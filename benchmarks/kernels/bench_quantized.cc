// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Times the kernels for quantized arrays beside those of floats that do the same, on
// sizes of MobileNet. An argument chooses the ones whose names contain it.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <new>
#include <string>

#include "cpu_level.h"
#include "int8/gemm/form.h"
#include "kernels.h"
#include "peak.h"

#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)

namespace {

// Small whole numbers as floats, which bytes are taken from, too.
class Memory {
 public:
  explicit Memory(std::int64_t bytes)
      : data_(static_cast<std::uint8_t*>(
            ::operator new(static_cast<std::size_t>(bytes), std::align_val_t{64}))) {
    for (std::int64_t i = 0; i < bytes / 4; ++i) {
      floats()[i] = static_cast<float>(i % 7 - 3);
    }
  }
  ~Memory() { ::operator delete(data_, std::align_val_t{64}); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  std::uint8_t* bytes() const { return data_; }
  float* floats() const { return reinterpret_cast<float*>(data_); }

 private:
  std::uint8_t* data_;
};

double microseconds(tfn_f32_kernel* kernel, const void* params,
                    const tfn_operands& operands) {
  return 1e6 * bench::best_seconds([&] { kernel(params, &operands, {0, 1}); });
}

void print(const std::string& name, double quantized, double floats) {
  std::printf("%-28s %10.2f", name.c_str(), quantized);
  if (floats > 0) std::printf(" %10.2f %8.2f", floats, floats / quantized);
  std::printf("\n");
}

// Images of size x size pixels.
struct Image {
  std::int64_t size, channels;
  std::int64_t elements() const { return size * size * channels; }
};

constexpr tfn_requantize kResult = {128, 0, 255, nullptr};

tfn_conv depthwise(const Image& image, std::int64_t kernel, std::int64_t stride) {
  tfn_conv p = {};
  p.batch = 1;
  p.in_channels = p.out_channels = p.groups = image.channels;
  for (int d = 0; d < 3; ++d) {
    p.in[d] = d ? image.size : 1;
    p.out[d] = d ? (image.size - 1) / stride + 1 : 1;
    p.kernel[d] = d ? kernel : 1;
    p.stride[d] = d ? stride : 1;
    p.padding_low[d] = d ? kernel / 2 : 0;
    p.base_dilation[d] = p.window_dilation[d] = 1;
  }
  p.epilogue = {TFN_LINEAR, 0, INFINITY};
  return p;
}

void time_depthwise(const std::string& name, const Image& image, std::int64_t kernel,
                    std::int64_t stride) {
  tfn_conv_int8 p = {};
  p.conv = depthwise(image, kernel, stride);
  p.result = kResult;
  const std::int64_t whole = (image.channels + 15) / 16 * 16, places = kernel * kernel;
  const Memory input(4 * image.elements()), out(4 * image.elements());
  const Memory weights(4 * places * whole + 12 * whole), bias(4 * (whole + 16));
  const Memory scratch(static_cast<std::int64_t>(
      TFN_DEPTHWISE_SCRATCH_BYTES(image.channels, kernel, kernel) +
      TFN_DEPTHWISE_INT8_SCRATCH_BYTES(kernel, kernel, stride, 1)));
  float* const multipliers = weights.floats() + (places * whole + 8 * whole) / 4;
  // Small sums of weights and biases, as they are.
  float* const behind = weights.floats() + places * whole / 4;
  std::fill(behind, multipliers, 0.0f);
  std::fill(multipliers, multipliers + whole, 0.01f);
  const tfn_operands floats = {input.floats(), weights.floats(), bias.floats(), nullptr,
                               out.floats(),   scratch.bytes(),  nullptr};
  tfn_operands bytes = floats;
  bytes.bias = nullptr;
  print(name, microseconds(TFN_KERNEL(conv_depthwise_int8), &p, bytes),
        microseconds(TFN_KERNEL(conv_depthwise_f32), &p.conv, floats));
}

void time_elements(const std::string& name, const Image& image) {
  const std::int64_t count = image.elements();
  const Memory lhs(4 * count), addend(4 * count), out(4 * count), table(256);
  const tfn_operands operands = {lhs.floats(), nullptr, nullptr, addend.floats(),
                                 out.floats(), nullptr, nullptr};
  tfn_requantize looked_up = kResult;
  looked_up.table = table.bytes();
  const tfn_binary_int8 binary = {1, count, count, {3, 5}, {0.5f, 0.25f}, kResult};
  const tfn_binary_int8 scaled = {1,      count,         image.channels,
                                  {3, 5}, {0.5f, 0.25f}, kResult};
  const tfn_unary_int8 unary = {1, count, 0.5f, looked_up};
  const tfn_unary_int8 plain = {1, count, 0.5f, kResult};
  const auto time = [&](const char* what, tfn_f32_kernel* kernel, const void* params) {
    print(name + what, microseconds(kernel, params, operands), 0);
  };
  time("/add", TFN_KERNEL(add_int8), &binary);
  time("/multiply_channels", TFN_KERNEL(multiply_int8), &scaled);
  time("/table", TFN_KERNEL(table_int8), &unary);
  time("/quantize", TFN_KERNEL(quantize_f32), &plain);
  time("/dequantize", TFN_KERNEL(dequantize_int8), &plain);
}

void time_pool(const std::string& name, const Image& image, std::int64_t size,
               bool average) {
  tfn_pool_int8 p = {};
  p.window = {average ? TFN_REDUCE_SUM : TFN_REDUCE_MAX,
              average ? 0 : -INFINITY,
              1,
              1,
              image.channels,
              {1, image.size, image.size},
              {1, image.size / size, image.size / size},
              {1, size, size},
              {1, size, size},
              {0, 0, 0},
              {1, 1, 1}};
  p.multiplier = 1;
  p.result = kResult;
  const Memory input(4 * image.elements()), out(4 * image.elements());
  const tfn_operands operands = {input.floats(), nullptr, nullptr, nullptr,
                                 out.floats(),   nullptr, nullptr};
  const auto kernel =
      average ? TFN_KERNEL(pool_average_int8) : TFN_KERNEL(pool_max_int8);
  print(name, microseconds(kernel, &p, operands),
        microseconds(TFN_KERNEL(reduce_window_f32), &p.window, operands));
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
  if (!tfn_host_has(needed())) {
    std::printf("this CPU cannot run this level's code\n");
    return 0;
  }
  const std::string filter = argc > 1 ? argv[1] : "";
  const auto chosen = [&](const std::string& name) {
    return name.find(filter) != std::string::npos;
  };
  std::printf("level %s\n%-28s %10s %10s %8s\n", TEXT(TFN_LEVEL), "kernel", "us",
              "us of f32", "times");
  for (const Image& image : {Image{56, 96}, Image{14, 384}, Image{7, 960}}) {
    const std::string sizes =
        std::to_string(image.size) + "x" + std::to_string(image.channels);
    for (const std::int64_t kernel : {3, 5}) {
      for (const std::int64_t stride : {1, 2}) {
        const std::string name = "depthwise/" + sizes + "/" + std::to_string(kernel) +
                                 "x" + std::to_string(kernel) + "s" +
                                 std::to_string(stride);
        if (chosen(name)) time_depthwise(name, image, kernel, stride);
      }
    }
  }
  if (chosen("28x192")) time_elements("28x192", {28, 192});
  if (chosen("224x3")) time_elements("224x3", {224, 3});
  if (chosen("pool/average_7x1280"))
    time_pool("pool/average_7x1280", {7, 1280}, 7, true);
  if (chosen("pool/average_28x72")) time_pool("pool/average_28x72", {28, 72}, 28, true);
  if (chosen("pool/max_112x64")) time_pool("pool/max_112x64", {112, 64}, 2, false);
  return 0;
}
