// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// The part of TensorFlow's C API that is used, as tensorflow/c/c_api.h of versions 2.16
// and later declares it. Nothing of TensorFlow is needed to build: the functions are
// found when its library has been opened (library.h).
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" {

// Of TensorFlow's own: only pointers to them are passed on.
struct TF_DeviceList;
struct TF_Graph;
struct TF_Operation;
struct TF_Session;
struct TF_SessionOptions;
struct TF_Status;
struct TF_Tensor;

// A message, or other bytes. If `data_deallocator` is set, TF_DeleteBuffer calls it.
struct TF_Buffer {
  const void* data;
  std::size_t length;
  void (*data_deallocator)(void* data, std::size_t length);
};

// One output of an operation of a graph.
struct TF_Output {
  TF_Operation* oper;
  int index;
};

// An element of a string tensor. Its layout is TensorFlow's, its size fixed.
struct TF_TString {
  alignas(8) unsigned char opaque[24];
};

using TF_Deallocator = void (*)(void* data, std::size_t length, void* argument);
}

// Every function: result, name, parameters. Types of elements (TF_DataType) and codes
// (TF_Code) are ints.
#define TFN_TENSORFLOW_FUNCTIONS(F)                                                   \
  F(const char*, TF_Version, (void))                                                  \
  /* Status. */                                                                       \
  F(TF_Status*, TF_NewStatus, (void))                                                 \
  F(void, TF_DeleteStatus, (TF_Status*))                                              \
  F(int, TF_GetCode, (const TF_Status*))                                              \
  F(const char*, TF_Message, (const TF_Status*))                                      \
  /* Buffers. */                                                                      \
  F(TF_Buffer*, TF_NewBuffer, (void))                                                 \
  F(void, TF_DeleteBuffer, (TF_Buffer*))                                              \
  /* Tensors. */                                                                      \
  F(TF_Tensor*, TF_NewTensor,                                                         \
    (int dtype, const std::int64_t* sizes, int rank, void* data, std::size_t length,  \
     TF_Deallocator deallocator, void* argument))                                     \
  F(TF_Tensor*, TF_AllocateTensor,                                                    \
    (int dtype, const std::int64_t* sizes, int rank, std::size_t length))             \
  F(TF_Tensor*, TF_TensorMaybeMove, (TF_Tensor*))                                     \
  F(void, TF_DeleteTensor, (TF_Tensor*))                                              \
  F(int, TF_TensorType, (const TF_Tensor*))                                           \
  F(int, TF_NumDims, (const TF_Tensor*))                                              \
  F(std::int64_t, TF_Dim, (const TF_Tensor*, int dimension))                          \
  F(std::size_t, TF_TensorByteSize, (const TF_Tensor*))                               \
  F(void*, TF_TensorData, (const TF_Tensor*))                                         \
  F(void, TF_StringInit, (TF_TString*))                                               \
  F(void, TF_StringCopy, (TF_TString*, const char* text, std::size_t size))           \
  F(void, TF_StringDealloc, (TF_TString*))                                            \
  F(const char*, TF_StringGetDataPointer, (const TF_TString*))                        \
  F(std::size_t, TF_StringGetSize, (const TF_TString*))                               \
  /* Graphs. */                                                                       \
  F(TF_Graph*, TF_NewGraph, (void))                                                   \
  F(void, TF_DeleteGraph, (TF_Graph*))                                                \
  F(TF_Operation*, TF_GraphOperationByName, (TF_Graph*, const char* name))            \
  F(void, TF_GraphGetOpDef,                                                           \
    (TF_Graph*, const char* op, TF_Buffer* op_def, TF_Status*))                       \
  F(int, TF_OperationNumOutputs, (TF_Operation*))                                     \
  F(int, TF_OperationOutputType, (TF_Output))                                         \
  /* Sessions. */                                                                     \
  F(TF_SessionOptions*, TF_NewSessionOptions, (void))                                 \
  F(void, TF_DeleteSessionOptions, (TF_SessionOptions*))                              \
  F(void, TF_SetConfig,                                                               \
    (TF_SessionOptions*, const void* message, std::size_t length, TF_Status*))        \
  F(TF_Session*, TF_NewSession, (TF_Graph*, const TF_SessionOptions*, TF_Status*))    \
  F(TF_Session*, TF_LoadSessionFromSavedModel,                                        \
    (const TF_SessionOptions*, const TF_Buffer* run_options, const char* folder,      \
     const char* const* tags, int tag_count, TF_Graph*, TF_Buffer* meta_graph,        \
     TF_Status*))                                                                     \
  F(void, TF_CloseSession, (TF_Session*, TF_Status*))                                 \
  F(void, TF_DeleteSession, (TF_Session*, TF_Status*))                                \
  F(void, TF_SessionRun,                                                              \
    (TF_Session*, const TF_Buffer* run_options, const TF_Output* inputs,              \
     TF_Tensor* const* input_values, int input_count, const TF_Output* outputs,       \
     TF_Tensor** output_values, int output_count, const TF_Operation* const* targets, \
     int target_count, TF_Buffer* run_metadata, TF_Status*))                          \
  /* Devices. */                                                                      \
  F(TF_DeviceList*, TF_SessionListDevices, (TF_Session*, TF_Status*))                 \
  F(void, TF_DeleteDeviceList, (TF_DeviceList*))                                      \
  F(int, TF_DeviceListCount, (const TF_DeviceList*))                                  \
  F(const char*, TF_DeviceListName, (const TF_DeviceList*, int index, TF_Status*))    \
  F(const char*, TF_DeviceListType, (const TF_DeviceList*, int index, TF_Status*))    \
  F(std::int64_t, TF_DeviceListMemoryBytes,                                           \
    (const TF_DeviceList*, int index, TF_Status*))

namespace tfnative::internal {

// The functions of an open library.
struct TensorflowApi {
#define TFN_DECLARE(result, name, parameters) result(*name) parameters = nullptr;
  TFN_TENSORFLOW_FUNCTIONS(TFN_DECLARE)
#undef TFN_DECLARE
};

}  // namespace tfnative::internal
