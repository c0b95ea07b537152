// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "cpu_level.h"

#include <gtest/gtest.h>

#if defined(__linux__)
#include <signal.h>
#include <unistd.h>
#endif

#include "../kernels/cpu_level.h"
#include "tfnative/error.hpp"
#include "tfnative/model.hpp"

namespace tfnative::internal {
namespace {

const tfn_cpu_level kLevels[] = {{"x86-64-v2", 2}, {"x86-64-v3", 3}, {"x86-64-v4", 4}};

tfn_artifact artifact() {
  tfn_artifact result = {};
  result.name = "digits";
  result.cpu_levels = kLevels;
  result.cpu_level_count = 3;
  return result;
}

constexpr std::int32_t kWithAmx = 4 | TFN_AVX512_VNNI | TFN_AMX_INT8;

std::string message_of(std::int32_t host, const std::string& requested) {
  try {
    choose_level(artifact(), host, requested, "TFNATIVE_CPU_LEVEL");
  } catch (const LoadError& error) {
    return error.what();
  }
  return "";
}

TEST(CpuLevel, TheBestOneThatRunsIsChosen) {
  EXPECT_EQ(choose_level(artifact(), 2, "", ""), 0);
  EXPECT_EQ(choose_level(artifact(), 3, "", ""), 1);
  EXPECT_EQ(choose_level(artifact(), 4, "", ""), 2);
  EXPECT_EQ(choose_level(artifact(), 4, "x86-64-v2", ""), 0);
}

TEST(CpuLevel, TheHostsBestOneCanBeAskedFor) {
  const tfn_artifact all = artifact();
  const std::string host = host_cpu_level();
  if (host_x86_level() < 2) GTEST_SKIP() << "this is " << host;
  EXPECT_EQ(host, kLevels[choose_level(all, host_x86_level(), "", "")].name);
}

TEST(CpuLevel, ALevelWithAFeatureRunsWhereTheCpuHasBoth) {
  const tfn_cpu_level levels[] = {{"x86-64-v3", 3},
                                  {"x86-64-v3-vnni", 3 | TFN_AVX_VNNI},
                                  {"x86-64-v4", 4},
                                  {"x86-64-v4-vnni", 4 | TFN_AVX512_VNNI},
                                  {"x86-64-v4-amx", kWithAmx}};
  tfn_artifact five = artifact();
  five.cpu_levels = levels;
  five.cpu_level_count = 5;
  EXPECT_EQ(choose_level(five, 3, "", ""), 0);
  EXPECT_EQ(choose_level(five, 3 | TFN_AVX_VNNI, "", ""), 1);
  EXPECT_EQ(choose_level(five, 4, "", ""), 2);
  EXPECT_EQ(choose_level(five, 4 | TFN_AVX_VNNI, "", ""), 2);
  EXPECT_EQ(choose_level(five, 4 | TFN_AVX_VNNI, "x86-64-v3-vnni", ""), 1);
  EXPECT_EQ(choose_level(five, 4 | TFN_AVX512_VNNI, "", ""), 3);
  EXPECT_EQ(choose_level(five, kWithAmx, "", ""), 4);
  EXPECT_THROW(choose_level(five, 4, "x86-64-v4-vnni", "it"), LoadError);
}

#if defined(__linux__)

const tfn_cpu_level kTwoLevels[] = {{"x86-64-v4-vnni", 4 | TFN_AVX512_VNNI},
                                    {"x86-64-v4-amx", kWithAmx}};

// Whether the matrix unit is left to code that has a level for it, after a stack for
// signals was set that is too small for its registers: Linux then refuses it.
bool has_amx(const std::string& requested, bool has_small_stack) {
  alignas(64) static char small[4096];
  stack_t stack = {};
  stack.ss_sp = small;
  stack.ss_size = sizeof small;
  if (has_small_stack && sigaltstack(&stack, nullptr) != 0) return true;
  tfn_artifact two = artifact();
  two.cpu_levels = kTwoLevels;
  two.cpu_level_count = 2;
  const std::int32_t host = host_cpu_for(two, requested);
  return host == host_cpu() && (host & TFN_AMX_INT8) != 0;
}

TEST(CpuLevelDeathTest, TheMatrixUnitIsTakenWhereLinuxGivesThePermission) {
  if ((host_cpu() & TFN_AMX_INT8) == 0) GTEST_SKIP() << "this CPU has no AMX-INT8";
  // In processes of their own, since a permission stays.
  EXPECT_EXIT(_exit(has_amx("", true) ? 1 : 0), testing::ExitedWithCode(0), "");
  EXPECT_EXIT(_exit(has_amx("x86-64-v4-vnni", false) ? 1 : 0),
              testing::ExitedWithCode(0), "");
  EXPECT_EXIT(_exit(has_amx("", false) ? 1 : 0), testing::ExitedWithCode(1), "");
}

TEST(CpuLevel, WithoutCodeForTheMatrixUnitNobodyAsksForIt) {
  EXPECT_EQ(host_cpu_for(artifact(), ""), host_cpu() & ~TFN_AMX_INT8);
}

#endif

// As artifacts of C programs find it, and as the compiler does.
TEST(CpuLevel, WhatThisCpuHasIsWhatEmittedCodeFinds) {
  EXPECT_EQ(host_cpu(), tfn_host_level() | tfn_detect_features());
  EXPECT_TRUE(tfn_host_has(host_cpu() & ~TFN_AMX_INT8));
  EXPECT_FALSE(tfn_host_has(host_cpu() + 1));
  EXPECT_FALSE(tfn_host_has(0x40000000));
}

TEST(CpuLevel, WhatCannotRunIsAnErrorThatSaysWhy) {
  EXPECT_NE(message_of(1, "").find("x86-64-v2, x86-64-v3, x86-64-v4"),
            std::string::npos);
  EXPECT_NE(message_of(3, "x86-64-v4").find("TFNATIVE_CPU_LEVEL asks for"),
            std::string::npos);
  EXPECT_NE(message_of(4, "avx").find("'avx'"), std::string::npos);
}

}  // namespace
}  // namespace tfnative::internal
