# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Objects without __init__, copies and pickles: errors, and never the end of all."""

from __future__ import annotations

import asyncio
import copy
import inspect
import pickle
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

import tfnative
from tfnative import _core
from tfnative.serving import AsyncClient, Client

CORE = sorted(n for n, value in vars(_core).items() if isinstance(value, type))
PUBLIC = ["Batcher", "BatchScheduler", "Fallback", "ModelStore", "Shadow"]

# Calls whatever an object without __init__ has, with arguments of many kinds.
FUZZ = """
import copy, pickle, sys
import tfnative
from tfnative import _core

kind = getattr(_core, sys.argv[1], None) or getattr(tfnative, sys.argv[1])
good = _core.FakeClock()
made = [kind.__new__(kind)]
try:
    class Child(kind):
        def __init__(self):
            pass
    made.append(Child.__new__(Child))
    made.append(Child())
except Exception as error:
    print(type(error).__name__)
SKIPPED = {"__class__", "__init_subclass__", "__subclasshook__", "__new__", "__init__"}
for one in made:
    arguments = [(), (1,), ("a",), (None,), (one,), (good,), (1, 2), (one, one),
                 ("a", "b", "c"), ([], {}, one), (1, 2, 3, 4)]
    for name in dir(kind):
        if name in SKIPPED:
            continue
        try:
            value = getattr(one, name)
        except Exception as error:
            continue
        for given in arguments if callable(value) else ():
            try:
                value(*given)
            except Exception as error:
                pass
            try:
                getattr(kind, name)(one, *given)
            except Exception as error:
                pass
    ways = [copy.copy, copy.deepcopy, repr, str, hash, vars]
    ways += [lambda x, p=p: pickle.dumps(x, p) for p in range(6)]
    for way in ways:
        try:
            way(one)
        except Exception as error:
            pass
print("alive")
"""


@pytest.mark.parametrize("name", [*CORE, *(n for n in PUBLIC if n not in CORE)])
def test_nothing_without_init_ends_the_process(name: str) -> None:
    command = [sys.executable, "-W", "error", "-c", FUZZ, name]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.endswith("alive\n")


@pytest.mark.parametrize(
    ("kind", "touch"),
    [
        (_core.Model, lambda x: x.name),
        (_core.Model, lambda x: x.predict([1])),
        (_core.Model, _core.Model.warmup),
        (_core.Batcher, lambda x: x.closed),
        (_core.Batcher, lambda x: x.predict([1])),
        (_core.BatchOptions, lambda x: x.max_batch_size),
        (_core.ThreadPool, lambda x: x.threads),
        (_core.FakeClock, lambda x: x.now_micros()),
        (tfnative.Batcher, lambda x: x.metrics()),
        (tfnative.Batcher, lambda x: x.close()),
        (tfnative.ModelStore, lambda x: x.versions),
        (tfnative.Fallback, lambda x: x.predict([1])),
        (Client, lambda x: x.model("digits")),
    ],
)
def test_an_object_without_init_says_so(kind: Any, touch: Any) -> None:
    with pytest.raises(tfnative.FailedPreconditionError, match="__init__ was not call"):
        touch(kind.__new__(kind))


CLASSES = (
    tfnative.Batcher,
    tfnative.BatchFuture,
    tfnative.BatchScheduler,
    tfnative.Fallback,
    tfnative.ModelStore,
    tfnative.Shadow,
    AsyncClient,
    Client,
)


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_whatever_is_done_with_an_object_without_init_is_a_typed_error(
    kind: Any,
) -> None:
    one = kind.__new__(kind)
    names = [name for name in dir(kind) if not name.startswith("_")]
    # One after the other, and close() first: what it sets, others may look for.
    for name in ("close", "__exit__", "__repr__", *names):
        try:
            found = getattr(one, name, None)
            found = found() if callable(found) else found
            if inspect.iscoroutine(found):
                asyncio.run(found)
        except tfnative.Error:
            continue
        except TypeError as error:  # It takes arguments.
            if "argument" not in str(error):
                raise


def test_an_object_without_init_is_no_argument_either() -> None:
    pool = _core.ThreadPool.__new__(_core.ThreadPool)
    with pytest.raises(tfnative.FailedPreconditionError, match=r"ThreadPool.__init__"):
        _core.Model("nowhere", "", pool, True, False, None)


@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy, *range(6)])
@pytest.mark.parametrize("made", ["pool", "batcher", "scheduler", "fallback"])
def test_what_has_threads_is_not_pickled(fake: Path, made: str, way: Any) -> None:
    with tfnative.load(fake) as model:
        one = {
            "pool": lambda: tfnative.ThreadPool(1),
            "batcher": lambda: tfnative.Batcher(model, signature="affine"),
            "scheduler": lambda: tfnative.BatchScheduler(1),
            "fallback": lambda: tfnative.Fallback([model, model]),
        }[made]()
        with pytest.raises(TypeError, match="cannot be pickled or copied: make one"):
            pickle.dumps(one, way) if isinstance(way, int) else way(one)


def answer(model: tfnative.Model) -> Any:
    return model.predict([[1, 1, 1]], signature="affine").tolist(), model.path


@pytest.mark.parametrize("protocol", range(6))
def test_a_model_is_pickled_by_its_path_and_options(fake: Path, protocol: int) -> None:
    with tfnative.load(fake, threads=2, cpu_level="generic", verify=False) as model:
        again = pickle.loads(pickle.dumps(model, protocol))
        assert answer(again)[0] == [[3, 3, 3]]
        assert (again.threads, again.cpu_level) == (2, "generic")
        assert Path(again.path).is_absolute()
        assert copy.copy(model) is not model
        model.close()
        closed = pickle.dumps(model, protocol)
    assert answer(pickle.loads(closed))[0] == [[3, 3, 3]]


def test_a_pool_of_processes_takes_models(
    fake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(fake.parent)
    with (
        tfnative.load(fake.name) as model,
        ProcessPoolExecutor(1, get_context("spawn")) as pool,
    ):
        assert pool.submit(answer, model).result() == ([[3, 3, 3]], str(fake))
