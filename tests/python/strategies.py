# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What hypothesis draws."""

from __future__ import annotations

from hypothesis import strategies as st

from tfnative.manifest import (
    ChoicePoint,
    ExamplesHead,
    FeatureManifest,
    Fidelity,
    LayerPrecision,
    LayerTrial,
    Manifest,
    OutputPrecision,
    Precision,
    PrecisionChoice,
    SignatureManifest,
    TensorFlowHead,
    TensorManifest,
    VariantMemory,
)

names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
numbers = st.floats(allow_nan=False, allow_infinity=False)
sizes = st.lists(st.integers(-1, 1 << 40), max_size=4).map(tuple)


def tuples(elements: st.SearchStrategy) -> st.SearchStrategy:
    return st.lists(elements, max_size=3).map(tuple)


tensors = st.builds(TensorManifest, name=names, dtype=names, shape=sizes)
fidelities = st.builds(
    Fidelity,
    output=names,
    batch_size=st.integers(0, 64),
    cpu_level=names,
    max_abs_error=numbers,
    max_rel_error=numbers,
    tolerance=numbers,
    distance=st.none() | numbers,
    tensorflow_distance=st.none() | numbers,
    reason=names,
)


def features(dtype: str, values: st.SearchStrategy) -> st.SearchStrategy:
    return st.builds(
        FeatureManifest,
        name=names,
        dtype=st.just(dtype),
        shape=sizes,
        default=st.none() | tuples(values),
        feeds=st.none() | names,
    )


# NaN is not equal to itself: the tests of compiled models have it.
heads = st.builds(
    ExamplesHead,
    input=names,
    features=tuples(
        features("float32", st.floats(allow_nan=False))
        | features("int64", st.integers())
        | features("string", st.binary(max_size=4))
    ),
) | st.builds(
    TensorFlowHead,
    path=names,
    inputs=tuples(tensors),
    feeds=tuples(names),
    ops=tuples(names),
)
choices = st.builds(
    PrecisionChoice,
    budget=names,
    allowed=numbers,
    range_samples=st.integers(0, 300),
    judged_samples=st.integers(0, 300),
    held_out=st.booleans(),
    float32_accuracy=st.none() | numbers,
    float32_time=numbers,
    time_unit=names,
    cpu_level=names,
    rows=st.integers(0, 64),
    layers=tuples(
        st.builds(
            LayerTrial,
            node=names,
            signal_to_noise=st.none() | numbers,
            gained=numbers,
            float16_gained=st.none() | numbers,
        )
    ),
    points=tuples(
        st.builds(
            ChoicePoint,
            returned=names,
            layers=st.integers(0, 9),
            time=numbers,
            signal_to_noise=st.none() | numbers,
            accuracy=st.none() | numbers,
            holds=st.booleans(),
            to=names,
        )
    ),
)
precisions = st.builds(
    Precision,
    asked=names,
    layers=tuples(
        st.builds(
            LayerPrecision,
            node=names,
            op=names,
            shape=sizes,
            stored=names,
            signal_to_noise=st.none() | numbers,
            reason=names,
            computed=names,
        )
    ),
    outputs=tuples(
        st.builds(
            OutputPrecision,
            output=names,
            rows=st.integers(0, 64),
            signal_to_noise=st.none() | numbers,
            cosine=st.none() | numbers,
            same_top=st.none() | numbers,
        )
    ),
    choice=st.none() | choices,
)
signatures = st.builds(
    SignatureManifest,
    inputs=tuples(tensors),
    outputs=tuples(tensors),
    batch_sizes=sizes,
    rows_independent=st.booleans(),
    golden=names,
    fidelity=tuples(fidelities),
    unverified_cpu_levels=tuples(names),
    head=st.none() | heads,
    no_winograd=names,
    precision=st.none() | precisions,
    memory=tuples(
        st.builds(
            VariantMemory,
            *(st.integers(0, 64), names, *(st.integers(0, 1 << 50) for _ in range(4))),
            *(names, st.integers(0, 1 << 50)),
        )
    ),
)
manifests = st.builds(
    Manifest,
    name=names,
    library=names,
    triple=names,
    cpu_levels=tuples(names),
    tfnative_version=names,
    tensorflow_version=names,
    source_digest=names,
    weights_digest=names,
    weights_bytes=st.integers(0, 1 << 50),
    assets=tuples(names),
    signatures=st.dictionaries(names, signatures, max_size=2),
    options=st.dictionaries(names, names | st.booleans() | sizes.map(list), max_size=3),
)

# Anything that JSON can hold.
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
