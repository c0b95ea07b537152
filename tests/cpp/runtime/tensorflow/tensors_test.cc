// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "tensorflow/tensors.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "fake.h"

namespace tfnative::internal {
namespace {

using testing::Fake;
using testing::Rows;

class TensorsTest : public ::testing::Test {
 protected:
  ~TensorsTest() override { EXPECT_EQ(fake_.live(), 0); }

  std::string_view bytes_of(const TF_Tensor* tensor) const {
    return {static_cast<const char*>(api_.TF_TensorData(tensor)),
            api_.TF_TensorByteSize(tensor)};
  }
  static std::string_view bytes_of(const TensorView& view, std::size_t size) {
    return {static_cast<const char*>(view.data), size};
  }

  const Fake fake_;
  const TensorflowLibrary library_ = open_tensorflow(FAKE_TENSORFLOW);
  const TensorflowApi& api_ = library_.api();
  const std::shared_ptr<int> owner_ = std::make_shared<int>(0);
  Rows rows_{3};
};

TEST_F(TensorsTest, NumbersStayWhereTheyAreAndKeepTheirOwner) {
  auto* const lease = new InputLease(owner_);
  TF_Tensor* const tensor = make_tensor(api_, rows_.view(), lease);
  lease->release();
  EXPECT_EQ(api_.TF_TensorData(tensor), rows_.values());
  EXPECT_EQ(api_.TF_NumDims(tensor), 2);
  EXPECT_EQ(api_.TF_Dim(tensor, 0), 3);
  EXPECT_EQ(owner_.use_count(), 2);
  api_.TF_DeleteTensor(tensor);
  EXPECT_EQ(owner_.use_count(), 1);
}

TEST_F(TensorsTest, NumbersThatAreNotAlignedAreLetGoAtOnce) {
  auto* const lease = new InputLease(owner_);
  TensorView view = rows_.view();
  view.data = rows_.values() + 1;
  TF_Tensor* const tensor = make_tensor(api_, view, lease);
  lease->release();
  EXPECT_EQ(owner_.use_count(), 1);
  EXPECT_EQ(bytes_of(tensor), bytes_of(view, 24));
  api_.TF_DeleteTensor(tensor);
}

TEST_F(TensorsTest, NumbersWithoutAnOwnerAreCopied) {
  auto* const lease = new InputLease(nullptr);
  TF_Tensor* const tensor = make_tensor(api_, rows_.view(), lease);
  lease->release();
  EXPECT_NE(api_.TF_TensorData(tensor), rows_.values());
  EXPECT_EQ(bytes_of(tensor), bytes_of(rows_.view(), 24));
  api_.TF_DeleteTensor(tensor);
}

TEST_F(TensorsTest, BooleansAreCopiedWhereTheyAreNeitherZeroNorOne) {
  alignas(64) const unsigned char plain[] = {0, 1, 1}, others[] = {0, 1, 2};
  const std::int64_t shape[] = {3};
  for (const unsigned char* const data : {plain, others}) {
    auto* const lease = new InputLease(owner_);
    TF_Tensor* const tensor = make_tensor(api_, {data, DType::kBool, shape}, lease);
    lease->release();
    EXPECT_EQ(api_.TF_TensorData(tensor) == data, data == plain);
    EXPECT_EQ(bytes_of(tensor), std::string_view("\0\1\1", 3));
    api_.TF_DeleteTensor(tensor);
    const Tensor copy = copy_tensor(api_, {data, DType::kBool, shape});
    EXPECT_EQ(bytes_of(copy.view(), 3), std::string_view("\0\1\1", 3));
  }
}

TEST_F(TensorsTest, OfNoElementsNeedNoMemory) {
  for (const DType dtype : {DType::kFloat32, DType::kString}) {
    const std::int64_t shape[] = {2, 0};
    auto* const lease = new InputLease(owner_);
    TF_Tensor* const tensor = make_tensor(api_, {nullptr, dtype, shape}, lease);
    lease->release();
    EXPECT_EQ(api_.TF_TensorByteSize(tensor), 0u);
    const Tensor taken = take_tensor(api_, tensor);
    EXPECT_EQ(taken.bytes(), 0u);
    ASSERT_EQ(taken.shape().size(), 2u);
    EXPECT_EQ(taken.shape()[0], 2);
    EXPECT_EQ(copy_tensor(api_, taken.view()).bytes(), 0u);
  }
}

TEST_F(TensorsTest, StringsAreCopiedWhateverTheirBytes) {
  const std::string longest(100000, 'x');
  std::string zero("a\0b", 3);
  const StringView strings[] = {
      {zero.data(), zero.size()}, {nullptr, 0}, {longest.data(), longest.size()}};
  const std::int64_t shape[] = {3};
  auto* const lease = new InputLease(owner_);
  TF_Tensor* const made = make_tensor(api_, {strings, DType::kString, shape}, lease);
  lease->release();
  EXPECT_EQ(owner_.use_count(), 1);
  zero = "changed";
  const Tensor tensor = take_tensor(api_, made);
  const Tensor copy = copy_tensor(api_, tensor.view());
  for (const Tensor* const each : {&tensor, &copy}) {
    EXPECT_EQ(each->bytes(), 3 * sizeof(StringView));
    const auto* const found = static_cast<const StringView*>(each->data());
    EXPECT_EQ(std::string_view(found[0].data, found[0].size),
              std::string_view("a\0b", 3));
    EXPECT_EQ(found[1].size, 0u);
    EXPECT_EQ(std::string_view(found[2].data, found[2].size), longest);
  }
}

TEST_F(TensorsTest, OutputsAreTakenAsTheyAreIfNobodyElseHasThem) {
  auto* const lease = new InputLease(nullptr);
  TF_Tensor* const made = make_tensor(api_, rows_.view(), lease);
  lease->release();
  void* const data = api_.TF_TensorData(made);
  const Tensor tensor = take_tensor(api_, made);
  EXPECT_EQ(tensor.data(), data);
}

// TensorFlow may give an input back as an output. What is written to that must not
// reach the caller's memory.
TEST_F(TensorsTest, OutputsInMemoryOfTheCallersAreCopied) {
  auto* const lease = new InputLease(owner_);
  TF_Tensor* const made = make_tensor(api_, rows_.view(), lease);
  lease->release();
  const Tensor tensor = take_tensor(api_, made);
  EXPECT_NE(tensor.data(), rows_.values());
  EXPECT_EQ(bytes_of(tensor.view(), 24), bytes_of(rows_.view(), 24));
  EXPECT_EQ(owner_.use_count(), 1);
}

TEST_F(TensorsTest, WithoutMemoryThereAreNone) {
  const StringView string[] = {{"a", 1}};
  const std::int64_t shape[] = {1};
  for (const TensorView& view :
       {rows_.view(), TensorView{string, DType::kString, shape}}) {
    auto* const lease = new InputLease(owner_);
    fake_.fail("TF_NewTensor", 0);
    EXPECT_EQ(make_tensor(api_, view, lease), nullptr);
    lease->release();
    EXPECT_EQ(owner_.use_count(), 1);
  }
  fake_.fail("TF_AllocateTensor", 0);
  EXPECT_EQ(testing::thrown([&] { copy_tensor(api_, rows_.view()); }).code,
            Code::kResourceExhausted);
}

TEST_F(TensorsTest, OfATypeThatWeDoNotHaveAreRefused) {
  const std::int64_t shape[] = {4};
  TF_Tensor* const qint8 = api_.TF_AllocateTensor(11, shape, 1, 4);
  EXPECT_EQ(testing::thrown([&] { take_tensor(api_, qint8); }).code,
            Code::kUnimplemented);
}

}  // namespace
}  // namespace tfnative::internal
