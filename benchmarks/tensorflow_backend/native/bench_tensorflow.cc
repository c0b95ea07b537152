// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// What a call of TensorflowModel takes beside TF_SessionRun itself.
//
//   bench_tensorflow SAVED_MODEL LIBRARY ROUNDS CALLS
//
// Calls the only numeric signature of one input with a row, in turns of CALLS, and
// prints the microseconds of a call in each round, as JSON: [[raw, ours], ...]. The raw
// call does what no caller can do without: it makes a tensor of the caller's memory,
// which TensorFlow need not copy, runs, and lets tensors go.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "tensorflow/devices.h"
#include "tensorflow/library.h"
#include "tensorflow/saved_model.h"
#include "tensorflow/status.h"
#include "tfnative/tensorflow_model.hpp"

namespace {

using namespace tfnative;
using internal::TensorflowApi;
using internal::TensorflowStatus;

// A row of the model's input, aligned as TensorFlow wishes.
class Row {
 public:
  explicit Row(const TensorSpec& spec) : shape_(spec.shape) {
    shape_[0] = 1;
    std::size_t count = 1;
    for (const std::int64_t size : shape_) count *= static_cast<std::size_t>(size);
    bytes_ = count * sizeof(float);
    data_.reset(std::aligned_alloc(kAlignmentBytes, (bytes_ + 63) / 64 * 64),
                std::free);
    auto* const values = static_cast<float*>(data_.get());
    for (std::size_t i = 0; i < count; ++i) values[i] = 0.5f;
  }

  TensorView view() const {
    return {data_.get(), DType::kFloat32, {shape_.data(), shape_.size()}};
  }
  const std::vector<std::int64_t>& shape() const { return shape_; }
  std::size_t bytes() const { return bytes_; }
  const std::shared_ptr<void>& data() const { return data_; }

 private:
  std::vector<std::int64_t> shape_;
  std::size_t bytes_ = 0;
  std::shared_ptr<void> data_;
};

// The signature in a session of its own, by the C API alone.
class Raw {
 public:
  Raw(const std::string& folder, const TensorflowOptions& options)
      : library_(internal::TensorflowLibrary::get(options.library_path)),
        api_(library_.api()),
        graph_(internal::owned(api_.TF_NewGraph(), api_.TF_DeleteGraph)),
        status_(api_) {
    const auto config = internal::session_options(library_, options);
    const char* const tags[] = {"serve"};
    session_ =
        api_.TF_LoadSessionFromSavedModel(config.get(), nullptr, folder.c_str(), tags,
                                          1, graph_.get(), nullptr, status_.get());
    status_.check("load");
    const std::string content = internal::read_saved_model_file(folder);
    const internal::MetaGraph graph =
        internal::find_meta_graph(internal::read_meta_graphs(content), {"serve"});
    for (const internal::SavedSignature& saved : graph.signatures) {
      if (saved.signature.name != "serving_default") continue;
      input_ = find(saved.inputs.at(0));
      output_ = find(saved.outputs.at(0));
      return;
    }
    throw std::runtime_error("there is no serving_default");
  }

  void run(const Row& row) {
    TF_Tensor* const in = api_.TF_NewTensor(
        1, row.shape().data(), static_cast<int>(row.shape().size()), row.data().get(),
        row.bytes(), [](void*, std::size_t, void*) {}, nullptr);
    TF_Tensor* out = nullptr;
    api_.TF_SessionRun(session_, nullptr, &input_, &in, 1, &output_, &out, 1, nullptr,
                       0, nullptr, status_.get());
    status_.check("run");
    api_.TF_DeleteTensor(in);
    api_.TF_DeleteTensor(out);
  }

 private:
  TF_Output find(const internal::TensorPlace& place) {
    return {api_.TF_GraphOperationByName(graph_.get(), place.operation.c_str()),
            place.index};
  }

  const internal::TensorflowLibrary& library_;
  const TensorflowApi& api_;
  const internal::TensorflowPtr<TF_Graph> graph_;
  const TensorflowStatus status_;
  TF_Session* session_ = nullptr;
  TF_Output input_ = {nullptr, 0}, output_ = {nullptr, 0};
};

template <typename Call>
double micros(int calls, Call call) {
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < calls; ++i) call();
  const std::chrono::duration<double, std::micro> took =
      std::chrono::steady_clock::now() - start;
  return took.count() / calls;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 5) {
    std::fprintf(stderr, "usage: %s SAVED_MODEL LIBRARY ROUNDS CALLS\n", argv[0]);
    return 2;
  }
  TensorflowOptions options;
  options.library_path = argv[2];
  options.inter_op_threads = -1;  // What a thread that wakes up takes is noise here.
  const int rounds = std::atoi(argv[3]), calls = std::atoi(argv[4]);
  const TensorflowModel model = TensorflowModel::load(argv[1], options);
  const Signature& signature = model.signature("serving_default");
  const Row row(signature.inputs.at(0));
  Raw raw(argv[1], options);
  const TensorView in[] = {row.view()};
  const auto ours = [&] { model.run(signature, in, {kForever, row.data()}); };
  const auto theirs = [&] { raw.run(row); };
  micros(calls, theirs);
  micros(calls, ours);
  std::printf("[");
  for (int i = 0; i < rounds; ++i) {
    const double first = micros(calls, theirs);
    std::printf("%s[%.3f, %.3f]", i == 0 ? "" : ", ", first, micros(calls, ours));
  }
  std::printf("]\n");
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
