// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// A library that is all of TensorFlow that it has a version.
const char* TF_Version(void) { return FAKE_VERSION; }
