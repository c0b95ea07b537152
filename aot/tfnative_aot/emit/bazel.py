# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""BUILD.bazel: what makes an artifact's folder a package of Bazel."""

from __future__ import annotations

from tfnative_aot.emit.interface import Interface


def emit_build_file(
    interface: Interface, *, static: bool, shared_library: str | None
) -> str:
    """The text of BUILD.bazel.

    It defines NAME, to depend on from C and C++, and NAME_artifact, all files, to load
    the model from. With both libraries Bazel chooses: ``linkstatic`` of the program.

    Args:
        interface: Of the artifact.
        static: Whether there is a libNAME.a.
        shared_library: File name of the shared library; None: there is none.
    """
    name = interface.name
    libraries = ""
    if shared_library is not None:
        libraries += f'    shared_library = "{shared_library}",\n'
    if static:
        libraries += f'    static_library = "lib{name}.a",\n'
    return f"""\
# The model {name}, compiled by tfnative for {interface.triple}.
#   deps = ["//path/to/this/folder:{name}"]
load("@rules_cc//cc:defs.bzl", "cc_import", "cc_library")

cc_import(
    name = "{name}_import",
{libraries})

cc_library(
    # Of its own, for linkers want it behind the library.
    name = "{name}_libm",
    linkopts = ["-lm"],
)

cc_library(
    name = "{name}",
    hdrs = glob(["include/**"]),
    includes = ["include"],
    visibility = ["//visibility:public"],
    deps = [
        ":{name}_import",
        ":{name}_libm",
    ],
)

filegroup(
    name = "{name}_artifact",
    srcs = glob(
        ["**"],
        exclude = ["BUILD.bazel"],
    ),
    visibility = ["//visibility:public"],
)
"""
