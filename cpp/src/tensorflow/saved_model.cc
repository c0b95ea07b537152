// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "tensorflow/saved_model.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <set>

#include "base/text.h"
#include "proto/message_reader.h"

namespace tfnative::internal {
namespace {

constexpr int kMaxRank = 254;            // TensorFlow's.
constexpr std::int64_t kRefTypes = 100;  // DT_FLOAT_REF is this and DT_FLOAT.
constexpr std::uintmax_t kMaxFileBytes = std::numeric_limits<std::int32_t>::max();

[[noreturn]] void fail(const std::string& problem) {
  throw Error(Code::kInvalidArgument, problem);
}

// TensorFlow's name of a type that we do not have.
std::string type_name(std::int64_t dtype) {
  switch (dtype) {
    case 11: return "qint8";
    case 12: return "quint8";
    case 13: return "qint32";
    case 15: return "qint16";
    case 16: return "quint16";
    case 20: return "resource";
    case 21: return "variant";
    case 24: return "float8_e5m2";
    case 25: return "float8_e4m3fn";
    case 29: return "int4";
    case 30: return "uint4";
    default: return "number " + std::to_string(dtype) + " of tensorflow.DataType";
  }
}

std::int64_t read_size(std::string_view dim) {
  std::int64_t size = 0;
  for (MessageReader reader(dim); reader.next();) {
    if (reader.is(1, WireType::kVarint)) {
      size = static_cast<std::int64_t>(reader.varint());
    }
  }
  if (size < kBatch) fail("a dimension has size " + std::to_string(size));
  return size;
}

void read_shape(std::string_view message, TensorSpec& spec) {
  for (MessageReader reader(message); reader.next();) {
    if (reader.is(2, WireType::kBytes)) {
      spec.shape.push_back(read_size(reader.bytes()));
    } else if (reader.is(3, WireType::kVarint)) {
      spec.unknown_rank = reader.varint() != 0;
    }
  }
  if (spec.shape.size() > kMaxRank) {
    fail(internal::quoted(spec.name) + " has " + std::to_string(spec.shape.size()) +
         " dimensions");
  }
  if (spec.unknown_rank) spec.shape.clear();
}

// "operation:1", or "operation" for its first output.
TensorPlace parse_place(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return {std::string(text), 0};
  const std::string_view digits = text.substr(colon + 1);
  if (digits.empty() || digits.size() > 6 ||
      digits.find_first_not_of("0123456789") != std::string_view::npos) {
    fail("a tensor has the name " + internal::quoted(text));
  }
  return {std::string(text.substr(0, colon)), std::stoi(std::string(digits))};
}

struct Tensor {
  TensorSpec spec;
  TensorPlace place;
  std::string problem;
};

// A tensorflow.TensorInfo.
Tensor read_tensor(const std::string& name, std::string_view message) {
  Tensor tensor;
  tensor.spec.name = name;
  std::int64_t dtype = 0;
  bool has_shape = false;
  for (MessageReader reader(message); reader.next();) {
    if (reader.is(1, WireType::kBytes)) {
      tensor.place = parse_place(reader.bytes());
      tensor.problem.clear();  // It is one of these: the last one counts.
    } else if (reader.is(4, WireType::kBytes)) {
      tensor.problem = "is a sparse tensor";
    } else if (reader.is(5, WireType::kBytes)) {
      tensor.problem = "is a composite tensor, as ragged ones are";
    } else if (reader.is(2, WireType::kVarint)) {
      dtype = static_cast<std::int64_t>(reader.varint());
    } else if (reader.is(3, WireType::kBytes)) {
      read_shape(reader.bytes(), tensor.spec);
      has_shape = true;
    }
  }
  if (!has_shape) tensor.spec.unknown_rank = true;
  if (dtype > kRefTypes) dtype -= kRefTypes;
  const bool fits = dtype > 0 && dtype < kRefTypes;
  tensor.spec.dtype = static_cast<DType>(fits ? dtype : 0);
  if (tensor.problem.empty() && dtype_name(tensor.spec.dtype) == nullptr) {
    tensor.problem = "has the type " + type_name(dtype);
  } else if (tensor.problem.empty() && tensor.place.operation.empty()) {
    tensor.problem = "names no tensor of the graph";
  }
  return tensor;
}

// Key and value of a map's entry.
struct Entry {
  std::string key;
  std::string_view value;
};

Entry read_entry(std::string_view message) {
  Entry entry;
  for (MessageReader reader(message); reader.next();) {
    if (reader.is(1, WireType::kBytes)) entry.key = reader.bytes();
    if (reader.is(2, WireType::kBytes)) entry.value = reader.bytes();
  }
  return entry;
}

// Of entries with the same key, the last one counts.
void sort_by_key(std::vector<Entry>& entries) {
  std::reverse(entries.begin(), entries.end());
  std::stable_sort(entries.begin(), entries.end(),
                   [](const Entry& a, const Entry& b) { return a.key < b.key; });
  const auto same = [](const Entry& a, const Entry& b) { return a.key == b.key; };
  entries.erase(std::unique(entries.begin(), entries.end(), same), entries.end());
}

void add_tensors(std::vector<Entry> entries, const char* kind,
                 std::vector<TensorSpec>& specs, std::vector<TensorPlace>& places,
                 std::string& problem) {
  sort_by_key(entries);
  for (const Entry& entry : entries) {
    Tensor tensor = read_tensor(entry.key, entry.value);
    if (!tensor.problem.empty() && problem.empty()) {
      problem =
          std::string(kind) + " " + internal::quoted(entry.key) + " " + tensor.problem;
    }
    specs.push_back(std::move(tensor.spec));
    places.push_back(std::move(tensor.place));
  }
}

// A tensorflow.SignatureDef.
SavedSignature read_signature(const Entry& entry) {
  std::vector<Entry> inputs, outputs;
  for (MessageReader reader(entry.value); reader.next();) {
    if (reader.is(1, WireType::kBytes)) inputs.push_back(read_entry(reader.bytes()));
    if (reader.is(2, WireType::kBytes)) outputs.push_back(read_entry(reader.bytes()));
  }
  SavedSignature saved;
  Signature& signature = saved.signature;
  signature.name = entry.key;
  add_tensors(std::move(inputs), "input", signature.inputs, saved.inputs,
              saved.problem);
  add_tensors(std::move(outputs), "output", signature.outputs, saved.outputs,
              saved.problem);
  if (signature.outputs.empty() && saved.problem.empty()) {
    saved.problem = "it has no outputs";
  }
  const auto has_batch = [](const TensorSpec& spec) { return spec.has_batch(); };
  signature.rows_independent =
      !signature.inputs.empty() &&
      std::all_of(signature.inputs.begin(), signature.inputs.end(), has_batch) &&
      std::all_of(signature.outputs.begin(), signature.outputs.end(), has_batch);
  return saved;
}

std::vector<std::string> read_tags(std::string_view meta_info) {
  std::vector<std::string> tags;
  for (MessageReader reader(meta_info); reader.next();) {
    if (reader.is(4, WireType::kBytes)) tags.emplace_back(reader.bytes());
  }
  return tags;
}

// What TensorFlow runs by itself when it loads a model.
bool is_internal(const std::string& signature) {
  return signature.rfind("__saved_model_", 0) == 0;
}

// A tensorflow.MetaGraphDef.
MetaGraph read_meta_graph(std::string_view message) {
  MetaGraph graph;
  std::vector<Entry> signatures;
  for (MessageReader reader(message); reader.next();) {
    if (reader.type() != WireType::kBytes) continue;
    switch (reader.field()) {
      case 1: graph.tags = read_tags(reader.bytes()); break;
      case 2: graph.graph = reader.bytes(); break;
      case 5: signatures.push_back(read_entry(reader.bytes())); break;
      default: break;
    }
  }
  sort_by_key(signatures);
  for (const Entry& entry : signatures) {
    if (!is_internal(entry.key)) graph.signatures.push_back(read_signature(entry));
  }
  return graph;
}

std::string tags_text(const std::vector<std::string>& tags) {
  return "(" + joined(tags) + ")";
}

[[noreturn]] void fail_load(const std::string& folder, const std::string& problem,
                            Code code = Code::kFailedPrecondition) {
  throw LoadError(
      "cannot load the SavedModel " + internal::quoted(folder) + ": " + problem, code);
}

}  // namespace

std::vector<MetaGraph> read_meta_graphs(std::string_view saved_model) {
  std::vector<MetaGraph> graphs;
  for (MessageReader reader(saved_model); reader.next();) {
    if (reader.is(2, WireType::kBytes)) {
      graphs.push_back(read_meta_graph(reader.bytes()));
    }
  }
  return graphs;
}

std::string read_saved_model_file(const std::string& folder) {
  namespace fs = std::filesystem;
  std::error_code error;
  if (!fs::exists(folder, error)) {
    fail_load(folder, "there is no such folder", Code::kNotFound);
  }
  const fs::path file = fs::path(folder) / "saved_model.pb";
  const std::uintmax_t size = fs::file_size(file, error);
  if (error) {
    for (const char* other : {"saved_model.pbtxt", "saved_model.cpb"}) {
      if (fs::exists(fs::path(folder) / other)) {
        fail_load(folder, std::string("its graph is in ") + other +
                              ", and only saved_model.pb is read");
      }
    }
    fail_load(folder, "it has no saved_model.pb: it is not a SavedModel");
  }
  if (size > kMaxFileBytes) fail_load(folder, "saved_model.pb is larger than 2 GiB");
  std::string content(static_cast<std::size_t>(size), '\0');
  std::ifstream stream(file, std::ios::binary);
  stream.read(content.data(), static_cast<std::streamsize>(content.size()));
  if (!stream) {
    fail_load(folder,
              std::string("saved_model.pb cannot be read: ") + std::strerror(errno));
  }
  return content;
}

MetaGraph find_meta_graph(std::vector<MetaGraph> graphs,
                          const std::vector<std::string>& tags) {
  const std::set<std::string> wanted(tags.begin(), tags.end());
  std::vector<std::string> found;
  for (MetaGraph& graph : graphs) {
    if (std::set<std::string>(graph.tags.begin(), graph.tags.end()) == wanted) {
      return std::move(graph);
    }
    found.push_back(tags_text(graph.tags));
  }
  throw LoadError("there is no graph with the tags " + tags_text(tags) +
                      "; there are " + (found.empty() ? "none" : joined(found)),
                  Code::kNotFound);
}

}  // namespace tfnative::internal
