// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "cpu_level.h"

#include <vector>

#include "base/text.h"
#include "tfnative/error.hpp"

#if defined(__x86_64__)
#include <cpuid.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#elif defined(__aarch64__) && defined(__APPLE__)
#include <sys/sysctl.h>
#endif

namespace tfnative::internal {
namespace {

#if defined(__x86_64__)

constexpr unsigned bits() { return 0; }
template <typename... Rest>
constexpr unsigned bits(unsigned bit, Rest... rest) {
  return 1u << bit | bits(rest...);
}

bool has(unsigned word, unsigned mask) { return (word & mask) == mask; }

// The register sets that the operating system saves when it switches threads.
unsigned saved_registers() {
  unsigned low, high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

// The feature lists of the psABI ("Micro-Architecture Levels").
std::int32_t detect() {
  // SSE3, SSSE3, CMPXCHG16B, SSE4.1, SSE4.2, POPCNT; LAHF-SAHF.
  constexpr unsigned kV2 = bits(0, 9, 13, 19, 20, 23), kV2Extended = bits(0);
  // FMA, MOVBE, OSXSAVE, AVX, F16C; LZCNT; BMI1, AVX2, BMI2.
  constexpr unsigned kV3 = bits(12, 22, 27, 28, 29), kV3Extended = bits(5);
  constexpr unsigned kV3Leaf7 = bits(3, 5, 8);
  // AVX512F, DQ, CD, BW, VL.
  constexpr unsigned kV4Leaf7 = bits(16, 17, 28, 30, 31);
  constexpr unsigned kYmm = bits(1, 2), kZmm = bits(1, 2, 5, 6, 7);

  unsigned a, b, c, d, leaf1, extended, leaf7;
  if (!__get_cpuid(1, &a, &b, &leaf1, &d)) return 1;
  if (!__get_cpuid(0x80000001u, &a, &b, &extended, &d)) return 1;
  if (!has(leaf1, kV2) || !has(extended, kV2Extended)) return 1;
  if (!has(leaf1, kV3) || !has(extended, kV3Extended)) return 2;
  if (!__get_cpuid_count(7, 0, &a, &leaf7, &c, &d)) return 2;
  const unsigned saved = saved_registers();
  if (!has(leaf7, kV3Leaf7) || !has(saved, kYmm)) return 2;
  return has(leaf7, kV4Leaf7) && has(saved, kZmm) ? 4 : 3;
}

std::int32_t detect_features(std::int32_t level) {
  constexpr unsigned kAvx512Vnni = bits(11), kAvxVnni = bits(4);
  constexpr unsigned kAmx = bits(24, 25), kTiles = bits(17, 18);
  unsigned subleaves, a, b, c, d;
  if (level < 3 || !__get_cpuid_count(7, 0, &subleaves, &b, &c, &d)) return 0;
  std::int32_t features = level >= 4 && has(c, kAvx512Vnni) ? TFN_AVX512_VNNI : 0;
  if (level >= 4 && has(d, kAmx) && has(saved_registers(), kTiles)) {
    features |= TFN_AMX_INT8;
  }
  if (subleaves >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d) && has(a, kAvxVnni)) {
    features |= TFN_AVX_VNNI;
  }
  return features;
}

constexpr const char* kMachine = "x86-64";

#else

std::int32_t detect() { return 0; }

std::int32_t detect_features(std::int32_t) {
#if defined(__aarch64__) && defined(__linux__)
  constexpr unsigned long kDotProduct = 1ul << 20;  // HWCAP_ASIMDDP
  constexpr unsigned long kPairs = 1ul << 13;       // HWCAP2_I8MM
  return ((getauxval(AT_HWCAP) & kDotProduct) != 0 ? TFN_DOTPROD : 0) |
         ((getauxval(AT_HWCAP2) & kPairs) != 0 ? TFN_I8MM : 0);
#elif defined(__aarch64__) && defined(__APPLE__)
  const auto has = [](const char* name) {
    std::int32_t present = 0;
    std::size_t bytes = sizeof present;
    return sysctlbyname(name, &present, &bytes, nullptr, 0) == 0 && present != 0;
  };
  return (has("hw.optional.arm.FEAT_DotProd") ? TFN_DOTPROD : 0) |
         (has("hw.optional.arm.FEAT_I8MM") ? TFN_I8MM : 0);
#else
  return 0;
#endif
}

#if defined(__aarch64__)
constexpr const char* kMachine = "aarch64";
#else
constexpr const char* kMachine = "this machine";
#endif

#endif

std::string names(const tfn_artifact& artifact) {
  std::vector<std::string> result;
  for (std::int32_t i = 0; i < artifact.cpu_level_count; ++i) {
    result.emplace_back(artifact.cpu_levels[i].name);
  }
  return joined(result);
}

bool has_all(std::int32_t host, std::int32_t needs) {
  return (needs & TFN_PSABI_LEVEL) <= (host & TFN_PSABI_LEVEL) &&
         (needs & ~TFN_PSABI_LEVEL & ~host) == 0;
}

[[noreturn]] void fail(const tfn_artifact& artifact, const std::string& problem) {
  throw LoadError("cannot run model " + quoted(artifact.name) + ": " + problem +
                  "; it has code for " + names(artifact));
}

}  // namespace

std::int32_t host_x86_level() noexcept {
  static const std::int32_t level = detect();
  return level;
}

std::int32_t host_cpu() noexcept {
  static const std::int32_t cpu = host_x86_level() | detect_features(host_x86_level());
  return cpu;
}

namespace {

// Whether Linux gives the permission to use the matrix unit.
bool may_use_amx() {
#if defined(__x86_64__) && defined(__linux__)
  constexpr long kAsk = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM
  return syscall(SYS_arch_prctl, kAsk, kTileData) == 0;
#else
  return false;
#endif
}

}  // namespace

std::int32_t host_cpu_for(const tfn_artifact& artifact, const std::string& requested) {
  const std::int32_t host = host_cpu();
  if ((host & TFN_AMX_INT8) == 0) return host;
  for (std::int32_t i = 0; i < artifact.cpu_level_count; ++i) {
    const tfn_cpu_level& level = artifact.cpu_levels[i];
    const bool asked = requested.empty() || requested == level.name;
    if (asked && (level.x86_level & TFN_AMX_INT8) != 0 && may_use_amx()) return host;
  }
  return host & ~TFN_AMX_INT8;
}

// Found as the library is loaded: a thread that finds it may not be in a child of
// fork().
[[maybe_unused]] const std::int32_t found_early = host_cpu();

std::string host_level_name() {
  const std::int32_t level = host_x86_level();
  std::string name = kMachine;
  return level > 1 ? name + "-v" + std::to_string(level) : name;
}

std::int32_t choose_level(const tfn_artifact& artifact, std::int32_t host,
                          const std::string& requested,
                          const std::string& requested_by) {
  std::int32_t best = -1;
  for (std::int32_t i = 0; i < artifact.cpu_level_count; ++i) {
    const tfn_cpu_level& level = artifact.cpu_levels[i];
    const bool runs = has_all(host, level.x86_level);
    if (requested == level.name) {
      if (runs) return i;
      fail(artifact, requested_by + " asks for CPU level " + quoted(requested) +
                         ", this CPU has " + host_level_name());
    }
    if (runs) best = i;  // Levels are ascending.
  }
  if (!requested.empty()) {
    fail(artifact, requested_by + " asks for CPU level " + quoted(requested));
  }
  if (best < 0) fail(artifact, "this CPU has " + host_level_name());
  return best;
}

}  // namespace tfnative::internal
