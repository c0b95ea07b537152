# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Devices of this machine, and the Keras that uses them."""

from __future__ import annotations

import importlib.util
from typing import Any

from training.errors import TrainingError
from training.options import REPLICAS, FitOptions


def replicas_of(options: FitOptions) -> int:
    """How many devices are to be replicas."""
    return options.replicas or REPLICAS


def logical_devices(options: FitOptions) -> list[str]:
    """Names of as many devices as there are to be replicas.

    With GPUs, those of the machine. Else its CPU is split into logical ones, which
    share its cores: each replica is real, with memory of its own, but no quicker.

    Raises:
        TrainingError: The machine has fewer GPUs; or TensorFlow was used in this
            process already, after which CPUs cannot be split any more.
    """
    import tensorflow as tf

    kind, wanted = options.device.upper(), replicas_of(options)
    physical = tf.config.list_physical_devices(kind)
    if kind == "CPU":
        (cpu,) = physical
        if len(tf.config.get_logical_device_configuration(cpu) or ()) != wanted:
            try:
                tf.config.set_logical_device_configuration(
                    cpu, [tf.config.LogicalDeviceConfiguration()] * wanted
                )
            except RuntimeError as error:
                raise TrainingError(
                    f"this process cannot have {wanted} replicas any more, since "
                    "TensorFlow was used in it: train in a process of its own"
                ) from error
    elif len(physical) < wanted:
        raise TrainingError(
            f"{wanted} replicas need {wanted} GPUs, and this machine has "
            f"{len(physical)}: choose a smaller --replicas"
        )
    return [f"/{kind}:{number}" for number in range(wanted)]


def tf_keras() -> Any:
    """The Keras of TensorFlow 2.15, which still does what Keras 3 leaves out.

    Raises:
        TrainingError: It is not installed.
    """
    if importlib.util.find_spec("tf_keras") is None:
        raise TrainingError(
            'this strategy needs tf-keras: pip install "tfnative[training]"'
        )
    return importlib.import_module("tf_keras")
