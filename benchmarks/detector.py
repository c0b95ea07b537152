# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A detector as SSD is: MobileNetV2, two layers of boxes, and the choice among them.

python -m benchmarks.detector PART OUTPUT

PART is "whole", or "end": what comes after the layers of boxes. Writes a SavedModel;
with OUTPUT that ends with .tflite, the same for LiteRT, with its own op for the choice.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

CLASSES, MOST = 90, 100
OVERLAP, SCORE = 0.6, 0.05
GRIDS = {"block_13_expand_relu": (19, 3), "out_relu": (10, 6)}
"""Layers that see boxes: how many places a side, and boxes at each."""
BOXES = sum(side * side * count for side, count in GRIDS.values())
INPUTS = {
    "whole": {"images": (1, 300, 300, 3)},
    "end": {"codes": (1, BOXES, 4), "scores": (1, BOXES, CLASSES)},
}
_SCALES = (10.0, 10.0, 5.0, 5.0)  # Of what the layers say: y, x, height, width.


def inputs(part: str) -> dict[str, Any]:
    """What is measured: a few boxes of each class have a good score."""
    rng = np.random.default_rng(6)
    given = {
        name: rng.random(shape).astype(np.float32)
        for name, shape in INPUTS[part].items()
    }
    if part == "end":
        given["codes"] -= 0.5
        given["scores"] **= 16
    return given


def _anchors() -> Any:
    """Centres and sizes."""
    found = []
    for side, count in GRIDS.values():
        for row in range(side):
            for column in range(side):
                for number in range(count):
                    size = (number + 1.5) / side
                    centre = ((row + 0.5) / side, (column + 0.5) / side)
                    found.append([*centre, size, size])
    return np.array(found, np.float32)


def _layers() -> Any:
    """Images to codes of boxes, and scores."""
    import keras
    from keras import layers, ops

    keras.utils.set_random_seed(1)
    images = keras.Input(INPUTS["whole"]["images"][1:], 1, name="images")
    backbone = keras.applications.MobileNetV2(
        input_tensor=images, weights=None, include_top=False
    )
    codes, scores = [], []
    for name, (side, count) in GRIDS.items():
        # Of random weights it is tiny.
        seen = layers.LayerNormalization()(backbone.get_layer(name).output * 1e6)
        for found, width in ((codes, 4), (scores, CLASSES)):
            layer = layers.Conv2D(count * width, 3, padding="same")
            found.append(ops.reshape(layer(seen), (1, side * side * count, width)))
    logits = ops.concatenate(scores, 1) * 2.0 - 5.0
    return keras.Model(images, [ops.concatenate(codes, 1), ops.sigmoid(logits)])


def _decode(codes: Any) -> Any:
    """Corners of boxes."""
    import tensorflow as tf

    anchors, codes = tf.constant(_anchors()), codes / tf.constant(_SCALES)
    centres = codes[..., :2] * anchors[:, 2:] + anchors[:, :2]
    sizes = tf.exp(codes[..., 2:]) * anchors[:, 2:]
    return tf.concat([centres - sizes / 2, centres + sizes / 2], -1)


def _choose(codes: Any, scores: Any) -> Any:
    import tensorflow as tf

    boxes = tf.image.combined_non_max_suppression(
        _decode(codes)[:, :, None], scores, MOST, MOST, OVERLAP, SCORE, clip_boxes=False
    )
    return dict(zip(("boxes", "scores", "classes", "count"), boxes, strict=True))


def _choose_in_litert() -> Any:
    """LiteRT's op, which the converter makes of a function that says so."""
    import tensorflow as tf

    attributes = {
        "max_detections": f"i: {MOST}",
        "max_classes_per_detection": "i: 1",
        "use_regular_nms": "b: true",
        "detections_per_class": f"i: {MOST}",
        "nms_score_threshold": f"f: {SCORE}",
        "nms_iou_threshold": f"f: {OVERLAP}",
        "num_classes": f"i: {CLASSES}",
    }
    for axis, scale in zip("yxhw", _SCALES, strict=True):
        attributes[f"{axis}_scale"] = f"f: {scale}"
    name = 'name: "TFLite_Detection_PostProcess"'
    texts = (f'attr {{ key: "{k}" value {{ {v} }} }}' for k, v in attributes.items())
    specs = [
        tf.TensorSpec(shape)
        for shape in ((1, BOXES, 4), (1, BOXES, CLASSES), (BOXES, 4))
    ]

    @tf.function(
        input_signature=specs,
        experimental_implements=" ".join([name, *texts]),
    )
    def choose(codes: Any, scores: Any, anchors: Any) -> Any:
        del codes, scores, anchors  # The converter replaces all of it.
        sizes = ([1, MOST, 4], [1, MOST], [1, MOST], [1])
        return tuple(tf.zeros(size) for size in sizes)

    return choose


def _served(part: str, choose: Callable[[Any, Any], Any]) -> tuple[Any, Any]:
    """A module, and its function of the inputs of a part."""
    import tensorflow as tf

    module = tf.Module()
    module.layers = _layers() if part == "whole" else None
    specs = [
        tf.TensorSpec(shape, tf.float32, name) for name, shape in INPUTS[part].items()
    ]

    @tf.function(input_signature=specs, autograph=False)
    def serve(*given: Any) -> Any:
        return choose(*(module.layers(given[0]) if part == "whole" else given))

    module.serve = serve
    return module, serve


def main(part: str, output: str) -> None:
    """Writes a part."""
    import tensorflow as tf

    if not output.endswith(".tflite"):
        module, serve = _served(part, _choose)
        tf.saved_model.save(module, output, signatures=serve)
        return
    own = _choose_in_litert()

    def choose(codes: Any, scores: Any) -> Any:
        found = own(codes, scores, tf.constant(_anchors()))
        return dict(zip(("boxes", "classes", "scores", "count"), found, strict=True))

    module, serve = _served(part, choose)
    module.own = own
    traced = [serve.get_concrete_function()]
    converter = tf.lite.TFLiteConverter.from_concrete_functions(traced, module)
    converter.allow_custom_ops = True
    Path(output).write_bytes(converter.convert())


if __name__ == "__main__":
    main(*sys.argv[1:])
