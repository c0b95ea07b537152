// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "batcher.h"

#include <pybind11/stl.h>

#include <tuple>
#include <utility>

#include "batch_snapshots.h"
#include "errors.h"
#include "gil.h"
#include "model.h"
#include "python_function.h"
#include "seconds.h"
#include "tensorflow_model.h"

namespace py = pybind11;

namespace tfnative::bindings {
namespace {

// Whether two functions, each of which may be null, do the same.
bool equal(const py::object& one, const py::object& other) {
  return one && other ? one.equal(other) : !one && !other;
}

}  // namespace

PyBatcher::PyBatcher(const BatchSource& source, const BatchOptions& options,
                     const BatchScheduler& scheduler)
    : signature_(source.signature),
      info_(source.model, signature_),
      // The last one to let it go may be a call: it joins threads, which may need the
      // interpreter's lock.
      batcher_(new Batcher(source.function, options, scheduler), [](Batcher* batcher) {
        const WithoutGil release;
        delete batcher;
      }) {
  if (source.head != nullptr) info_.put_head(source.head);
  info_.feed = source.feed;
  info_.tail = source.tail;
}

void PyBatcher::swap(const BatchSource& source) {
  const auto& before = info_.head;
  const bool same =
      before == source.head ||
      (before != nullptr && source.head != nullptr && *before == *source.head);
  if (!same) {
    throw Error(
        Code::kInvalidArgument,
        info_.where + ": the new model reads other features, or has no examples");
  }
  // What one has made of a request may be run by the other.
  if (!equal(info_.feed, source.feed)) {
    throw Error(Code::kInvalidArgument,
                info_.where + ": the new model has another head");
  }
  if (!equal(info_.tail, source.tail)) {
    throw Error(Code::kInvalidArgument,
                info_.where + ": the new model has another tail");
  }
  {
    const WithoutGil release;
    batcher_->swap(source.function);
  }
  info_.feed = source.feed;
  info_.tail = source.tail;
}

PyRequest::PyRequest(BatchFuture future, std::shared_ptr<Batcher> batcher,
                     std::vector<py::array> inputs, py::object result,
                     py::object finish)
    : future_(std::move(future)),
      batcher_(std::move(batcher)),
      inputs_(std::move(inputs)),
      result_(std::move(result)),
      finish_(std::move(finish)) {}

PyRequest::~PyRequest() {
  if (future_.done() || future_.cancel()) return;
  const WithoutGil release;
  try {
    future_.get();
  } catch (const Error&) {  // Nobody asks any more.
  }
}

bool PyRequest::cancel() const {
  const WithoutGil release;
  return future_.cancel();
}

py::object PyRequest::result() const {
  future_.get();
  return finish_ ? finish_(result_, py::none()) : result_;
}

namespace {

// Lets signal handlers run: Ctrl-C shall end a wait.
void check_signals() {
  const PyGILState_STATE state = PyGILState_Ensure();
  const int failed = PyErr_CheckSignals();
  std::exception_ptr raised;
  if (failed != 0) raised = std::make_exception_ptr(py::error_already_set());
  PyGILState_Release(state);
  if (raised) std::rethrow_exception(raised);
}

struct Call {
  Call(const SignatureInfo& info, py::handle value)
      : inputs(info.inputs.size()), outputs(info.outputs.size()) {
    py::object owned;
    value = as_dict_or_value(value, owned);
    as_dict = PyDict_Check(value.ptr());
    read_inputs(info, value, inputs);
    finish = begin_tail(info, value);
    // A view that does not fit is refused by the batcher, with a message that says how.
    std::int64_t rows = 0;
    for (const TensorView& view : inputs.views) {
      if (view.shape.size() > 0) rows = view.shape[0];
    }
    make_outputs(info, rows, outputs);
  }

  Inputs inputs;
  Outputs outputs;
  bool as_dict = false;
  py::object finish;  // See begin_tail.
};

py::object predict(const PyBatcher& self, py::handle value, py::handle timeout) {
  const std::shared_ptr<Batcher> batcher = self.batcher();
  const std::int64_t micros = micros_of(timeout);
  Call call(self.info(), value);
  {
    const WithoutGil release;
    batcher->predict(call.inputs.span(), call.outputs.span(), micros, check_signals);
  }
  if (call.finish) {
    return call.finish(result_of(self.info(), call.outputs.arrays, true), py::none());
  }
  return result_of(self.info(), call.outputs.arrays, call.as_dict);
}

std::unique_ptr<PyRequest> submit(const PyBatcher& self, py::handle value,
                                  py::handle timeout,
                                  const std::shared_ptr<Completions>& completions,
                                  std::int64_t number) {
  const std::shared_ptr<Batcher> batcher = self.batcher();
  const std::int64_t micros = micros_of(timeout);
  Call call(self.info(), value);
  const bool as_dict = call.as_dict || call.finish;
  py::object result = result_of(self.info(), call.outputs.arrays, as_dict);
  std::optional<BatchFuture> future;
  {
    const WithoutGil release;
    future = batcher->submit(
        call.inputs.span(), call.outputs.span(), micros,
        [completions, number](const Error*) { completions->push(number); });
  }
  return std::make_unique<PyRequest>(*future, batcher, std::move(call.inputs.arrays),
                                     std::move(result), std::move(call.finish));
}

constexpr const char* kDoc =
    "predict($self, inputs, /, *, timeout=None)\n--\n\n"
    "Predicts rows in a batch with those of others. See tfnative.Batcher.";

PyObject* predict_entry(PyObject* self, PyObject* const* arguments, Py_ssize_t count,
                        PyObject* keywords) noexcept {
  try {
    if (count != 1) {
      PyErr_Format(PyExc_TypeError,
                   "predict() takes one positional argument, the inputs (%zd given)",
                   count);
      return nullptr;
    }
    py::handle timeout = Py_None;
    const Py_ssize_t keyword_count =
        keywords == nullptr ? 0 : PyTuple_GET_SIZE(keywords);
    for (Py_ssize_t i = 0; i < keyword_count; ++i) {
      PyObject* const keyword = PyTuple_GET_ITEM(keywords, i);
      if (PyUnicode_CompareWithASCIIString(keyword, "timeout") != 0) {
        PyErr_Format(PyExc_TypeError, "predict() has no argument %R", keyword);
        return nullptr;
      }
      timeout = arguments[count + i];
    }
    auto* const instance = reinterpret_cast<py::detail::instance*>(self);
    const void* const batcher = instance->get_value_and_holder().value_ptr();
    if (batcher == nullptr) {
      throw Error(Code::kFailedPrecondition, "Batcher.__init__ was not called");
    }
    return predict(*static_cast<const PyBatcher*>(batcher), arguments[0], timeout)
        .release()
        .ptr();
  } catch (...) {
    set_python_error();
    return nullptr;
  }
}

void add_predict(py::class_<PyBatcher>& type) {
  static PyMethodDef method = {
      "predict",
      reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(predict_entry)),
      METH_FASTCALL | METH_KEYWORDS, kDoc};
  auto* const type_object = reinterpret_cast<PyTypeObject*>(type.ptr());
  type.attr("predict") =
      py::reinterpret_steal<py::object>(PyDescr_NewMethod(type_object, &method));
}

// --- What to batch -------------------------------------------------------------

BatchSource model_source(const PyModel& model, py::handle name) {
  const SignatureInfo& info = model.find(name);
  return {model.model().name(),
          info.signature,
          batch_function(model.model(), info.signature),
          info.head,
          info.feed,
          info.tail};
}

BatchSource tensorflow_source(const PyTensorflowModel& model, py::handle name) {
  const SignatureInfo& info = model.find(name);
  return {model.model().name(), info.signature,
          batch_function(model.model(), info.signature), info.head, info.feed};
}

using Spec = std::tuple<std::string, std::int32_t, std::vector<std::int64_t>>;

BatchSource function_source(const std::string& model, const std::string& name,
                            const std::vector<Spec>& inputs,
                            const std::vector<Spec>& outputs,
                            std::int64_t default_max_batch_size, bool runs_empty,
                            py::object function) {
  const auto specs = [](const std::vector<Spec>& tuples) {
    std::vector<TensorSpec> result;
    for (const auto& [tensor, dtype, shape] : tuples) {
      result.push_back({tensor, static_cast<DType>(dtype), shape});
    }
    return result;
  };
  BatchSource source;
  source.model = model;
  source.signature.name = name;
  source.signature.inputs = specs(inputs);
  source.signature.outputs = specs(outputs);
  source.function = python_function(source.model, source.signature, std::move(function),
                                    default_max_batch_size, runs_empty);
  return source;
}

// --- Registration --------------------------------------------------------------

// The wrapped clock as one that C++ shares.
void register_clock(py::module_& module) {
  py::class_<Clock, std::shared_ptr<Clock>> clock(module, "Clock",
                                                  "What time it is, and how to wait.");
  refuse_pickling(clock);
  clock.def("now_micros", &Clock::now_micros);
  py::class_<FakeClock, Clock, std::shared_ptr<FakeClock>>(
      module, "FakeClock",
      "A clock that stands still but for ``advance(micros)``, for tests of what "
      "waits.")
      .def(py::init<>())
      .def("advance", &FakeClock::advance, py::arg("micros"));
}

void register_options(py::module_& module) {
  py::class_<BatchOptions> type(module, "BatchOptions");
  refuse_pickling(type);
  type.def(py::init<>())
      .def_readwrite("max_batch_size", &BatchOptions::max_batch_size)
      .def_readwrite("batch_timeout_micros", &BatchOptions::batch_timeout_micros)
      .def_readwrite("max_enqueued_batches", &BatchOptions::max_enqueued_batches)
      .def_readwrite("allowed_batch_sizes", &BatchOptions::allowed_batch_sizes)
      .def_readwrite("enable_large_batch_splitting",
                     &BatchOptions::enable_large_batch_splitting)
      .def_readwrite("max_execution_batch_size",
                     &BatchOptions::max_execution_batch_size)
      .def_readwrite("pad_variable_length_inputs",
                     &BatchOptions::pad_variable_length_inputs)
      .def_property(
          "streaming",
          [](const BatchOptions& o) { return o.mode == BatchMode::kStreaming; },
          [](BatchOptions& o, bool streaming) {
            o.mode = streaming ? BatchMode::kStreaming : BatchMode::kQueued;
          })
      .def_readwrite("latency_target_micros", &BatchOptions::latency_target_micros)
      .def_readwrite("retry_max_time_micros", &BatchOptions::retry_max_time_micros)
      .def_readwrite("retry_delay_micros", &BatchOptions::retry_delay_micros);
  module.def("parse_batching_parameters", [](const std::string& text) {
    const BatchingParameters found = parse_batching_parameters(text);
    return py::make_tuple(found.options, found.threads.num_batch_threads,
                          found.threads.thread_pool_name);
  });
}

void register_scheduler(py::module_& module) {
  py::class_<BatchScheduler> type(module, "BatchScheduler");
  refuse_pickling(type);
  type.def(py::init([](int threads, const std::string& name,
                       const std::shared_ptr<Clock>& clock) {
             BatchThreadOptions options;
             options.num_batch_threads = threads;
             options.thread_pool_name = name;
             if (clock != nullptr) options.clock = clock;
             return BatchScheduler(options);
           }),
           py::arg("num_batch_threads"), py::arg("thread_pool_name"), py::arg("clock"))
      .def_property_readonly("num_batch_threads", &BatchScheduler::num_batch_threads)
      .def_property_readonly("thread_pool_name", &BatchScheduler::thread_pool_name);
}

void register_requests(py::module_& module) {
  py::class_<Completions, std::shared_ptr<Completions>> completions(module,
                                                                    "Completions");
  refuse_pickling(completions);
  completions.def(py::init<>())
      .def("fileno", &Completions::file_descriptor)
      .def("take", &Completions::take)
      .def("wait",
           [](Completions& self) {
             std::vector<std::int64_t> numbers;
             {
               const WithoutGil release;
               numbers = self.wait();
             }
             return numbers;
           })
      .def("close", &Completions::close);
  py::class_<PyRequest> request(module, "BatchRequest");
  refuse_pickling(request);
  request.def("cancel", &PyRequest::cancel)
      .def("check_waiting", &PyRequest::check_waiting)
      .def_property_readonly("has_tail", &PyRequest::has_tail)
      .def_property_readonly("id", &PyRequest::id)
      .def("result", &PyRequest::result);
}

}  // namespace

void register_batcher(py::module_& module) {
  register_clock(module);
  register_options(module);
  register_scheduler(module);
  register_requests(module);
  py::class_<BatchSource> source(module, "BatchSource");
  refuse_pickling(source);
  module.def("model_source", &model_source);
  module.def("tensorflow_source", &tensorflow_source);
  module.def("function_source", &function_source);
  py::class_<PyBatcher> type(module, "Batcher");
  refuse_pickling(type);
  py::class_<BatchMetrics> metrics(module, "BatchMetrics");
  refuse_pickling(metrics);
  metrics.def("as_dict", &metrics_dict)
      .def("to_prometheus", &BatchMetrics::to_prometheus);
  type.def(py::init<const BatchSource&, const BatchOptions&, const BatchScheduler&>())
      .def("_submit", &submit)
      .def("_swap", &PyBatcher::swap)
      .def("_close",
           [](const PyBatcher& self, bool drain, py::handle timeout) {
             const std::int64_t micros = micros_of(timeout);
             const WithoutGil release;
             return self.batcher()->close(drain, micros);
           })
      .def_property_readonly(
          "closed", [](const PyBatcher& self) { return self.batcher()->closed(); })
      .def("_options", [](const PyBatcher& self) { return self.batcher()->options(); })
      .def("_metrics", [](const PyBatcher& self) { return self.batcher()->metrics(); })
      .def("_start_trace",
           [](const PyBatcher& self, std::size_t max_events) {
             self.batcher()->start_trace(max_events);
           })
      .def("_stop_trace",
           [](const PyBatcher& self) {
             return trace_dict(self.batcher()->stop_trace(), true);
           })
      .def("_take_trace", [](const PyBatcher& self) {
        return trace_dict(self.batcher()->take_trace(), false);
      });
  add_predict(type);
}

}  // namespace tfnative::bindings
