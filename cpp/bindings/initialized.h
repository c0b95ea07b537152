// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Objects whose __init__ was never called: `Model.__new__(Model)` makes one, and so
// does whatever copies objects by itself. There is nothing in them; who touches them
// gets an error. Included by all that take objects of these classes.
#pragma once

#include <pybind11/pybind11.h>

#include <string>

#include "tfnative/error.hpp"

namespace tfnative {

class BatchScheduler;
class Clock;
class ExampleParser;
class FakeClock;
class ThreadPool;
struct BatchMetrics;
struct BatchOptions;
struct TensorflowOptions;

namespace bindings {

class Completions;
class PyBatcher;
class PyModel;
class PyRequest;
class PyTensorflowModel;
struct BatchSource;

// Throws Error (kFailedPrecondition) if there is nothing in an object of that class.
inline void require_initialized(pybind11::handle object,
                                const pybind11::detail::type_info* type) {
  if (!object || type == nullptr ||
      PyType_IsSubtype(Py_TYPE(object.ptr()), type->type) == 0) {
    return;
  }
  auto* const instance = reinterpret_cast<pybind11::detail::instance*>(object.ptr());
  if (instance->get_value_and_holder().value_ptr() != nullptr) return;
  const std::string name = pybind11::str(pybind11::type::of(object).attr("__name__"));
  throw Error(Code::kFailedPrecondition, name + ".__init__ was not called");
}

// Has `pickle` and `copy` say that they cannot: by themselves they would make an object
// without __init__. Subclasses may know better.
template <typename Class>
void refuse_pickling(Class& type) {
  type.def("__reduce__", [](const pybind11::object& self) -> pybind11::object {
    const std::string name = pybind11::str(pybind11::type::of(self).attr("__name__"));
    throw pybind11::type_error(
        "a " + name + " cannot be pickled or copied: make one where it is used");
  });
}

template <typename T>
class InitializedCaster : public pybind11::detail::type_caster_base<T> {
 public:
  bool load(pybind11::handle source, bool convert) {
    require_initialized(source, this->typeinfo);
    return pybind11::detail::type_caster_base<T>::load(source, convert);
  }
};

}  // namespace bindings
}  // namespace tfnative

namespace pybind11::detail {

#define TFN_INITIALIZED(type) \
  template <>                 \
  class type_caster<type> : public tfnative::bindings::InitializedCaster<type> {}

TFN_INITIALIZED(tfnative::BatchMetrics);
TFN_INITIALIZED(tfnative::BatchOptions);
TFN_INITIALIZED(tfnative::BatchScheduler);
TFN_INITIALIZED(tfnative::Clock);
TFN_INITIALIZED(tfnative::ExampleParser);
TFN_INITIALIZED(tfnative::FakeClock);
TFN_INITIALIZED(tfnative::TensorflowOptions);
TFN_INITIALIZED(tfnative::ThreadPool);
TFN_INITIALIZED(tfnative::bindings::BatchSource);
TFN_INITIALIZED(tfnative::bindings::Completions);
TFN_INITIALIZED(tfnative::bindings::PyBatcher);
TFN_INITIALIZED(tfnative::bindings::PyModel);
TFN_INITIALIZED(tfnative::bindings::PyRequest);
TFN_INITIALIZED(tfnative::bindings::PyTensorflowModel);

#undef TFN_INITIALIZED

}  // namespace pybind11::detail
