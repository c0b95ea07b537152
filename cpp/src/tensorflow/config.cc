// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "tensorflow/config.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "base/text.h"
#include "proto/message_writer.h"
#include "tfnative/error.hpp"

namespace tfnative::internal {
namespace {

constexpr int kMaxThreads = 1024;
constexpr int kMaxGpu = 1023;
constexpr int kToggleOn = 1;  // RewriterConfig.Toggle

[[noreturn]] void fail(const std::string& problem) {
  throw Error(Code::kInvalidArgument, problem);
}

// The GPUs of GPUOptions.visible_device_list; none if all are.
std::vector<int> visible_gpus(const TensorflowOptions& options) {
  const DeviceChoice device = parse_device(options.device);
  if (!options.visible_gpus) {
    return device.gpu ? std::vector<int>{*device.gpu} : std::vector<int>();
  }
  if (device.gpu) {
    fail("device " + quoted(options.device) +
         " says which GPU is used: leave out visible_gpus, or use device 'gpu'");
  }
  if (options.visible_gpus->empty() && device.needs_gpu) {
    fail("visible_gpus is empty, and device is " + quoted(options.device));
  }
  return *options.visible_gpus;
}

std::string gpu_options(const TensorflowOptions& options) {
  MessageWriter message;
  if (options.gpu_memory_fraction) {
    const double fraction = *options.gpu_memory_fraction;
    if (!(fraction > 0 && fraction <= 1)) {
      fail("gpu_memory_fraction must be above 0 and at most 1, got " +
           std::to_string(fraction));
    }
    message.add_double(1, fraction);
  }
  if (options.gpu_memory_growth) message.add_varint(4, *options.gpu_memory_growth);
  const std::vector<int> gpus = visible_gpus(options);
  std::string list;
  for (const int gpu : gpus) {
    if (gpu < 0 || gpu > kMaxGpu || std::count(gpus.begin(), gpus.end(), gpu) != 1) {
      fail("visible_gpus must be different numbers from 0, got " +
           joined(std::vector<std::int64_t>(gpus.begin(), gpus.end())));
    }
    list += (list.empty() ? "" : ",") + std::to_string(gpu);
  }
  if (!list.empty()) message.add_bytes(5, list);
  return message.bytes();
}

std::string rewrite_options(const TensorflowOptions& options) {
  MessageWriter message;
  if (options.mixed_precision == "float16") {
    message.add_varint(23, kToggleOn);  // auto_mixed_precision
  } else if (options.mixed_precision == "bfloat16") {
    message.add_varint(31, kToggleOn);  // auto_mixed_precision_onednn_bfloat16
  } else if (!options.mixed_precision.empty()) {
    fail("mixed_precision must be 'float16' or 'bfloat16', got " +
         quoted(options.mixed_precision));
  }
  return message.bytes();
}

std::string graph_options(const TensorflowOptions& options) {
  MessageWriter message;
  if (options.xla) {
    MessageWriter optimizer;
    optimizer.add_varint(5, *options.xla ? 1 : -1);  // global_jit_level
    optimizer.add_varint(7, *options.xla);           // cpu_global_jit
    message.add_bytes(3, optimizer.bytes());
  }
  const std::string rewrite = rewrite_options(options);
  if (!rewrite.empty()) message.add_bytes(10, rewrite);
  return message.bytes();
}

int threads(const char* name, int value, int least) {
  if (value >= least && value != 0 && value <= kMaxThreads) return value;
  fail(std::string(name) + " must be 1 to " + std::to_string(kMaxThreads) +
       (least < 0 ? ", or -1" : "") + ", got " + std::to_string(value));
}

}  // namespace

DeviceChoice parse_device(const std::string& device) {
  DeviceChoice choice;
  if (device.empty()) return choice;
  if (device == "cpu") {
    choice.cpu_only = true;
    return choice;
  }
  choice.needs_gpu = true;
  if (device == "gpu") return choice;
  const std::string digits = device.rfind("gpu:", 0) == 0 ? device.substr(4) : "";
  if (digits.empty() || digits.size() > 4 ||
      digits.find_first_not_of("0123456789") != std::string::npos) {
    fail("device must be 'cpu', 'gpu' or 'gpu:' and a number, got " + quoted(device));
  }
  choice.gpu = std::stoi(digits);
  return choice;
}

std::string config_message(const TensorflowOptions& options) {
  MessageWriter message;
  const bool no_gpu = parse_device(options.device).cpu_only ||
                      (options.visible_gpus && options.visible_gpus->empty());
  const std::string gpus = gpu_options(options);
  if (no_gpu) {
    MessageWriter entry;  // device_count["GPU"] = 0
    entry.add_bytes(1, "GPU");
    entry.add_varint(2, 0);
    message.add_bytes(1, entry.bytes());
  }
  if (options.intra_op_threads) {
    message.add_varint(2, threads("intra_op_threads", *options.intra_op_threads, 1));
  }
  if (options.inter_op_threads) {
    const int count = threads("inter_op_threads", *options.inter_op_threads, -1);
    message.add_varint(5, count);
    if (count > 0) message.add_varint(9, 1);  // use_per_session_threads
  }
  if (!gpus.empty()) message.add_bytes(6, gpus);
  // Operations that a GPU has no code for run on the CPU.
  message.add_varint(7, 1);
  const std::string graph = graph_options(options);
  if (!graph.empty()) message.add_bytes(10, graph);
  return message.bytes();
}

std::string run_options_message(std::int64_t timeout_micros) {
  MessageWriter message;
  // At least 1: 0 stands for no timeout.
  const std::int64_t millis = timeout_micros / 1000 + (timeout_micros % 1000 > 0);
  message.add_varint(
      2, std::clamp<std::int64_t>(millis, 1, std::numeric_limits<std::int32_t>::max()));
  return message.bytes();
}

}  // namespace tfnative::internal
