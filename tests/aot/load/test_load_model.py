# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Models load however they were saved, and what does not load says why."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from google.protobuf import text_format

from tests.models import ZOO, ModelCase
from tfnative.errors import CompileError, InvalidArgumentError, NotFoundError
from tfnative_aot.freeze.freeze import freeze
from tfnative_aot.load.eager_source import EagerSource
from tfnative_aot.load.load_model import LoadedModel, load_model
from tfnative_aot.split.divide import prepare

Export = Callable[[ModelCase], Path]

WAYS_OF_SAVING = [
    "mlp",
    "keras3_bare",
    "two_signatures",
    "matmul_bfloat16",
    "keras2_cnn",
    "tf1_ref_variables",
    "tf1_resource_variables",
    "tf1_loop",
    "graphdef",
    "graphdef_text",
]


def load(case: ModelCase, path: Path) -> LoadedModel:
    return load_model(path, inputs=case.graph_inputs, outputs=case.graph_outputs)


def tensorflow_says(case: ModelCase, path: Path, inputs: dict[str, Any]) -> Any:
    """The outputs by another way than the one under test."""
    import tensorflow as tf

    if case.graph_inputs is None:
        model = tf.saved_model.load(str(path))
        tensors = {name: tf.constant(value) for name, value in inputs.items()}
        outputs = model.signatures[case.signature](**tensors)
        return {name: value.numpy() for name, value in outputs.items()}
    assert case.graph_outputs is not None
    graph_def = tf.compat.v1.GraphDef()
    if path.suffix == ".pb":
        graph_def.ParseFromString(path.read_bytes())
    else:
        text_format.Parse(path.read_text(), graph_def)
    whole = tf.compat.v1.wrap_function(
        lambda: tf.graph_util.import_graph_def(graph_def, name=""), []
    )
    (image,) = case.graph_inputs.values()
    fetched = {
        name: whole.graph.get_tensor_by_name(f"{tensor.removesuffix(':0')}:0")
        for name, tensor in case.graph_outputs.items()
    }
    function = whole.prune(whole.graph.get_tensor_by_name(image), fetched)
    outputs = function(tf.constant(*inputs.values()))
    return {name: value.numpy() for name, value in outputs.items()}


def test_arrays_of_layers_that_are_no_weights_are_constants(tmp_path: Path) -> None:
    import keras
    import tensorflow as tf

    given = keras.layers.Normalization(mean=[1.0, 2.0], variance=[3.0, 4.0])
    layers = keras.Sequential([keras.Input((2,)), given, keras.layers.Dense(3)])
    module = tf.Module()
    module.layers = layers
    spec = tf.TensorSpec((None, 2), tf.float32, "x")
    module.f = tf.function(lambda x: {"y": layers(x)}, input_signature=[spec])
    tf.saved_model.save(module, tmp_path / "model", signatures=module.f)
    loaded = load_model(tmp_path / "model")
    assert isinstance(loaded.source, EagerSource)
    frozen = freeze(loaded, "serving_default")
    placeholders = [n.name for n in frozen.graph_def.node if n.op == "Placeholder"]
    assert len(placeholders) == len(frozen.inputs) == 1
    assert not prepare(loaded, "serving_default", None).parts


@pytest.mark.parametrize("name", WAYS_OF_SAVING)
def test_a_loaded_model_runs_as_in_tensorflow(name: str, export: Export) -> None:
    case, path = ZOO[name], export(ZOO[name])
    model = load(case, path)
    assert tuple(model.signatures) == case.signatures
    for rows in (1, 3):
        inputs = case.inputs(rows, np.random.default_rng(rows))
        got = model.run(case.signature, inputs)
        expected = tensorflow_says(case, path, inputs)
        assert got.keys() == expected.keys()
        for output, value in expected.items():
            assert got[output].dtype == value.dtype
            np.testing.assert_allclose(
                got[output].astype("f8"), value.astype("f8"), rtol=case.rtol, atol=1e-6
            )


def test_both_loaders_give_the_same_graph_ends(export: Export) -> None:
    model = load(ZOO["several"], export(ZOO["several"]))
    eager = EagerSource(model.path, ["serve"])
    signature = model.signature("serving_default")
    source = eager.graph(signature)
    for graph in (source, eager.constant_graph(signature, source)):
        assert list(graph.inputs) == [spec.name for spec in signature.inputs]
        assert list(graph.outputs) == [spec.name for spec in signature.outputs]
    inputs = ZOO["several"].inputs(2, np.random.default_rng(0))
    got, expected = eager.run(signature, inputs), model.source.run(signature, inputs)
    for name, value in expected.items():
        np.testing.assert_array_equal(got[name], value)


def test_if_no_loader_can_read_it_both_say_why(export: Export, tmp_path: Path) -> None:
    path = shutil.copytree(export(ZOO["mlp"]), tmp_path / "mlp")
    (data,) = (path / "variables").glob("variables.data*")
    data.write_bytes(data.read_bytes()[:100])
    with pytest.raises(CompileError) as caught:
        load_model(path)
    message = str(caught.value)
    assert "tf.compat.v1.saved_model.load: " in message
    assert "tf.saved_model.load: " in message
    assert str(path) in message


def test_wrong_tags_are_refused_with_those_present(export: Export) -> None:
    with pytest.raises(InvalidArgumentError, match=r"Tags present: serve\b"):
        load_model(export(ZOO["mlp"]), tags=["serve", "gpu"])


def test_missing_variables_are_named(export: Export, tmp_path: Path) -> None:
    path = shutil.copytree(export(ZOO["mlp"]), tmp_path / "mlp")
    shutil.rmtree(path / "variables")
    with pytest.raises(NotFoundError, match=r"variables\.index"):
        load_model(path)


def test_a_path_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no such file"):
        load_model(tmp_path / "none")


def test_a_folder_without_a_model_shows_what_it_has(tmp_path: Path) -> None:
    (tmp_path / "weights.h5").touch()
    with pytest.raises(InvalidArgumentError, match=r"not a SavedModel.*weights\.h5"):
        load_model(tmp_path)


def test_a_folder_above_a_model_suggests_it(tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "saved_model.pb").touch()
    with pytest.raises(InvalidArgumentError, match=r"Did you mean .*/1\?"):
        load_model(tmp_path)


@pytest.mark.parametrize("name", ["saved_model.pb", "saved_model.pbtxt"])
def test_a_damaged_saved_model(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"\xff\xfe no model")
    with pytest.raises(InvalidArgumentError, match="not a readable SavedModel"):
        load_model(tmp_path)


@pytest.mark.parametrize("name", ["graph.pb", "graph.pbtxt"])
def test_a_damaged_graph(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"\xff\xfe no model")
    with pytest.raises(InvalidArgumentError, match="not a readable GraphDef"):
        load_model(tmp_path / name, inputs=["x"], outputs=["y"])


def test_the_file_of_a_saved_model_suggests_the_folder(export: Export) -> None:
    with pytest.raises(InvalidArgumentError, match="give the folder"):
        load_model(export(ZOO["mlp"]) / "saved_model.pb")


def test_a_graph_without_names_shows_candidates(export: Export) -> None:
    with pytest.raises(InvalidArgumentError, match=r"placeholders are x; .*logits"):
        load_model(export(ZOO["graphdef"]))


def test_a_tensor_that_a_graph_does_not_have(export: Export) -> None:
    with pytest.raises(InvalidArgumentError, match=r"no tensor 'z:0'.*'z'"):
        load_model(export(ZOO["graphdef"]), inputs=["x"], outputs=["z"])
    with pytest.raises(InvalidArgumentError, match="Either all outputs are given"):
        load_model(export(ZOO["graphdef"]), inputs=["x"], outputs=["y=z:0", "z"])


def test_tensors_of_a_graph_are_their_own_names(export: Export) -> None:
    path = export(ZOO["graphdef"])
    model = load_model(path, inputs=["x:0"], outputs=["logits"])
    signature = model.signature("serving_default")
    assert [spec.name for spec in signature.inputs] == ["x"]
    assert [spec.name for spec in signature.outputs] == ["logits"]


def test_names_of_tensors_are_for_graphs_only(export: Export) -> None:
    with pytest.raises(InvalidArgumentError, match="for a frozen GraphDef only"):
        load_model(export(ZOO["mlp"]), inputs=["x"], outputs=["y"])


def test_a_model_without_signatures(tmp_path: Path) -> None:
    import tensorflow as tf

    tf.saved_model.save(tf.Module(), str(tmp_path / "m"))
    with pytest.raises(InvalidArgumentError, match="no signatures"):
        load_model(tmp_path / "m")


def test_an_unknown_signature_is_refused_with_those_present(export: Export) -> None:
    model = load_model(export(ZOO["two_signatures"]))
    with pytest.raises(InvalidArgumentError, match="backward, serving_default"):
        model.signature("forward")


def test_wrong_inputs_are_refused_with_the_right_ones(export: Export) -> None:
    model = load_model(export(ZOO["two_signatures"]))
    with pytest.raises(InvalidArgumentError, match=r"takes the inputs \['x'\]"):
        model.run("backward", {"y": np.zeros((1, 4), np.float32)})


def test_the_digest_depends_on_the_files(export: Export, tmp_path: Path) -> None:
    source = export(ZOO["mlp"])
    copy = shutil.copytree(source, tmp_path / "mlp")
    before = load_model(copy).source_digest
    assert before == load_model(source).source_digest
    (copy / "assets").mkdir(exist_ok=True)
    (copy / "assets" / "labels.txt").write_text("cat\n")
    changed = load_model(copy)
    assert changed.source_digest != before
    assert changed.assets == (copy / "assets" / "labels.txt",)


@pytest.mark.parametrize("load_with", [load_model, EagerSource])
def test_functions_of_the_reference_run_as_they_were_written(load_with, tmp_path):
    """Grappler moves ArgMin before Relu, and finds the least of what Relu made 0."""
    import tensorflow as tf

    module = tf.Module()
    module.f = tf.function(
        lambda x: {"y": tf.argmin(tf.nn.relu(x), 1)},
        input_signature=[tf.TensorSpec([None, 3], tf.float32, name="x")],
    )
    tf.saved_model.save(module, str(tmp_path), signatures=module.f)
    model = load_model(tmp_path)
    source = (
        model.source if load_with is load_model else EagerSource(tmp_path, ["serve"])
    )
    feeds = {"x": np.float32([[-1, -3, -2]])}
    found = source.run(model.signature("serving_default"), feeds)
    assert found["y"] == 0
