/* SPDX-FileCopyrightText: The tfnative authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the kernels and emitted programs use of <math.h>: see string.h.
 */
#ifndef TFNATIVE_LIBC_MATH_H_
#define TFNATIVE_LIBC_MATH_H_

#define INFINITY (__builtin_inff())
#define NAN (__builtin_nanf(""))

#ifdef __cplusplus
extern "C" {
#endif

float expf(float x);

#ifdef __cplusplus
}
#endif

#endif /* TFNATIVE_LIBC_MATH_H_ */
