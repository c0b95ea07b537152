// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include <pybind11/pybind11.h>

#include "batcher.h"
#include "errors.h"
#include "examples.h"
#include "give_way.h"
#include "json.h"
#include "model.h"
#include "tensor_proto.h"
#include "tensorflow_model.h"
#include "tensorflow_options.h"

// What Python calls to import the module; pybind11's own function has another name.
#define PyInit__core init_in_main_interpreter
PYBIND11_MODULE(_core, module) {
  module.attr("__version__") = TFNATIVE_VERSION;
  tfnative::bindings::register_errors(module);
  tfnative::bindings::register_examples(module);
  tfnative::bindings::register_give_way(module);
  tfnative::bindings::register_json(module);
  tfnative::bindings::register_tensor_proto(module);
  tfnative::bindings::register_model(module);
  tfnative::bindings::register_batcher(module);
  tfnative::bindings::register_tensorflow_options(module);
  tfnative::bindings::register_tensorflow_model(module);
}
#undef PyInit__core

// Callbacks of batch threads are run by the main interpreter. In another one, pybind11
// would wait for a lock that this very thread holds.
extern "C" PYBIND11_EXPORT PyObject* PyInit__core() {
  if (PyInterpreterState_Get() == PyInterpreterState_Main()) {
    return init_in_main_interpreter();
  }
  PyErr_SetString(PyExc_ImportError,
                  "tfnative does not support sub-interpreters: import it in the main "
                  "interpreter, or in a process of its own");
  return nullptr;
}
