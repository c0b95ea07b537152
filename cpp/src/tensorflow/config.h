// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Options as TensorFlow reads them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tfnative/tensorflow_options.hpp"

namespace tfnative::internal {

// What `device` names.
struct DeviceChoice {
  bool needs_gpu = false;
  bool cpu_only = false;
  std::optional<int> gpu;  // The only one.
};

// Throws Error (kInvalidArgument) unless it is "", "cpu", "gpu" or "gpu:N".
DeviceChoice parse_device(const std::string& device);

// The tensorflow.ConfigProto. Throws Error (kInvalidArgument) where options contradict
// each other, or have values that make no sense.
std::string config_message(const TensorflowOptions& options);

// The tensorflow.RunOptions for a run that may take so long.
std::string run_options_message(std::int64_t timeout_micros);

}  // namespace tfnative::internal
