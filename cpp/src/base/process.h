// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

namespace tfnative::internal {

// As getpid(), but without a system call, so that it can be asked for each request.
// Thread-safe.
pid_t process_id();

}  // namespace tfnative::internal
