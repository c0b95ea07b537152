// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Loads a SavedModel and has TensorFlow's library run it, on CPUs and GPUs. The library
// is opened when the first model is loaded; nothing of it is needed to build.
//
//   const auto model = tfnative::TensorflowModel::load("saved_models/classifier");
//   const tfnative::StringView text[] = {{"hello", 5}};
//   const std::int64_t shape[] = {1};
//   const tfnative::TensorView in[] = {{text, tfnative::DType::kString, shape}};
//   for (const tfnative::Tensor& out : model.run(model.default_signature(), in)) ...
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tfnative/batcher.hpp"
#include "tfnative/error.hpp"
#include "tfnative/model.hpp"
#include "tfnative/tensor.hpp"
#include "tfnative/tensorflow_options.hpp"

namespace tfnative {

// A dense row-major tensor, with the memory that it is in. The caller's: nothing else
// reads or writes it.
class Tensor {
 public:
  // `release` frees `owner`, with which the data goes.
  Tensor(DType dtype, std::vector<std::int64_t> shape, void* data, void* owner,
         void (*release)(void*))
      : dtype_(dtype), shape_(std::move(shape)), data_(data), owner_(owner, release) {}

  DType dtype() const { return dtype_; }
  ShapeView shape() const { return {shape_.data(), shape_.size()}; }
  // Of kString: StringViews, whose bytes must not be changed.
  void* data() const { return data_; }
  std::size_t bytes() const;
  TensorView view() const { return {data_, dtype_, shape()}; }

 private:
  DType dtype_;
  std::vector<std::int64_t> shape_;
  void* data_;
  std::unique_ptr<void, void (*)(void*)> owner_;
};

// How one call is made.
struct TensorflowRun {
  // After which the run is given up. TensorFlow looks at the time between operations:
  // one that runs is not interrupted.
  std::int64_t timeout_micros = kForever;
  // Keeps the memory behind the inputs. With it, numeric inputs that are aligned to
  // kAlignmentBytes are read where they are; TensorFlow may let go of it in another
  // thread, after the run. Without it, they are copied.
  std::shared_ptr<void> owner;
};

// A SavedModel in memory. A handle: copies share one model, which is let go with the
// last copy. All methods may be called from any number of threads at once; whether a
// signature's state bears that is up to the model.
//
// After fork(), `run` throws kFailedPrecondition in the child.
class TensorflowModel {
 public:
  // Loads the folder of a SavedModel: variables, tables and assets, too.
  //
  // Throws Error: kNotFound if there is no TensorFlow, or no such GPU;
  // kFailedPrecondition if TensorFlow cannot be used; kInvalidArgument for options that
  // make no sense; kUnimplemented if none of its signatures can be used. Throws
  // LoadError for a folder that is not there (kNotFound), or damaged.
  static TensorflowModel load(const std::string& path,
                              const TensorflowOptions& options = {});

  // The folder's name, or the one above it if that is a version's number.
  const std::string& name() const noexcept;

  // Those that can be used, by name; inputs and outputs, too. `rows_independent` is
  // whether all tensors have a batch; that rows do not influence each other is assumed.
  // References stay valid with the model.
  const std::vector<Signature>& signatures() const noexcept;
  // The signature of that name. Throws Error: kInvalidArgument if there is none,
  // kUnimplemented if it cannot be used, as with sparse inputs.
  const Signature& signature(std::string_view name) const;
  // "serving_default" if there is one, else the only one. Throws likewise.
  const Signature& default_signature() const;

  // The devices that its session has.
  std::vector<TensorflowDevice> devices() const;

  // Runs a signature of this model. Views are in the order of the signature. Elements
  // of strings are StringViews; they are copied. Returns the outputs.
  //
  // Throws Error: kInvalidArgument for a view that does not fit; kDeadlineExceeded; and
  // what TensorFlow fails with, in its words.
  std::vector<Tensor> run(const Signature& signature, Span<const TensorView> inputs,
                          const TensorflowRun& options = {}) const;

  // Runs several signatures of this model, which take inputs of the same names, in one
  // run of the session: operations that they have in common run once. Returns the
  // outputs of each. Throws as `run`, and Error (kInvalidArgument) if names differ.
  std::vector<std::vector<Tensor>> run_together(
      const std::vector<const Signature*>& signatures, Span<const TensorView> inputs,
      const TensorflowRun& options = {}) const;

 private:
  struct Impl;
  explicit TensorflowModel(std::shared_ptr<const Impl> impl);

  std::shared_ptr<const Impl> impl_;
};

// A signature of a model, which is kept loaded. Throws Error: kInvalidArgument if rows
// cannot be batched, since a tensor has no batch dimension, or another size that is not
// known; kUnimplemented if one has strings.
BatchFunction batch_function(const TensorflowModel& model, const Signature& signature);

}  // namespace tfnative
