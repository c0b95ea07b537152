# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""tfnative_library: a TensorFlow model as a C++ library.

    load("@tfnative//:defs.bzl", "tfnative_library")

    tfnative_library(
        name = "digits",
        saved_model = "saved_models/digits",
        batch_sizes = [1, 8],
    )

docs/bazel.md of tfnative describes it.
"""

load("@rules_cc//cc:defs.bzl", "cc_import", "cc_library")

def _model_path(ctx):
    """The folder with saved_model.pb, or the one file or folder that there is."""
    files = ctx.files.saved_model
    for file in files:
        if file.basename in ("saved_model.pb", "saved_model.pbtxt"):
            return file.dirname
    if len(files) == 1:
        return files[0].path
    fail("%s: there is no saved_model.pb in %s" % (ctx.label, ctx.attr.saved_model.label))

def _artifact_impl(ctx):
    artifact = ctx.actions.declare_directory(ctx.label.name)
    include = ctx.actions.declare_directory(ctx.label.name + ".include")
    arguments = ctx.actions.args()
    arguments.add(ctx.executable.compiler if ctx.executable.compiler else "")
    for output in (artifact.path, include.path, ctx.outputs.library.path):
        arguments.add(output)
    arguments.add(_model_path(ctx))
    arguments.add("--name", ctx.attr.artifact_name)
    arguments.add_joined("--batch-sizes", ctx.attr.batch_sizes, join_with = ",")
    for signature in ctx.attr.signatures:
        arguments.add("--signature", signature)
    if ctx.attr.static:
        arguments.add("--static")
    if ctx.attr.target:
        arguments.add("--target", ctx.attr.target)
    arguments.add_all(ctx.attr.options)

    ctx.actions.run(
        executable = ctx.executable._compile,
        arguments = [arguments],
        inputs = ctx.files.saved_model + ctx.files.data,
        outputs = [artifact, include, ctx.outputs.library],
        tools = [ctx.attr.compiler[DefaultInfo].files_to_run] if ctx.attr.compiler else [],
        mnemonic = "TfnativeCompile",
        progress_message = "Compiling the model %s" % ctx.label,
        # Whose Python has which tfnative is not part of the action's key.
        execution_requirements = {} if ctx.attr.compiler else {"no-remote": "1"},
        use_default_shell_env = True,
    )
    return [
        DefaultInfo(files = depset([artifact])),
        OutputGroupInfo(include = depset([include])),
    ]

_tfnative_artifact = rule(
    implementation = _artifact_impl,
    doc = "Runs tfnative compile. Its files are the artifact: a folder.",
    attrs = {
        "artifact_name": attr.string(mandatory = True),
        "batch_sizes": attr.int_list(mandatory = True),
        "compiler": attr.label(executable = True, cfg = "exec"),
        "data": attr.label_list(allow_files = True),
        "library": attr.output(mandatory = True),
        "options": attr.string_list(),
        "saved_model": attr.label(mandatory = True, allow_files = True),
        "signatures": attr.string_list(),
        "static": attr.bool(mandatory = True),
        "target": attr.string(),
        "_compile": attr.label(
            default = Label("//:compile.sh"),
            allow_single_file = True,
            executable = True,
            cfg = "exec",
        ),
    },
)

def tfnative_library(
        name,
        saved_model,
        batch_sizes = [1],
        target = None,
        signatures = None,
        static = True,
        options = [],
        data = [],
        compiler = None,
        visibility = None,
        **kwargs):
    """Compiles a TensorFlow model, and makes a cc_library of it.

    Beside NAME it makes NAME_artifact: the folder that `tfnative compile` has written,
    with which `tfnative.load` in Python works, too.

    Args:
        name: Of the library, of the model's header (NAME.h), and of its functions: a C
            identifier.
        saved_model: The model: a folder of this package with a saved_model.pb in it, or
            the label of a file, a folder, or a filegroup of a SavedModel's files.
        batch_sizes: Numbers of rows to compile for. May be a select().
        target: What to compile for, as `tfnative compile --target` takes it; None: the
            machine that compiles. May be a select().
        signatures: Signatures to compile; None: tfnative's choice. May be a select().
        static: Link libNAME.a into programs, or else libNAME.so beside them.
        options: More options of `tfnative compile`, as ["--cpu", "x86-64-v3"].
        data: Files that options name.
        compiler: An executable target that takes tfnative's arguments. None: the Python
            that --action_env=TFNATIVE_PYTHON names, or else python3.
        visibility: Of the library and of the artifact.
        **kwargs: What all rules take: tags, testonly, target_compatible_with.
    """
    artifact = name + "_artifact"
    library = "%s.library/lib%s.%s" % (artifact, name, "a" if static else "so")
    _tfnative_artifact(
        name = artifact,
        artifact_name = name,
        batch_sizes = batch_sizes,
        compiler = compiler,
        data = data,
        library = library,
        options = options,
        saved_model = _saved_model_files(artifact, saved_model, kwargs),
        signatures = signatures,
        static = static,
        target = target,
        visibility = visibility,
        **kwargs
    )
    native.filegroup(
        name = name + "_include",
        srcs = [artifact],
        output_group = "include",
        visibility = ["//visibility:private"],
        **kwargs
    )
    cc_import(
        name = name + "_import",
        static_library = library if static else None,
        shared_library = None if static else library,
        visibility = ["//visibility:private"],
        **kwargs
    )
    cc_library(
        # Of its own, for linkers want it behind the library.
        name = name + "_libm",
        linkopts = ["-lm"],
        visibility = ["//visibility:private"],
        **kwargs
    )
    cc_library(
        name = name,
        hdrs = [name + "_include"],
        includes = [artifact + ".include"],
        visibility = visibility,
        deps = [name + "_import"] + ([name + "_libm"] if static else []),
        **kwargs
    )

def _saved_model_files(artifact, saved_model, common):
    """A label of all files of a SavedModel in a folder of this package."""
    if type(saved_model) != type("") or saved_model[0] in ":/@":
        return saved_model
    files = native.glob([saved_model + "/**"], allow_empty = True)
    if not files:
        return saved_model
    native.filegroup(
        name = artifact + "_saved_model",
        srcs = files,
        visibility = ["//visibility:private"],
        **common
    )
    return artifact + "_saved_model"
