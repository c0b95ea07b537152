// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "cpu_level.h"

#include <gtest/gtest.h>

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
                                  {"x86-64-v4-vnni", 4 | TFN_AVX512_VNNI}};
  tfn_artifact four = artifact();
  four.cpu_levels = levels;
  four.cpu_level_count = 4;
  EXPECT_EQ(choose_level(four, 3, "", ""), 0);
  EXPECT_EQ(choose_level(four, 3 | TFN_AVX_VNNI, "", ""), 1);
  EXPECT_EQ(choose_level(four, 4, "", ""), 2);
  EXPECT_EQ(choose_level(four, 4 | TFN_AVX_VNNI, "", ""), 2);
  EXPECT_EQ(choose_level(four, 4 | TFN_AVX_VNNI, "x86-64-v3-vnni", ""), 1);
  EXPECT_EQ(choose_level(four, 4 | TFN_AVX512_VNNI, "", ""), 3);
  EXPECT_THROW(choose_level(four, 4, "x86-64-v4-vnni", "it"), LoadError);
}

// As artifacts of C programs find it, and as the compiler does.
TEST(CpuLevel, WhatThisCpuHasIsWhatEmittedCodeFinds) {
  EXPECT_EQ(host_cpu(), tfn_host_level() | tfn_detect_features());
  EXPECT_TRUE(tfn_host_has(host_cpu()));
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
