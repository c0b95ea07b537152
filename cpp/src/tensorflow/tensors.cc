// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "tensorflow/tensors.h"

#include <cstring>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "bools.h"
#include "tensorflow/status.h"

namespace tfnative::internal {
namespace {

std::size_t count(ShapeView shape) {
  std::size_t elements = 1;
  for (const std::int64_t size : shape) elements *= static_cast<std::size_t>(size);
  return elements;
}

int rank(ShapeView shape) { return static_cast<int>(shape.size()); }

[[noreturn]] void fail_memory() {
  throw Error(Code::kResourceExhausted, "there is no memory for a tensor");
}

// The argument is the API: the library stays open.
void free_strings(void* data, std::size_t bytes, void* argument) {
  const auto& api = *static_cast<const TensorflowApi*>(argument);
  auto* const strings = static_cast<TF_TString*>(data);
  for (std::size_t i = 0; i < bytes / sizeof(TF_TString); ++i) {
    api.TF_StringDealloc(&strings[i]);
  }
  delete[] strings;
}

// Copies, since TensorFlow takes views of bytes for as good as the bytes, and may keep
// them in tables and variables.
TF_Tensor* make_strings(const TensorflowApi& api, const TensorView& view) {
  const std::size_t elements = count(view.shape);
  const auto* const from = static_cast<const StringView*>(view.data);
  // One more, so that there is an address for no elements.
  auto* const strings = new (std::nothrow) TF_TString[elements + 1];
  if (strings == nullptr) return nullptr;
  for (std::size_t i = 0; i < elements; ++i) {
    api.TF_StringInit(&strings[i]);
    api.TF_StringCopy(&strings[i], from[i].data, from[i].size);
  }
  return api.TF_NewTensor(static_cast<int>(view.dtype), view.shape.data(),
                          rank(view.shape), strings, elements * sizeof(TF_TString),
                          free_strings, const_cast<TensorflowApi*>(&api));
}

TF_Tensor* make_copy(const TensorflowApi& api, const TensorView& view,
                     std::size_t bytes) {
  TF_Tensor* const tensor = api.TF_AllocateTensor(
      static_cast<int>(view.dtype), view.shape.data(), rank(view.shape), bytes);
  if (tensor == nullptr || bytes == 0) return tensor;
  if (view.dtype == DType::kBool) {
    copy_bools(api.TF_TensorData(tensor), view.data, bytes);
  } else {
    std::memcpy(api.TF_TensorData(tensor), view.data, bytes);
  }
  return tensor;
}

// A tensor of TensorFlow's that a Tensor of ours owns.
struct Owned {
  explicit Owned(TensorflowPtr<TF_Tensor> taken) : tensor(std::move(taken)) {}

  const TensorflowPtr<TF_Tensor> tensor;
  std::vector<StringView> strings;
};

void release_owned(void* owned) { delete static_cast<Owned*>(owned); }

TensorflowPtr<TF_Tensor> made_unique(const TensorflowApi& api,
                                     TensorflowPtr<TF_Tensor> tensor,
                                     const TensorView& view) {
  if (TF_Tensor* const moved = api.TF_TensorMaybeMove(tensor.get())) {
    // The same one, or one in its place.
    static_cast<void>(tensor.release());
    return owned(moved, api.TF_DeleteTensor);
  }
  auto copy = owned(make_copy(api, view, api.TF_TensorByteSize(tensor.get())),
                    api.TF_DeleteTensor);
  if (copy == nullptr) fail_memory();
  return copy;
}

}  // namespace

TF_Tensor* make_tensor(const TensorflowApi& api, const TensorView& view,
                       InputLease* lease) {
  if (view.dtype == DType::kString) return make_strings(api, view);
  const std::size_t bytes = count(view.shape) * dtype_bytes(view.dtype);
  const bool has_others =
      view.dtype == DType::kBool && has_other_bools(view.data, bytes);
  if (!lease->can_share() || bytes == 0 || has_others) {
    return make_copy(api, view, bytes);
  }
  lease->add_user();
  // TensorFlow only reads it: it writes to no memory that is not its own. What is not
  // aligned as it wishes it copies, and lets go at once.
  return api.TF_NewTensor(
      static_cast<int>(view.dtype), view.shape.data(), rank(view.shape),
      const_cast<void*>(view.data), bytes,
      [](void*, std::size_t, void* argument) {
        static_cast<InputLease*>(argument)->release();
      },
      lease);
}

Tensor take_tensor(const TensorflowApi& api, TF_Tensor* taken) {
  TensorflowPtr<TF_Tensor> tensor = owned(taken, api.TF_DeleteTensor);
  const auto dtype = static_cast<DType>(api.TF_TensorType(taken));
  if (dtype_name(dtype) == nullptr) {
    throw Error(Code::kUnimplemented, "an output has type " +
                                          std::to_string(static_cast<int>(dtype)) +
                                          " of tensorflow.DataType");
  }
  std::vector<std::int64_t> shape(static_cast<std::size_t>(api.TF_NumDims(taken)));
  for (std::size_t d = 0; d < shape.size(); ++d) {
    shape[d] = api.TF_Dim(taken, static_cast<int>(d));
  }
  if (dtype != DType::kString) {
    const ShapeView sizes(shape.data(), shape.size());
    tensor =
        made_unique(api, std::move(tensor), {api.TF_TensorData(taken), dtype, sizes});
  }
  void* data = api.TF_TensorData(tensor.get());
  auto result = std::make_unique<Owned>(std::move(tensor));
  if (dtype == DType::kString) {
    const auto* const strings = static_cast<const TF_TString*>(data);
    result->strings.resize(count({shape.data(), shape.size()}));
    for (std::size_t i = 0; i < result->strings.size(); ++i) {
      result->strings[i] = {api.TF_StringGetDataPointer(&strings[i]),
                            api.TF_StringGetSize(&strings[i])};
    }
    data = result->strings.data();
  }
  return Tensor(dtype, std::move(shape), data, result.release(), release_owned);
}

Tensor copy_tensor(const TensorflowApi& api, const TensorView& view) {
  TF_Tensor* const copy =
      view.dtype == DType::kString
          ? make_strings(api, view)
          : make_copy(api, view, count(view.shape) * dtype_bytes(view.dtype));
  if (copy == nullptr) fail_memory();
  return take_tensor(api, copy);
}

}  // namespace tfnative::internal

namespace tfnative {

std::size_t Tensor::bytes() const {
  return internal::count(shape()) * dtype_bytes(dtype_);
}

}  // namespace tfnative
