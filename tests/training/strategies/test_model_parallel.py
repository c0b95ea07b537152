# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Which device a layer is on, and that several devices compute what one does."""

from __future__ import annotations

import json

import pytest

from tests.training.cluster.clusters import only_all
from tests.training.strategies.apart import apart
from training.strategies.model_parallel import describe, place_layers

CPUS = ("/CPU:0", "/CPU:1")


@pytest.mark.parametrize(
    ("sizes", "devices", "expected"),
    [
        ([10, 10, 10, 10], 2, [0, 0, 1, 1]),
        ([0, 100, 1, 1], 2, [0, 0, 1, 1]),
        ([1, 1, 100], 2, [0, 0, 1]),
        ([0, 30, 0, 30, 0, 30, 0], 3, [0, 0, 1, 1, 2, 2, 2]),
        ([0, 0], 2, [0, 0]),
        ([5], 2, [0]),
        ([5, 5], 4, [0, 1]),
        ([], 2, []),
    ],
)
def test_layers_are_shared_out_in_their_order(sizes, devices, expected):
    names = {f"layer{index}": size for index, size in enumerate(sizes)}
    places = place_layers(names, [f"/CPU:{number}" for number in range(devices)])
    assert list(places) == list(names)
    found = [int(place.removeprefix("/CPU:")) for place in places.values()]
    assert found == expected


def test_what_is_where_is_said_in_a_line_for_each_device():
    places = {"a": CPUS[0], "b": CPUS[0], "c": CPUS[1]}
    assert describe(places) == ["/CPU:0: a, b", "/CPU:1: c"]


def compare_with_one_device(folder: str) -> dict[str, object]:
    """Trains the same model on two devices and on one; runs in a process of its own."""
    from training.fit import fit
    from training.options import FitOptions

    options = {
        "model": "mlp",
        "data": "digits",
        "data_folder": folder,
        "steps": 44,
        "learning_rate": 3e-3,
        "verbose": 0,
    }
    two = fit(FitOptions(strategy="model-parallel", **options))
    one = fit(FitOptions(strategy="single", jit="off", **options))
    return {"two": two.history, "one": one.history, "held_out": two.held_out}


def where_things_are(folder: str) -> dict[str, object]:
    """Devices of variables, and of the operations of a traced step."""
    import tensorflow as tf
    import tf_keras

    from training.data import open_data
    from training.models import build_model
    from training.options import FitOptions
    from training.strategies import model_parallel as parallel
    from training.strategies.devices import logical_devices

    devices = logical_devices(FitOptions(replicas=2))
    data = open_data("digits", folder)
    plain = build_model("cnn", data, keras=tf_keras)
    places = parallel.place_layers(parallel.layer_sizes(plain), devices)
    model = parallel.on_devices(plain, places)
    variables = {
        variable.name: (places[layer.name], variable.device)
        for layer in model.layers
        for variable in layer.variables
    }
    traced = tf.function(model, autograph=False).get_concrete_function(
        {"image": tf.TensorSpec((None, 8, 8, 1))}
    )
    products = [
        operation.device
        for operation in traced.graph.get_operations()
        if operation.type in ("Conv2D", "MatMul")
    ]
    features, _ = data.held_out()
    difference = abs(model(features).numpy() - plain(features).numpy()).max()
    return {
        "variables": variables,
        "products": products,
        "difference": float(difference),
    }


@only_all
@pytest.mark.slow
def test_two_devices_learn_what_one_does(tmp_path):
    found = apart(compare_with_one_device, str(tmp_path / "data"))
    assert found["held_out"] > 0.85
    for name in ("loss", "accuracy"):
        assert found["two"][name] == pytest.approx(found["one"][name], rel=1e-4)


@pytest.mark.slow
def test_variables_and_products_are_on_the_device_of_their_layer(tmp_path):
    found = apart(where_things_are, str(tmp_path / "data"))
    used = set()
    for place, device in found["variables"].values():
        assert device.endswith(place.replace("/CPU", "device:CPU"))
        used.add(place)
    assert used == set(CPUS)
    assert {name[-1] for name in found["products"]} == {"0", "1"}
    assert found["difference"] < 1e-5
    json.dumps(found)
