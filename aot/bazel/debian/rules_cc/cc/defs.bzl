# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Stands in for rules_cc where Debian's bazel-bootstrap builds without a network.

Bazel 4.2.3 has the C++ rules built in, but loads them by way of rules_cc, which it would
download. Debian's package of rules_cc, 0.0.4, is for later versions: it does not load in
this one. So these are the built-in rules, under the names that are loaded.
"""

load("@bazel_tools//tools/cpp:compiler_flag.bzl", _compiler_flag = "compiler_flag")

cc_binary = native.cc_binary
cc_import = native.cc_import
cc_library = native.cc_library
cc_proto_library = native.cc_proto_library
cc_test = native.cc_test
cc_toolchain = native.cc_toolchain
cc_toolchain_suite = native.cc_toolchain_suite
compiler_flag = _compiler_flag
objc_library = native.objc_library
