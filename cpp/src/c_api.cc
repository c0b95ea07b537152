// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// The C API over the C++ one. Exceptions become codes here and nowhere else.
#include <cstring>
#include <new>
#include <string>

#include "base/inline_vector.h"
#include "base/text.h"
#include "tfnative/model.hpp"
#include "tfnative/tfnative.h"

struct tfn_model {
  tfnative::Model model;
};

namespace {

using tfnative::Code;
using tfnative::Error;
using tfnative::internal::quoted;

// Cuts the message where a character begins, not inside of one.
void write_message(tfn_error* error, const char* message) noexcept {
  if (error == nullptr) return;
  std::size_t length = std::strlen(message);
  if (length >= TFN_ERROR_MESSAGE_BYTES) {
    length = TFN_ERROR_MESSAGE_BYTES - 1;
    while (length > 0 && (static_cast<unsigned char>(message[length]) & 0xC0) == 0x80) {
      --length;
    }
  }
  std::memcpy(error->message, message, length);
  error->message[length] = '\0';
}

template <typename Function>
tfn_code guarded(tfn_error* error, const Function& function) noexcept {
  try {
    function();
    return TFN_OK;
  } catch (const Error& caught) {
    write_message(error, caught.what());
    return static_cast<tfn_code>(caught.code());
  } catch (const std::bad_alloc&) {
    write_message(error, "out of memory");
    return TFN_RESOURCE_EXHAUSTED;
  } catch (const std::exception& caught) {
    write_message(error, caught.what());
    return TFN_INTERNAL;
  } catch (...) {
    write_message(error, "unknown error");
    return TFN_INTERNAL;
  }
}

[[noreturn]] void fail(const char* message) {
  throw Error(Code::kInvalidArgument, message);
}

void require(const void* pointer, const char* what) {
  if (pointer == nullptr) {
    fail((std::string(what) + " is null, which it must not be").c_str());
  }
}

// The i-th of structs that the caller may have compiled with a later, longer layout.
const tfn_tensor& tensor_at(const tfn_tensor* tensors, std::int32_t i) {
  const auto* bytes = reinterpret_cast<const char*>(tensors);
  return *reinterpret_cast<const tfn_tensor*>(bytes + static_cast<std::size_t>(i) *
                                                          tensors->struct_bytes);
}

template <typename View>
class Views {
 public:
  // Nothing is read of tensors that the signature does not have. `where()` begins the
  // message about them.
  template <typename Where>
  Views(const tfn_tensor* tensors, std::int32_t count, std::size_t expected,
        const char* kind, const Where& where)
      : views_(expected) {
    if (count < 0) fail("the number of tensors is negative");
    if (static_cast<std::size_t>(count) != expected) {
      fail((where() + ": expected " + std::to_string(expected) + " " + kind + ", got " +
            std::to_string(count))
               .c_str());
    }
    if (count > 0) require(tensors, "the array of tensors");
    for (std::int32_t i = 0; i < count; ++i) {
      const tfn_tensor& tensor = tensor_at(tensors, i);
      if (tensor.struct_bytes < sizeof(tfn_tensor) ||
          tensor.struct_bytes != tensors->struct_bytes) {
        fail("tfn_tensor.struct_bytes is not sizeof(tfn_tensor)");
      }
      if (tensor.rank < 0) fail("tfn_tensor.rank is negative");
      if (static_cast<std::size_t>(tensor.rank) > tfnative::internal::kMostDimensions) {
        fail((where() + ": tfn_tensor.rank is " + std::to_string(tensor.rank) +
              ", more than any tensor has")
                 .c_str());
      }
      if (tensor.rank > 0) require(tensor.shape, "tfn_tensor.shape");
      View& view = views_[static_cast<std::size_t>(i)];
      view.data = tensor.data;
      view.dtype = static_cast<tfnative::DType>(tensor.dtype);
      view.shape = {tensor.shape, static_cast<std::size_t>(tensor.rank)};
      check_data(view);
    }
  }

  tfnative::Span<const View> span() { return {views_.data(), views_.size()}; }

 private:
  static void check_data(const View& view) {
    for (const std::int64_t size : view.shape) {
      if (size == 0) return;
    }
    require(view.data, "tfn_tensor.data");
  }

  tfnative::internal::InlineVector<View> views_;
};

// The C++ signature behind one of the artifact's.
const tfnative::Signature& find(const tfn_model* model,
                                const tfn_signature* signature) {
  const tfn_artifact* const artifact = model->model.artifact();
  const tfn_signature* const first = artifact->signatures;
  if (signature < first || signature >= first + artifact->signature_count) {
    fail("the signature is not one of this model's own");
  }
  return model->model.signatures()[static_cast<std::size_t>(signature - first)];
}

}  // namespace

tfn_code tfn_model_load(const char* path, const tfn_load_options* options,
                        tfn_model** model, tfn_error* error) {
  if (model != nullptr) *model = nullptr;
  return guarded(error, [&] {
    require(path, "path");
    require(model, "model");
    tfnative::LoadOptions cpp_options;
    if (options != nullptr) {
      if (options->struct_bytes < sizeof(tfn_load_options)) {
        fail("tfn_load_options.struct_bytes is not sizeof(tfn_load_options)");
      }
      if (options->cpu_level != nullptr) cpp_options.cpu_level = options->cpu_level;
      if ((options->flags & ~(TFN_LOAD_UNVERIFIED | TFN_LOAD_IN_PLACE)) != 0) {
        fail("tfn_load_options.flags has a flag that is not known");
      }
      cpp_options.verify = (options->flags & TFN_LOAD_UNVERIFIED) == 0;
      cpp_options.map_in_place = (options->flags & TFN_LOAD_IN_PLACE) != 0;
      if (options->threads != 0) cpp_options.threads = options->threads;
    }
    *model = new tfn_model{tfnative::Model::load(path, cpp_options)};
  });
}

void tfn_model_free(tfn_model* model) { delete model; }

const char* tfn_model_name(const tfn_model* model) {
  return model->model.name().c_str();
}

const char* tfn_model_cpu_level(const tfn_model* model) {
  return model->model.cpu_level().c_str();
}

const char* tfn_model_manifest(const tfn_model* model, size_t* bytes) {
  const std::string_view manifest = model->model.manifest();
  if (bytes != nullptr) *bytes = manifest.size();
  return manifest.data();
}

int32_t tfn_model_signature_count(const tfn_model* model) {
  return model->model.artifact()->signature_count;
}

const tfn_signature* tfn_model_signature(const tfn_model* model, int32_t index) {
  const tfn_artifact* const artifact = model->model.artifact();
  if (index < 0 || index >= artifact->signature_count) return nullptr;
  return &artifact->signatures[index];
}

const tfn_signature* tfn_model_find_signature(const tfn_model* model,
                                              const char* name) {
  const tfn_artifact* const artifact = model->model.artifact();
  if (name == nullptr) {
    if (artifact->signature_count == 1) return artifact->signatures;
    name = tfnative::kDefaultSignature.data();
  }
  for (std::int32_t i = 0; i < artifact->signature_count; ++i) {
    if (std::strcmp(artifact->signatures[i].name, name) == 0) {
      return &artifact->signatures[i];
    }
  }
  return nullptr;
}

tfn_code tfn_model_run(const tfn_model* model, const tfn_signature* signature,
                       const tfn_tensor* inputs, int32_t input_count,
                       const tfn_tensor* outputs, int32_t output_count,
                       tfn_error* error) {
  return guarded(error, [&] {
    require(model, "model");
    const tfnative::Signature& found = find(model, signature);
    const auto where = [&] {
      return "model " + quoted(model->model.name()) + ", signature " +
             quoted(found.name);
    };
    Views<tfnative::TensorView> in(inputs, input_count, found.inputs.size(), "inputs",
                                   where);
    Views<tfnative::MutableTensorView> out(outputs, output_count, found.outputs.size(),
                                           "outputs", where);
    model->model.run(found, in.span(), out.span());
  });
}

tfn_code tfn_model_warmup(const tfn_model* model, tfn_error* error) {
  return guarded(error, [&] {
    require(model, "model");
    model->model.warmup();
  });
}
