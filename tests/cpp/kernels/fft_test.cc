// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <complex>

#include "reference.h"

namespace tfnative::testing {
namespace {

using Complex = std::complex<double>;

std::vector<Complex> transform(const std::vector<Complex>& signal, int sign) {
  const double turn = 2 * std::acos(-1.0) / static_cast<double>(signal.size());
  std::vector<Complex> spectrum;
  for (std::size_t f = 0; f < signal.size(); ++f) {
    Complex sum;
    for (std::size_t t = 0; t < signal.size(); ++t) {
      sum += signal[t] * std::polar(1.0, sign * turn * static_cast<double>(f * t));
    }
    spectrum.push_back(sum);
  }
  return spectrum;
}

TEST(Fft, AnyLengthInBothDirections) {
  for (std::int64_t n : {1, 2, 3, 4, 7, 8, 12, 15, 31, 64}) {
    std::vector<Complex> signal, out(static_cast<std::size_t>(n));
    for (std::int64_t i = 0; i < n; ++i) {
      signal.push_back({std::sin(static_cast<double>(i)), static_cast<double>(i % 3)});
    }
    Aligned<char> scratch(TFN_FFT_SCRATCH_BYTES(n, 1, 1, 16));
    for (int kind : {TFN_FFT, TFN_IFFT}) {
      const tfn_fft p = {kind, 1, 1, {n, 1, 1}};
      TFN_KERNEL(fft_f64)(&p, signal.data(), out.data(), scratch.data());
      const auto expected = transform(signal, kind == TFN_FFT ? -1 : 1);
      const double scale = kind == TFN_FFT ? 1 : static_cast<double>(n);
      for (std::size_t i = 0; i < out.size(); ++i) {
        EXPECT_NEAR(std::abs(out[i] * scale - expected[i]), 0, 1e-11) << n;
      }
    }
  }
}

TEST(Fft, RealTransformsInvertEachOther) {
  for (std::int64_t n : {1, 2, 5, 6, 16}) {
    const std::int64_t rows = 3, half = n / 2 + 1;
    Aligned<float> signal(2 * rows * n), spectrum(2 * rows * half * 2),
        back(signal.size());
    fill(signal, 8);
    Aligned<char> scratch(TFN_FFT_SCRATCH_BYTES(rows, n, 1, 8));
    tfn_fft p = {TFN_RFFT, 2, 2, {rows, n, 1}};
    TFN_KERNEL(fft_f32)(&p, signal.data(), spectrum.data(), scratch.data());
    p.kind = TFN_IRFFT;
    TFN_KERNEL(fft_f32)(&p, spectrum.data(), back.data(), scratch.data());
    for (std::int64_t i = 0; i < signal.size(); ++i) {
      EXPECT_NEAR(signal[i], back[i], 1e-6) << n << " at " << i;
    }
  }
}

}  // namespace
}  // namespace tfnative::testing
