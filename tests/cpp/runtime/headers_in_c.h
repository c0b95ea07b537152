/* SPDX-FileCopyrightText: The tfnative authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef HEADERS_IN_C_H_
#define HEADERS_IN_C_H_

#ifdef __cplusplus
extern "C" {
#endif

/* Runs signature "affine" on one row of 3 floats. Returns a tfn_code. */
int double_row_in_c(const char* path, const float* x, float* y);

#ifdef __cplusplus
}
#endif

#endif
