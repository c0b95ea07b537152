// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "tfnative/model.hpp"

#include <cstdlib>

#include "base/text.h"
#include "cpu_level.h"
#include "library.h"
#include "runner.h"
#include "workspace.h"

namespace tfnative {

using internal::quoted;

struct Model::Impl {
  Impl(const std::string& path, const LoadOptions& options,
       const std::string& requested, const std::string& requested_by);

  const internal::Runner& runner(const Signature& signature) const;

  const internal::Library library;
  const std::string name, triple;
  const std::int32_t level;
  const std::string level_name;
  const ThreadPool threads;
  // Members below refer to those above.
  mutable internal::WorkspacePool pool;
  std::vector<std::unique_ptr<const internal::Runner>> runners;
  std::vector<Signature> signatures;
};

Model::Impl::Impl(const std::string& path, const LoadOptions& options,
                  const std::string& requested, const std::string& requested_by)
    : library(path, {options.verify, options.map_in_place, options.inspect}),
      name(library.artifact().name),
      triple(library.artifact().triple),
      level(internal::choose_level(
          library.artifact(), internal::host_cpu_for(library.artifact(), requested),
          requested, requested_by)),
      level_name(library.artifact().cpu_levels[level].name),
      threads(options.threads) {
  const tfn_artifact& artifact = library.artifact();
  for (std::int32_t i = 0; i < artifact.signature_count; ++i) {
    runners.push_back(std::make_unique<const internal::Runner>(
        name, artifact, artifact.signatures[i], level, pool, threads));
    const Signature& signature = runners.back()->signature();
    if (!runners.back()->has_code()) {
      throw LoadError("cannot run model " + quoted(name) + ": signature " +
                      quoted(signature.name) + " has no code for " + level_name);
    }
    signatures.push_back(signature);
  }
}

const internal::Runner& Model::Impl::runner(const Signature& signature) const {
  const Signature* const first = signatures.data();
  if (&signature < first || &signature >= first + signatures.size()) {
    throw Error(Code::kInvalidArgument,
                "model " + quoted(name) + ": signature " + quoted(signature.name) +
                    " is not one of this model's own; get it from signature()");
  }
  return *runners[static_cast<std::size_t>(&signature - first)];
}

std::string host_cpu_level() { return internal::host_level_name(); }

Model::Model(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

Model Model::load(const std::string& path, const LoadOptions& options) {
  if (options.map_in_place && options.inspect) {
    throw Error(Code::kInvalidArgument,
                "files that are mapped in place can change after they were inspected: "
                "map_in_place and inspect exclude each other");
  }
  std::string requested = options.cpu_level;
  std::string requested_by = "the caller";
  if (requested.empty()) {
    if (const char* const variable = std::getenv("TFNATIVE_CPU_LEVEL")) {
      requested = variable;
      requested_by = "TFNATIVE_CPU_LEVEL";
    }
  }
  return Model(std::make_shared<const Impl>(path, options, requested, requested_by));
}

const std::string& Model::name() const noexcept { return impl_->name; }
const std::string& Model::library_path() const noexcept {
  return impl_->library.file();
}
const std::string& Model::cpu_level() const noexcept { return impl_->level_name; }
const std::string& Model::triple() const noexcept { return impl_->triple; }
std::string_view Model::manifest() const noexcept {
  const tfn_artifact& artifact = impl_->library.artifact();
  return {artifact.manifest, static_cast<std::size_t>(artifact.manifest_bytes)};
}
const tfn_artifact* Model::artifact() const noexcept {
  return &impl_->library.artifact();
}
const std::vector<Signature>& Model::signatures() const noexcept {
  return impl_->signatures;
}

const Signature& Model::signature(std::string_view name) const {
  std::vector<std::string> names;
  for (const Signature& signature : impl_->signatures) {
    if (signature.name == name) return signature;
    names.push_back(signature.name);
  }
  throw Error(Code::kInvalidArgument, "model " + quoted(impl_->name) +
                                          " has no signature " + quoted(name) +
                                          "; it has " + internal::joined(names));
}

const Signature& Model::default_signature() const {
  if (impl_->signatures.size() == 1) return impl_->signatures[0];
  return signature(kDefaultSignature);
}

std::int64_t Model::count_rows(const Signature& signature,
                               Span<const TensorView> inputs) const {
  return impl_->runner(signature).count_rows(inputs);
}

void Model::run(const Signature& signature, Span<const TensorView> inputs,
                Span<const MutableTensorView> outputs) const {
  impl_->runner(signature).run(inputs, outputs, {});
}

void Model::run_compiled(const Signature& signature, Span<const TensorView> inputs,
                         Span<const MutableTensorView> outputs) const {
  internal::RunOptions options;
  options.compiled_sizes_only = true;
  impl_->runner(signature).run(inputs, outputs, options);
}

std::vector<StepEvent> Model::profile(const Signature& signature,
                                      Span<const TensorView> inputs,
                                      Span<const MutableTensorView> outputs) const {
  std::vector<StepEvent> events;
  internal::RunOptions options;
  options.events = &events;
  impl_->runner(signature).run(inputs, outputs, options);
  return events;
}

std::string_view Model::steps(const Signature& signature,
                              std::int64_t batch_size) const {
  const tfn_variant* const variant = impl_->runner(signature).variant(batch_size);
  return variant != nullptr && variant->steps != nullptr ? variant->steps : "";
}

int Model::threads() const noexcept { return impl_->threads.threads(); }

std::size_t Model::workspace_bytes(const Signature& signature,
                                   std::int64_t batch_size) const {
  const internal::Runner& runner = impl_->runner(signature);
  if (const tfn_variant* const variant = runner.variant(batch_size)) {
    return runner.workspace_bytes(*variant);
  }
  throw Error(Code::kInvalidArgument,
              "model " + quoted(impl_->name) + ", signature " + quoted(signature.name) +
                  ": it was not compiled for batch size " + std::to_string(batch_size));
}

std::int64_t Model::expected_nanos(const Signature& signature,
                                   std::int64_t rows) const noexcept {
  const Signature* const first = impl_->signatures.data();
  if (&signature < first || &signature >= first + impl_->signatures.size()) return 0;
  return impl_->runners[static_cast<std::size_t>(&signature - first)]->expected_nanos(
      rows);
}

void Model::warmup() const {
  for (const auto& runner : impl_->runners) runner->warmup();
}

}  // namespace tfnative
