// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// A libtensorflow that computes next to nothing, but treats memory as TensorFlow does,
// counts its objects, and fails where it is told to. fake.h says what it computes.
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "tensorflow/c_api.h"

namespace {

std::atomic<int> live{0};

// An object of the library's that somebody has.
struct Counted {
  Counted() { ++live; }
  ~Counted() { --live; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
};

// The memory of tensors, which may share it.
struct Memory : Counted {
  std::atomic<int> users{1};
  void* data = nullptr;
  std::size_t bytes = 0;
  TF_Deallocator deallocator = nullptr;
  void* argument = nullptr;
  bool own = false;

  void release() {
    if (users.fetch_sub(1) != 1) return;
    if (deallocator != nullptr) deallocator(data, bytes, argument);
    delete this;
  }
};

constexpr int kFloat = 1, kString = 7, kInt64 = 9, kQint8 = 11;
constexpr std::size_t kAlignment = 64;

void free_memory(void* data, std::size_t, void*) { std::free(data); }

Memory* allocate(std::size_t bytes) {
  auto* const memory = new Memory;
  // TensorFlow need not have an address for nothing.
  if (bytes > 0) memory->data = std::aligned_alloc(kAlignment, (bytes + 63) / 64 * 64);
  memory->bytes = bytes;
  memory->deallocator = free_memory;
  memory->own = true;
  return memory;
}

}  // namespace

struct TF_Tensor : Counted {
  TF_Tensor(int type, std::vector<std::int64_t> sizes, Memory* of)
      : dtype(type), dims(std::move(sizes)), memory(of) {}
  ~TF_Tensor() { memory->release(); }

  TF_Tensor* alias() const {
    ++memory->users;
    return new TF_Tensor(dtype, dims, memory);
  }

  const int dtype;
  const std::vector<std::int64_t> dims;
  Memory* const memory;
};

struct TF_Status : Counted {
  int code = 0;
  std::string message;
};

struct TF_Operation {
  std::string name;
};

struct TF_Graph : Counted {
  std::mutex mutex;
  std::map<std::string, TF_Operation> operations;
};

struct TF_SessionOptions : Counted {};
struct TF_Session : Counted {};
struct TF_DeviceList : Counted {};

namespace {

// What tests have asked for, and what is for them to see.
struct Control {
  std::mutex mutex;
  std::string function;  // That is to fail,
  int calls = 0;         // after so many calls.
  int code = 0;
  std::string config;
  std::vector<TF_Tensor*> kept;
  std::atomic<int> runs{0}, gpus{0};
};

Control& control() {
  static auto* const control = new Control;
  return *control;
}

bool fails(const char* function, TF_Status* status = nullptr) {
  Control& all = control();
  const std::lock_guard<std::mutex> lock(all.mutex);
  if (all.function != function || all.calls-- > 0) return false;
  all.function.clear();
  if (status != nullptr) {
    status->code = all.code;
    status->message = std::string(function) + " fails";
  }
  return true;
}

TF_Tensor* number(std::int64_t value) {
  Memory* const memory = allocate(sizeof value);
  std::memcpy(memory->data, &value, sizeof value);
  return new TF_Tensor(kInt64, {}, memory);
}

TF_Tensor* copy(const TF_Tensor& from, int dtype) {
  Memory* const memory = allocate(from.memory->bytes);
  if (memory->bytes > 0) std::memcpy(memory->data, from.memory->data, memory->bytes);
  return new TF_Tensor(dtype, from.dims, memory);
}

TF_Tensor* twice(const TF_Tensor& from) {
  TF_Tensor* const result = copy(from, kFloat);
  auto* const numbers = static_cast<float*>(result->memory->data);
  for (std::size_t i = 0; i < result->memory->bytes / sizeof(float); ++i) {
    numbers[i] *= 2;
  }
  return result;
}

TF_Tensor* compute(const std::string& op, TF_Tensor* const* inputs, TF_Status* status) {
  if (op == "runs") return number(control().runs);
  if (op == "same") return inputs[0]->alias();
  if (op == "twice") return twice(*inputs[0]);
  if (op == "thrice_as_many") return copy(*inputs[0], kInt64);
  if (op == "quantized") return copy(*inputs[0], kQint8);
  if (op == "constant") {
    static TF_Tensor* const constant = [] {
      TF_Tensor* const made = number(7);
      live -= 2;  // The library's own.
      return made;
    }();
    return constant->alias();
  }
  if (op == "keep") {
    const std::lock_guard<std::mutex> lock(control().mutex);
    control().kept.push_back(inputs[0]->alias());
    return number(control().runs);
  }
  status->code = 3;
  status->message = "it cannot compute " + op;
  return nullptr;
}

// The text of a string, as the library has it.
struct Text {
  char* data;
  std::size_t size;
};

Text* text(TF_TString* string) { return reinterpret_cast<Text*>(string); }
const Text* text(const TF_TString* string) {
  return reinterpret_cast<const Text*>(string);
}

}  // namespace

extern "C" {

#define DECLARE(result, name, parameters) result name parameters;
TFN_TENSORFLOW_FUNCTIONS(DECLARE)
#undef DECLARE

const char* TF_Version() { return "2.99.0-fake"; }

TF_Status* TF_NewStatus() { return new TF_Status; }
void TF_DeleteStatus(TF_Status* status) { delete status; }
int TF_GetCode(const TF_Status* status) { return status->code; }
const char* TF_Message(const TF_Status* status) { return status->message.c_str(); }

TF_Buffer* TF_NewBuffer() {
  ++live;
  return new TF_Buffer{nullptr, 0, nullptr};
}
void TF_DeleteBuffer(TF_Buffer* buffer) {
  --live;
  delete buffer;
}

TF_Tensor* TF_NewTensor(int dtype, const std::int64_t* sizes, int rank, void* data,
                        std::size_t bytes, TF_Deallocator deallocator, void* argument) {
  if (fails("TF_NewTensor")) {
    deallocator(data, bytes, argument);
    return nullptr;
  }
  Memory* memory;
  if (dtype != kString && reinterpret_cast<std::uintptr_t>(data) % kAlignment != 0) {
    memory = allocate(bytes);
    std::memcpy(memory->data, data, bytes);
    deallocator(data, bytes, argument);
  } else {
    memory = new Memory;
    memory->data = data;
    memory->bytes = bytes;
    memory->deallocator = deallocator;
    memory->argument = argument;
  }
  return new TF_Tensor(dtype, {sizes, sizes + rank}, memory);
}

TF_Tensor* TF_AllocateTensor(int dtype, const std::int64_t* sizes, int rank,
                             std::size_t bytes) {
  if (fails("TF_AllocateTensor")) return nullptr;
  return new TF_Tensor(dtype, {sizes, sizes + rank}, allocate(bytes));
}

TF_Tensor* TF_TensorMaybeMove(TF_Tensor* tensor) {
  return tensor->memory->own && tensor->memory->users == 1 ? tensor : nullptr;
}

void TF_DeleteTensor(TF_Tensor* tensor) { delete tensor; }
int TF_TensorType(const TF_Tensor* tensor) { return tensor->dtype; }
int TF_NumDims(const TF_Tensor* tensor) {
  return static_cast<int>(tensor->dims.size());
}
std::int64_t TF_Dim(const TF_Tensor* tensor, int dimension) {
  return tensor->dims[static_cast<std::size_t>(dimension)];
}
std::size_t TF_TensorByteSize(const TF_Tensor* tensor) { return tensor->memory->bytes; }
void* TF_TensorData(const TF_Tensor* tensor) { return tensor->memory->data; }

void TF_StringInit(TF_TString* string) { *text(string) = {nullptr, 0}; }
void TF_StringCopy(TF_TString* string, const char* data, std::size_t size) {
  TF_StringDealloc(string);
  *text(string) = {static_cast<char*>(std::malloc(size + 1)), size};
  if (size > 0) std::memcpy(text(string)->data, data, size);
  ++live;
}
void TF_StringDealloc(TF_TString* string) {
  if (text(string)->data == nullptr) return;
  std::free(text(string)->data);
  TF_StringInit(string);
  --live;
}
const char* TF_StringGetDataPointer(const TF_TString* string) {
  return text(string)->data;
}
std::size_t TF_StringGetSize(const TF_TString* string) { return text(string)->size; }

TF_Graph* TF_NewGraph() { return new TF_Graph; }
void TF_DeleteGraph(TF_Graph* graph) { delete graph; }
TF_Operation* TF_GraphOperationByName(TF_Graph* graph, const char* name) {
  if (std::strncmp(name, "no_", 3) == 0) return nullptr;
  const std::lock_guard<std::mutex> lock(graph->mutex);
  TF_Operation& operation = graph->operations[name];
  operation.name = name;
  return &operation;
}
void TF_GraphGetOpDef(TF_Graph*, const char* op, TF_Buffer* op_def, TF_Status* status) {
  // One input; two; one, and a list.
  static const std::map<std::string, std::string> known = {
      {"Identity", "\x12\x03\x0a\x01x"},
      {"MatMul", "\x12\x03\x0a\x01x\x12\x03\x0a\x01y"},
      {"ConcatV2", "\x12\x03\x0a\x01x\x12\x06\x0a\x01y\x2a\x01N"}};
  const auto found = known.find(op);
  if (found == known.end()) {
    status->code = 5;
    return;
  }
  op_def->data = found->second.data();
  op_def->length = found->second.size();
}
int TF_OperationNumOutputs(TF_Operation*) { return 2; }
int TF_OperationOutputType(TF_Output) { return kFloat; }

TF_SessionOptions* TF_NewSessionOptions() { return new TF_SessionOptions; }
void TF_DeleteSessionOptions(TF_SessionOptions* options) { delete options; }
void TF_SetConfig(TF_SessionOptions*, const void* message, std::size_t size,
                  TF_Status* status) {
  if (fails("TF_SetConfig", status)) return;
  const std::lock_guard<std::mutex> lock(control().mutex);
  control().config.assign(static_cast<const char*>(message), size);
}

TF_Session* TF_NewSession(TF_Graph*, const TF_SessionOptions*, TF_Status* status) {
  return fails("TF_NewSession", status) ? nullptr : new TF_Session;
}
TF_Session* TF_LoadSessionFromSavedModel(const TF_SessionOptions*, const TF_Buffer*,
                                         const char*, const char* const*, int,
                                         TF_Graph*, TF_Buffer*, TF_Status* status) {
  return fails("TF_LoadSessionFromSavedModel", status) ? nullptr : new TF_Session;
}
void TF_CloseSession(TF_Session*, TF_Status*) {}
void TF_DeleteSession(TF_Session* session, TF_Status*) { delete session; }

void TF_SessionRun(TF_Session*, const TF_Buffer* run_options, const TF_Output*,
                   TF_Tensor* const* inputs, int, const TF_Output* outputs,
                   TF_Tensor** values, int output_count, const TF_Operation* const*,
                   int, TF_Buffer*, TF_Status* status) {
  ++control().runs;
  if (fails("TF_SessionRun", status)) return;
  if (run_options != nullptr) {
    status->code = 4;
    status->message = "it took too long";
    return;
  }
  for (int i = 0; i < output_count; ++i) {
    values[i] = compute(outputs[i].oper->name, inputs, status);
    if (status->code == 0) continue;
    for (int k = 0; k < i; ++k) delete std::exchange(values[k], nullptr);
    return;
  }
}

TF_DeviceList* TF_SessionListDevices(TF_Session*, TF_Status* status) {
  return fails("TF_SessionListDevices", status) ? nullptr : new TF_DeviceList;
}
void TF_DeleteDeviceList(TF_DeviceList* list) { delete list; }
int TF_DeviceListCount(const TF_DeviceList*) { return 1 + control().gpus; }
const char* TF_DeviceListName(const TF_DeviceList*, int index, TF_Status* status) {
  if (fails("TF_DeviceListName", status)) return nullptr;
  return index == 0 ? "/device:CPU:0" : "/device:GPU:0";
}
const char* TF_DeviceListType(const TF_DeviceList*, int index, TF_Status* status) {
  if (fails("TF_DeviceListType", status)) return nullptr;
  return index == 0 ? "CPU" : "GPU";
}
std::int64_t TF_DeviceListMemoryBytes(const TF_DeviceList*, int, TF_Status* status) {
  return fails("TF_DeviceListMemoryBytes", status) ? -1 : 1 << 20;
}

// For tests: see fake.h.

int fake_live() { return live; }
int fake_runs() { return control().runs; }
void fake_set_gpus(int count) { control().gpus = count; }
void fake_fail(const char* function, int calls, int code) {
  const std::lock_guard<std::mutex> lock(control().mutex);
  control().function = function;
  control().calls = calls;
  control().code = code;
}
const char* fake_config(std::size_t* size) {
  *size = control().config.size();
  return control().config.data();
}
void fake_let_go() {
  std::vector<TF_Tensor*> kept;
  {
    const std::lock_guard<std::mutex> lock(control().mutex);
    kept.swap(control().kept);
  }
  for (TF_Tensor* const tensor : kept) delete tensor;
}

}  // extern "C"
