/* SPDX-FileCopyrightText: The tfnative authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the kernels and emitted programs use of <string.h>, for targets whose C library
 * is not at hand when a model is compiled: only its headers are needed then.
 */
#ifndef TFNATIVE_LIBC_STRING_H_
#define TFNATIVE_LIBC_STRING_H_

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

int memcmp(const void* a, const void* b, size_t bytes);
void* memcpy(void* to, const void* from, size_t bytes);
void* memmove(void* to, const void* from, size_t bytes);
void* memset(void* to, int value, size_t bytes);

#ifdef __cplusplus
}
#endif

#endif /* TFNATIVE_LIBC_STRING_H_ */
