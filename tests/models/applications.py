# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Image classifiers from keras.applications, with random weights."""

from __future__ import annotations

from typing import Any

from tests.models.case import ModelCase, normal
from tests.models.saving import Build, keras3_export


def _application(name: str, size: int) -> Build:
    def build() -> Any:
        import keras

        # Logits: the softmax of a network with random weights hides errors.
        return getattr(keras.applications, name)(
            weights=None,
            input_tensor=keras.Input((size, size, 3), name="image"),
            classes=100,
            classifier_activation=None,
        )

    return build


def _case(name: str, application: str, size: int) -> ModelCase:
    return ModelCase(
        name,
        keras3_export(_application(application, size)),
        makers={"image": normal(size, size, 3)},
        tags=frozenset({"large", "keras3"}),
        signatures=("serve", "serving_default"),
    )


CASES = [
    _case("mobilenet_v2", "MobileNetV2", 96),
    _case("efficientnet_b0", "EfficientNetB0", 64),
    _case("resnet50", "ResNet50", 64),
]
