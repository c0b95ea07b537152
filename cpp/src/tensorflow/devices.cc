// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "tensorflow/devices.h"

#include <algorithm>
#include <optional>

#include "base/fork_mutex.h"
#include "base/text.h"
#include "tensorflow/config.h"

namespace tfnative::internal {
namespace {

ForkMutex deciding;
bool decided TFN_GUARDED_BY(deciding) = false;
std::optional<int> threads TFN_GUARDED_BY(deciding);

// TensorFlow makes the threads for operations with its first session, and later ones
// use them whatever they ask for. Says so, where it would be overlooked.
void check_intra_op_threads(std::optional<int> requested) {
  const MutexLock lock(deciding);
  if (!decided) {
    decided = true;
    threads = requested;
    return;
  }
  if (!requested || requested == threads) return;
  throw Error(Code::kFailedPrecondition,
              "intra_op_threads is " + std::to_string(*requested) +
                  ", but TensorFlow has one such pool per process, and this one has " +
                  (threads ? std::to_string(*threads) + " threads"
                           : "been made without that option") +
                  ": give it to what uses TensorFlow first");
}

class Session {
 public:
  Session(const TensorflowApi& api, const TF_SessionOptions* options)
      : api_(api), graph_(owned(api.TF_NewGraph(), api.TF_DeleteGraph)) {
    const TensorflowStatus status(api);
    session_ = api.TF_NewSession(graph_.get(), options, status.get());
    status.check("TensorFlow cannot list its devices");
  }
  ~Session() {
    const TensorflowStatus status(api_);
    if (session_ != nullptr) api_.TF_DeleteSession(session_, status.get());
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  TF_Session* get() const { return session_; }

 private:
  const TensorflowApi& api_;
  const TensorflowPtr<TF_Graph> graph_;
  TF_Session* session_ = nullptr;
};

[[noreturn]] void fail_without_gpu(const TensorflowLibrary& library,
                                   const TensorflowOptions& options,
                                   const std::string& found) {
  std::string asked = "device " + quoted(options.device);
  if (options.visible_gpus) {
    const std::vector<std::int64_t> gpus(options.visible_gpus->begin(),
                                         options.visible_gpus->end());
    asked = "visible_gpus " + joined(gpus);
  }
  throw Error(Code::kNotFound, asked + ": TensorFlow " + library.version() +
                                   " finds no such GPU" + found);
}

}  // namespace

TensorflowPtr<TF_SessionOptions> session_options(const TensorflowLibrary& library,
                                                 const TensorflowOptions& options) {
  const TensorflowApi& api = library.api();
  const std::string config = config_message(options);
  check_intra_op_threads(options.intra_op_threads);
  auto result = owned(api.TF_NewSessionOptions(), api.TF_DeleteSessionOptions);
  const TensorflowStatus status(api);
  api.TF_SetConfig(result.get(), config.data(), config.size(), status.get());
  status.check("TensorFlow refuses the options");
  return result;
}

std::vector<TensorflowDevice> list_devices(const TensorflowLibrary& library,
                                           const TensorflowOptions& options) {
  const auto config = session_options(library, options);
  return list_devices(library, Session(library.api(), config.get()).get());
}

std::vector<TensorflowDevice> list_devices(const TensorflowLibrary& library,
                                           TF_Session* session) {
  const TensorflowApi& api = library.api();
  const TensorflowStatus status(api);
  const auto list =
      owned(api.TF_SessionListDevices(session, status.get()), api.TF_DeleteDeviceList);
  status.check("TensorFlow cannot list its devices");
  std::vector<TensorflowDevice> devices;
  for (int i = 0; i < api.TF_DeviceListCount(list.get()); ++i) {
    const char* const name = api.TF_DeviceListName(list.get(), i, status.get());
    status.check("TensorFlow does not name a device");
    const char* const type = api.TF_DeviceListType(list.get(), i, status.get());
    status.check("TensorFlow does not name a device's type");
    const auto bytes = api.TF_DeviceListMemoryBytes(list.get(), i, status.get());
    status.check("TensorFlow does not say how much memory a device has");
    devices.push_back({name, type, bytes});
  }
  return devices;
}

void check_device(const TensorflowLibrary& library, const TensorflowOptions& options) {
  const bool needs_gpu = parse_device(options.device).needs_gpu;
  if (!needs_gpu && !options.visible_gpus) return;
  const auto config = session_options(library, options);
  std::vector<std::string> names;
  try {
    const Session session(library.api(), config.get());
    for (const TensorflowDevice& device : list_devices(library, session.get())) {
      if (device.type == "GPU") return;
      names.push_back(device.name);
    }
  } catch (const Error& error) {
    // It has GPUs, and none of this number.
    if (error.code() != Code::kInvalidArgument) throw;
    fail_without_gpu(library, options, std::string(": ") + error.what());
  }
  if (needs_gpu) fail_without_gpu(library, options, "; it finds " + joined(names));
}

}  // namespace tfnative::internal

namespace tfnative {

TensorflowVersion tensorflow_version(const std::string& library_path) {
  const auto& library = internal::TensorflowLibrary::get(library_path);
  return {library.path(), library.version()};
}

std::vector<TensorflowDevice> tensorflow_devices(const TensorflowOptions& options) {
  return internal::list_devices(internal::TensorflowLibrary::get(options.library_path),
                                options);
}

}  // namespace tfnative
