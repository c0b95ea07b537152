// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "level_needs.h"

const char kTestedLevel[] = TESTED_LEVEL;
