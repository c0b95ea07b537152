// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// The bytes were compared with what tensorflow.ConfigProto reads from them.
#include "tensorflow/config.h"

#include <gtest/gtest.h>

#include <string>

#include "tfnative/error.hpp"

namespace tfnative::internal {
namespace {

using namespace std::string_literals;

const std::string kSoftPlacement = "\x38\x01"s;

TEST(ConfigMessage, OfNoOptionsIsSoftPlacementAlone) {
  EXPECT_EQ(config_message({}), kSoftPlacement);
}

TEST(ConfigMessage, TakesAllGpusAwayForTheCpu) {
  const std::string no_gpus = "\x0a\x07\x0a\x03GPU\x10\x00"s + kSoftPlacement;
  TensorflowOptions options;
  options.device = "cpu";
  EXPECT_EQ(config_message(options), no_gpus);
  options.device = "";
  options.visible_gpus.emplace();
  EXPECT_EQ(config_message(options), no_gpus);
}

TEST(ConfigMessage, HasTheGpusAndTheirMemory) {
  TensorflowOptions options;
  options.device = "gpu:3";
  EXPECT_EQ(config_message(options), "\x32\x03\x2a\x01\x33"s + kSoftPlacement);
  options.device = "gpu";
  options.visible_gpus = {2, 0};
  options.gpu_memory_fraction = 0.5;
  options.gpu_memory_growth = false;
  EXPECT_EQ(config_message(options),
            "\x32\x10"
            "\x09\x00\x00\x00\x00\x00\x00\xe0\x3f"
            "\x20\x00"
            "\x2a\x03\x32,0"s +
                kSoftPlacement);
}

TEST(ConfigMessage, HasTheThreads) {
  TensorflowOptions options;
  options.intra_op_threads = 300;
  options.inter_op_threads = 2;
  EXPECT_EQ(config_message(options), "\x10\xac\x02\x28\x02\x48\x01"s + kSoftPlacement);
  options.intra_op_threads.reset();
  options.inter_op_threads = -1;
  EXPECT_EQ(config_message(options),
            "\x28\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"s + kSoftPlacement);
}

TEST(ConfigMessage, HasTheCompilerAndThePrecision) {
  TensorflowOptions options;
  options.xla = true;
  EXPECT_EQ(config_message(options),
            kSoftPlacement + "\x52\x06\x1a\x04\x28\x01\x38\x01"s);
  options.xla = false;
  options.mixed_precision = "float16";
  EXPECT_EQ(config_message(options),
            kSoftPlacement +
                "\x52\x14\x1a\x0d\x28\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x38\x00"
                "\x52\x03\xb8\x01\x01"s);
  options.xla.reset();
  options.mixed_precision = "bfloat16";
  EXPECT_EQ(config_message(options), kSoftPlacement + "\x52\x05\x52\x03\xf8\x01\x01"s);
}

void expect_refused(const TensorflowOptions& options, const std::string& part) {
  try {
    config_message(options);
    FAIL() << "expected to hear of " << part;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::kInvalidArgument);
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
  }
}

TEST(ConfigMessage, IsNotMadeOfOptionsWithoutSense) {
  const auto with = [](auto change) {
    TensorflowOptions options;
    change(options);
    return options;
  };
  for (const char* device : {"GPU", "gpu:", "gpu:x", "gpu:-1", "gpu:12345", "tpu"}) {
    expect_refused(with([&](auto& o) { o.device = device; }), "device must be");
  }
  for (const double fraction : {0.0, -0.5, 1.5, std::stod("nan")}) {
    expect_refused(with([&](auto& o) { o.gpu_memory_fraction = fraction; }),
                   "gpu_memory_fraction");
  }
  for (const int threads : {0, -1, 1025}) {
    expect_refused(with([&](auto& o) { o.intra_op_threads = threads; }),
                   "intra_op_threads must be 1 to 1024");
  }
  for (const int threads : {0, -2, 1025}) {
    expect_refused(with([&](auto& o) { o.inter_op_threads = threads; }), "or -1");
  }
  for (const std::vector<int>& gpus : {std::vector<int>{-1}, {1, 1}, {1024}}) {
    expect_refused(with([&](auto& o) { o.visible_gpus = gpus; }), "visible_gpus");
  }
  expect_refused(with([](auto& o) { o.mixed_precision = "float8"; }), "'float8'");
}

TEST(ConfigMessage, HasTheLargestNumberOfAGpu) {
  TensorflowOptions options;
  options.visible_gpus = {1023};
  EXPECT_NE(config_message(options).find("1023"), std::string::npos);
}

TEST(ConfigMessage, IsNotMadeOfOptionsThatContradictEachOther) {
  TensorflowOptions options;
  options.device = "gpu:1";
  options.visible_gpus = {0};
  expect_refused(options, "leave out visible_gpus");
  options.device = "gpu";
  options.visible_gpus->clear();
  expect_refused(options, "visible_gpus is empty");
}

TEST(RunOptionsMessage, HasMillisecondsRoundedUp) {
  EXPECT_EQ(run_options_message(0), "\x10\x01"s);
  EXPECT_EQ(run_options_message(1), "\x10\x01"s);
  EXPECT_EQ(run_options_message(300001), "\x10\xad\x02"s);
  EXPECT_EQ(run_options_message(INT64_MAX - 1), "\x10\xff\xff\xff\xff\x07"s);
}

}  // namespace
}  // namespace tfnative::internal
