# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""One model over several devices: each has some of its layers, by device scopes.

For models that one device has no memory for. The devices work one after the other on a
batch; what goes from a layer of one to a layer of the next is copied. Keras' layers
are made and called inside `tf.device`, so that variables are where they are used.

TensorFlow's other way is DTensor, which splits each product instead. It has no rule for
fused batch normalisation, which convolutional models are made of.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from training.begin import keras_of, prepare
from training.loop import fit_keras
from training.options import FitOptions, Fitted
from training.strategies.devices import logical_devices, tf_keras


def run(options: FitOptions) -> Fitted:
    """Trains a model whose layers are shared out among ``replicas`` devices."""
    prepare(options)
    devices = logical_devices(options)

    def arrange(model: Any) -> Any:
        places = place_layers(layer_sizes(model), devices)
        if options.verbose:
            for line in describe(places):
                print(line, flush=True)
        return on_devices(model, places)

    return fit_keras(options, keras=tf_keras(), arrange=arrange)


def layer_sizes(model: Any) -> dict[str, int]:
    """How many weights each layer has, in the order in which they compute."""
    return {layer.name: int(layer.count_params()) for layer in model.layers}


def place_layers(sizes: dict[str, int], devices: Sequence[str]) -> dict[str, str]:
    """Which device each layer is on: about as many weights on each, in order.

    A layer begins the next device where that comes closer to equal shares.
    """
    share = sum(sizes.values()) / len(devices) or 1.0
    places = {}
    before = 0
    device = -1
    for name, size in sizes.items():
        # The middle of the layer decides; at most one device further than before.
        wanted = int((before + size / 2) / share)
        device = min(max(device, min(wanted, device + 1)), len(devices) - 1)
        places[name] = devices[device]
        before += size
    return places


def describe(places: dict[str, str]) -> list[str]:
    """A line for each device."""
    lines = []
    for device in dict.fromkeys(places.values()):
        names = [name for name, place in places.items() if place == device]
        lines.append(f"{device}: {', '.join(names)}")
    return lines


def on_devices(model: Any, places: dict[str, str]) -> Any:
    """A copy of a model that is not compiled, with its layers on devices.

    Args:
        model: Of tf-keras or Keras 3.
        places: Names of devices by name of layer.
    """
    keras = keras_of(model)

    def clone(layer: Any) -> Any:
        placed = type(layer).from_config(layer.get_config())
        device = places[layer.name]
        placed.build = _inside(device, placed.build)
        placed.call = _inside(device, placed.call)
        return placed

    copy = keras.models.clone_model(model, clone_function=clone)
    copy.set_weights(model.get_weights())
    return copy


def _inside(device: str, function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def placed(*args: Any, **kwargs: Any) -> Any:
        import tensorflow as tf

        with tf.device(device):
            return function(*args, **kwargs)

    return placed
