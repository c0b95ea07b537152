// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Discrete Fourier transforms of any length: a mixed-radix Stockham transform whose
// butterflies are plain sums, so that a length costs n times the sum of its prime
// factors. Twiddle factors are computed once per call, in double precision.

#include <math.h>
#include <string.h>

#include "kernels.h"

namespace {

template <typename T>
struct Complex {
  T re, im;
};

template <typename T>
inline Complex<T> multiply_add(Complex<T> sum, Complex<T> a, Complex<T> b) {
  return {sum.re + a.re * b.re - a.im * b.im, sum.im + a.re * b.im + a.im * b.re};
}

// A one-dimensional transform of one length and direction, not scaled.
template <typename T>
class Line {
 public:
  // `memory` holds 3 * n numbers: a table, the line itself and a second buffer.
  Line(int64_t n, bool inverse, Complex<T>* memory) : n_(n), table_(memory) {
    const double turn = (inverse ? 2 : -2) * 3.14159265358979323846 / (double)n;
    for (int64_t i = 0; i < n; ++i)
      table_[i] = {(T)cos(turn * (double)i), (T)sin(turn * (double)i)};
  }

  Complex<T>* data() { return table_ + n_; }

  // Transforms data() in place.
  void run() {
    Complex<T>* from = data();
    Complex<T>* to = from + n_;
    int64_t done = 1;  // Length of the transforms that are finished.
    for (int64_t left = n_; left > 1;) {
      const int64_t radix = smallest_factor(left);
      left /= radix;
      pass(from, to, done, radix, left);
      done *= radix;
      Complex<T>* const swapped = from;
      from = to;
      to = swapped;
    }
    if (from != data()) memcpy(data(), from, (size_t)n_ * sizeof(Complex<T>));
  }

 private:
  static int64_t smallest_factor(int64_t n) {
    for (int64_t f = 2; f * f <= n; ++f)
      if (n % f == 0) return f;
    return n;
  }

  // Joins `radix` transforms of length `done` into one of length done * radix, for
  // each of the `left` interleaved sequences.
  void pass(const Complex<T>* from, Complex<T>* to, int64_t done, int64_t radix,
            int64_t left) const {
    const int64_t length = done * radix;
    const int64_t step = n_ / length;
    for (int64_t k = 0; k < length; ++k) {
      for (int64_t s = 0; s < left; ++s) {
        Complex<T> sum = {0, 0};
        for (int64_t r = 0; r < radix; ++r) {
          const Complex<T> x = from[(k % done) * left * radix + r * left + s];
          sum = multiply_add(sum, x, table_[(k * r % length) * step]);
        }
        to[k * left + s] = sum;
      }
    }
  }

  int64_t n_;
  Complex<T>* table_;
};

// Transforms one dimension of a dense complex array in place.
template <typename T>
void axis(Complex<T>* array, int64_t outer, int64_t n, int64_t inner, bool inverse,
          Complex<T>* memory) {
  Line<T> line(n, inverse, memory);
  const T scale = inverse ? (T)1 / (T)n : (T)1;
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t i = 0; i < inner; ++i) {
      Complex<T>* const at = array + o * n * inner + i;
      for (int64_t k = 0; k < n; ++k) line.data()[k] = at[k * inner];
      line.run();
      for (int64_t k = 0; k < n; ++k)
        at[k * inner] = {line.data()[k].re * scale, line.data()[k].im * scale};
    }
  }
}

// All dimensions but the last of an array whose last dimension has size `last`.
template <typename T>
void outer_axes(const tfn_fft* p, Complex<T>* array, int64_t last, bool inverse,
                Complex<T>* memory) {
  int64_t inner = last;
  for (int32_t d = p->rank - 2; d >= 0; --d) {
    int64_t outer = 1;
    for (int32_t e = 0; e < d; ++e) outer *= p->length[e];
    axis(array, outer, p->length[d], inner, inverse, memory);
    inner *= p->length[d];
  }
}

template <typename T>
void transform(const tfn_fft* p, const void* input, void* output, void* scratch) {
  const int64_t n = p->length[p->rank - 1], half = n / 2 + 1;
  int64_t rows = 1, longest = n;
  for (int32_t d = 0; d + 1 < p->rank; ++d) {
    rows *= p->length[d];
    if (p->length[d] > longest) longest = p->length[d];
  }
  Complex<T>* const memory = (Complex<T>*)scratch;
  Complex<T>* const copy = memory + 3 * longest;  // For TFN_IRFFT only.
  const bool inverse = p->kind == TFN_IFFT || p->kind == TFN_IRFFT;
  for (int64_t b = 0; b < p->batch; ++b) {
    if (p->kind == TFN_FFT || p->kind == TFN_IFFT) {
      Complex<T>* const out = (Complex<T>*)output + b * rows * n;
      memcpy(out, (const Complex<T>*)input + b * rows * n,
             (size_t)(rows * n) * sizeof(Complex<T>));
      axis(out, rows, n, (int64_t)1, inverse, memory);
      outer_axes(p, out, n, inverse, memory);
    } else if (p->kind == TFN_RFFT) {
      const T* const in = (const T*)input + b * rows * n;
      Complex<T>* const out = (Complex<T>*)output + b * rows * half;
      Line<T> line(n, false, memory);
      for (int64_t r = 0; r < rows; ++r) {
        for (int64_t k = 0; k < n; ++k) line.data()[k] = {in[r * n + k], 0};
        line.run();
        memcpy(out + r * half, line.data(), (size_t)half * sizeof(Complex<T>));
      }
      outer_axes(p, out, half, false, memory);
    } else {
      memcpy(copy, (const Complex<T>*)input + b * rows * half,
             (size_t)(rows * half) * sizeof(Complex<T>));
      outer_axes(p, copy, half, true, memory);
      T* const out = (T*)output + b * rows * n;
      Line<T> line(n, true, memory);
      for (int64_t r = 0; r < rows; ++r) {
        const Complex<T>* const in = copy + r * half;
        for (int64_t k = 0; k < half; ++k) line.data()[k] = in[k];
        for (int64_t k = half; k < n; ++k)
          line.data()[k] = {in[n - k].re, -in[n - k].im};
        // The ends of a real signal's spectrum are real, whatever is given.
        line.data()[0].im = 0;
        if (n % 2 == 0) line.data()[half - 1].im = 0;
        line.run();
        for (int64_t k = 0; k < n; ++k) out[r * n + k] = line.data()[k].re / (T)n;
      }
    }
  }
}

}  // namespace

void TFN_KERNEL(fft_f32)(const tfn_fft* p, const void* input, void* output,
                         void* scratch) {
  transform<float>(p, input, output, scratch);
}

void TFN_KERNEL(fft_f64)(const tfn_fft* p, const void* input, void* output,
                         void* scratch) {
  transform<double>(p, input, output, scratch);
}
