// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// The devices that TensorFlow finds.
#pragma once

#include <string>
#include <vector>

#include "tensorflow/library.h"
#include "tensorflow/status.h"
#include "tfnative/tensorflow_options.hpp"

namespace tfnative::internal {

// The tensorflow.ConfigProto for a session. Throws Error: kInvalidArgument as
// config_message; kFailedPrecondition if the process has other intra_op_threads.
TensorflowPtr<TF_SessionOptions> session_options(const TensorflowLibrary& library,
                                                 const TensorflowOptions& options);

// Throws Error (kNotFound), which says what there is, if `device` names a GPU that is
// not there, or `visible_gpus` has numbers that no GPU has. Without any GPU,
// `visible_gpus` are nobody's: that is no error.
void check_device(const TensorflowLibrary& library, const TensorflowOptions& options);

// Those of a session.
std::vector<TensorflowDevice> list_devices(const TensorflowLibrary& library,
                                           TF_Session* session);

// Those of a session with these options.
std::vector<TensorflowDevice> list_devices(const TensorflowLibrary& library,
                                           const TensorflowOptions& options);

}  // namespace tfnative::internal
