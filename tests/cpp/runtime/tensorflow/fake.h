// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// The fake of TensorFlow's library, and models for it.
#pragma once

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "../files.h"
#include "messages.h"
#include "tensorflow/library.h"
#include "tfnative/tensorflow_model.hpp"

namespace tfnative::testing {

// What fake_tensorflow.cc has for tests. What an operation computes its name says:
// "twice" (x), "same" (the memory of x), "runs" (how many there have been), "constant"
// (memory of the library's own), "keep" (x, until `let_go`; gives the runs),
// "quantized" (x, of a type that we do not have), "thrice_as_many" (x as int64). Those
// that begin with "no_" are not there. A run with a timeout takes too long.
class Fake {
 public:
  Fake() : handle_(::dlopen(FAKE_TENSORFLOW, RTLD_NOW | RTLD_LOCAL)) {}
  ~Fake() { fail("", 0); }
  Fake(const Fake&) = delete;
  Fake& operator=(const Fake&) = delete;

  // Objects and strings that are not deleted.
  int live() const { return function<int()>("fake_live")(); }
  int runs() const { return function<int()>("fake_runs")(); }
  void let_go() const { function<void()>("fake_let_go")(); }
  void set_gpus(int count) const { function<void(int)>("fake_set_gpus")(count); }
  // The tensorflow.ConfigProto of the last session.
  std::string config() const {
    std::size_t size;
    const char* const data = function<const char*(std::size_t*)>("fake_config")(&size);
    return {data, size};
  }
  // Has a function fail once, after so many calls that succeed.
  void fail(const char* name, int calls, int code = 13) const {
    function<void(const char*, int, int)>("fake_fail")(name, calls, code);
  }

 private:
  template <typename Function>
  Function* function(const char* name) const {
    void* const address = ::dlsym(handle_, name);
    EXPECT_NE(address, nullptr) << name;
    Function* result;
    std::memcpy(&result, &address, sizeof result);
    return result;
  }

  void* const handle_;
};

using Outputs = std::vector<std::string>;

// A signature with an input "x", of float32 (-1, 2), and one output for each operation.
// Those of the same `feed` share their input.
inline std::string floats_signature(const Outputs& operations,
                                    const std::string& feed = "x") {
  Named outputs;
  for (const std::string& each : operations) {
    const DType dtype = each == "runs" || each == "keep" || each == "constant"
                            ? DType::kInt64
                            : DType::kFloat32;
    const Dims dims = dtype == DType::kInt64 ? Dims{} : Dims{-1, 2};
    outputs.emplace_back(std::to_string(outputs.size()) + "_" + each,
                         tensor_info(each + ":0", dtype, dims));
  }
  return signature_message({{"x", tensor_info(feed + ":0", DType::kFloat32, {-1, 2})}},
                           outputs);
}

// Tests with models in folders, after which nothing of TensorFlow's may be left.
class FakeTensorflowTest : public ::testing::Test {
 protected:
  FakeTensorflowTest() {
    ::unsetenv("TFNATIVE_LIBTENSORFLOW");
    options_.library_path = FAKE_TENSORFLOW;
  }
  ~FakeTensorflowTest() override {
    fake_.let_go();
    EXPECT_EQ(fake_.live(), 0);
  }

  // Writes a SavedModel. Returns its folder.
  std::string save(const Named& signatures, const std::string& graph = {}) const {
    folder_.write(
        "saved_model.pb",
        saved_model_message({meta_graph_message({"serve"}, graph, signatures)}));
    return folder_.path();
  }

  TensorflowModel load(const Named& signatures, const std::string& graph = {}) const {
    return TensorflowModel::load(save(signatures, graph), options_);
  }
  // A model with one signature.
  TensorflowModel load_one(const Outputs& operations,
                           const std::string& graph = {}) const {
    return load({{"serving_default", floats_signature(operations)}}, graph);
  }

  const Fake fake_;
  const TemporaryFolder folder_;
  TensorflowOptions options_;
};

// Rows of two numbers: 1, 2, 3, ... Aligned as TensorFlow wishes.
class Rows {
 public:
  explicit Rows(std::int64_t rows) : shape_{rows, 2} {
    const auto count = static_cast<std::size_t>(rows) * 2;
    for (std::size_t i = 0; i < count; ++i) {
      values_[i] = static_cast<float>(i + 1);
    }
  }

  TensorView view() const {
    return {values_, DType::kFloat32, {shape_.data(), shape_.size()}};
  }
  float* values() { return values_; }

 private:
  alignas(64) float values_[64] = {};
  std::vector<std::int64_t> shape_;
};

inline std::vector<float> floats(const Tensor& tensor) {
  const auto* const values = static_cast<const float*>(tensor.data());
  return {values, values + tensor.bytes() / sizeof(float)};
}

inline std::int64_t integer(const Tensor& tensor) {
  return *static_cast<const std::int64_t*>(tensor.data());
}

// The code and the message of what a function throws.
struct Thrown {
  Code code = Code::kInternal;
  std::string message;
  bool is_load_error = false;
};

template <typename Function>
Thrown thrown(Function function) {
  try {
    function();
  } catch (const Error& error) {
    return {error.code(), error.what(),
            dynamic_cast<const LoadError*>(&error) != nullptr};
  }
  ADD_FAILURE() << "it throws nothing";
  return {};
}

}  // namespace tfnative::testing
