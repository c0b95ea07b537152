# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What ``optimize`` can be asked for."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

from tfnative._base.options.declare import option
from tfnative._base.options.document import shows_options
from tfnative._base.options.kinds import (
    Choice,
    Folder,
    Kind,
    Names,
    Number,
    Switch,
    Whole,
)
from tfnative._base.options.option_set import OptionSet
from tfnative._compile import model_options
from tfnative._compile.kinds import Golden
from tfnative._optimize.transforms import Transform, parse_transforms


class Transforms(Kind):
    """Transforms, as a text or as a list."""

    expected = "a str, or a list of transforms"
    as_keyword = "as one text, or a list of them"
    as_flag = 'is written "strip_unused_nodes remove_nodes(op=Identity)"'

    def check(self, value: Any) -> tuple[Transform, ...]:
        """See Kind."""
        return parse_transforms(value)

    def argument(self, default: Any) -> dict[str, Any]:
        """See Kind."""
        return {"metavar": '"NAME(PARAMETER=VALUE) ..."'}

    def to_json(self, value: Any) -> list[str]:
        """See Kind."""
        return [str(each) for each in value]


class Page(Folder):
    """A path of an HTML page."""

    expected = "the path of a file that ends in .html"

    def check(self, value: Any) -> str:
        """See Kind."""
        path = super().check(value)
        if not path.lower().endswith(".html"):
            raise ValueError
        return path

    def argument(self, default: Any) -> dict[str, Any]:
        """See Kind."""
        return {"metavar": "FILE"}


class Data(Golden):
    """Inputs in a file, or arrays by the names of inputs."""

    expected = "the path of a .npz or TFRecord file, or a dict of arrays by input"

    def check(self, value: Any) -> str | dict[str, Any]:
        """See Kind."""
        if value == "":
            raise ValueError
        return super().check(value)

    def argument(self, default: Any) -> dict[str, Any]:
        """See Kind."""
        return {"metavar": "FILE"}


@shows_options
@dataclass(frozen=True, kw_only=True)
class OptimizeOptions(OptionSet):
    """What ``optimize`` is asked for, which takes each of them as a keyword, too.

    Values are checked when they are given: InvalidArgumentError says what was expected.
    Lists are kept as tuples. Whether a value fits a model is seen when it is optimized.
    ``tfnative optimize`` has a flag for each.
    """

    transforms: str | Sequence[str | Transform] | None = option(
        None,
        Transforms(),
        "what to put the model through, in order; `tfnative optimize --list` lists "
        "all transforms",
        default_is="a list for prediction that keeps every result",
    )
    signatures: Sequence[str] | None = option(
        None,
        Names("NAME", one_each=True),
        "signatures to keep",
        default_is="all",
        flag="--signature",
    )
    tags: Sequence[str] = model_options.tags()
    inputs: Mapping[str, str] | Sequence[str] | None = model_options.tensors("inputs")
    outputs: Mapping[str, str] | Sequence[str] | None = model_options.tensors("outputs")
    constants: Mapping[str, object] | None = model_options.constants("optimized")
    format: Literal["saved_model", "graphdef"] = option(
        "saved_model",
        Choice("saved_model", "graphdef"),
        "what to write: a SavedModel's folder, or a file with a frozen GraphDef",
    )
    representative_data: str | os.PathLike[str] | Mapping[str, object] | None = option(
        None,
        Data(),
        "inputs to compare on: a .npz file with an array for each input, or a TFRecord "
        "file of tf.Example messages for a model that takes these",
        default_is="generated ones",
    )
    samples: int | None = option(
        None,
        Whole(least=1, most=10_000),
        "how many rows to compare on, at most 10,000",
        default_is="16 that are generated, or all that are given",
    )
    max_error: float = option(
        0.05,
        Number(),
        "largest error of steps that round, against the model as it came",
        unit="parts of an output's largest value",
    )
    strict: bool = option(
        False,
        Switch(),
        "fail, and write nothing, where a step breaks the model; otherwise such a step "
        "is left out",
    )
    report: str | os.PathLike[str] | None = option(
        None,
        Page(),
        "an HTML page to write: figures of every step, the graph before and after it, "
        "and how weights were and are spread; needs Graphviz's dot, and "
        '`pip install "tfnative[draw]"`',
        default_is="none is written",
    )


class OptimizeKeywords(TypedDict, total=False):
    """The fields of ``OptimizeOptions`` once more, for those who check types.

    A test compares the two.
    """

    transforms: str | Sequence[str | Transform] | None
    signatures: Sequence[str] | None
    tags: Sequence[str]
    inputs: Mapping[str, str] | Sequence[str] | None
    outputs: Mapping[str, str] | Sequence[str] | None
    constants: Mapping[str, object] | None
    format: Literal["saved_model", "graphdef"]
    representative_data: str | os.PathLike[str] | Mapping[str, object] | None
    samples: int | None
    max_error: float
    strict: bool
    report: str | os.PathLike[str] | None
