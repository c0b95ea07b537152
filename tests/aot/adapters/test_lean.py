# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What stands for TensorFlow gives TensorFlow's own names, and becomes the whole.

What a process imports is tried in one of its own, since it imports TensorFlow once.
"""

from __future__ import annotations

import functools
import importlib
import os
import subprocess
import sys
import types
from pathlib import Path

import pytest

from tests.conftest import Export
from tests.models import ZOO
from tfnative_aot import adapters
from tfnative_aot.adapters import lean_2_21

pytestmark = pytest.mark.slow  # Each process imports TensorFlow.

LEAN = "from tfnative_aot import adapters; adapters.import_lean()\n"


def run_python(code: str, *arguments: str | Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_every_name_is_what_the_whole_of_tensorflow_has_under_it() -> None:
    import tensorflow as tf

    assert type(tf) is types.ModuleType
    names = lean_2_21.names()
    assert len(names) > 20
    different = [
        public
        for public, (module, name) in names.items()
        if getattr(importlib.import_module(module), name)
        is not functools.reduce(getattr, public.split("."), tf)
    ]
    assert different == []


def test_known_names_load_neither_the_rest_nor_keras() -> None:
    code = LEAN + (
        "import sys\n"
        "import tensorflow as tf\n"
        "print('tensorflow.python' in sys.modules)\n"
        "graph, example = tf.Graph(), tf.train.Example()\n"
        "print(tf.dtypes.as_dtype('float32') is tf.float32, tf.constant(2.0).numpy())\n"
        "print('keras' in sys.modules, 'tensorflow._api' in sys.modules)\n"
    )
    assert run_python(code) == ["False", "True 2.0", "False False"]


def test_any_other_name_loads_the_whole_and_none_of_pythons() -> None:
    code = LEAN + (
        "import sys\n"
        "import tensorflow as tf\n"
        "print(hasattr(tf, '__wrapped__'), 'tensorflow.python' in sys.modules)\n"
        "before = tf.Graph, tf.function, tf.compat.v1.Session\n"
        "print(tf.compat.v1.global_variables is not None)\n"
        "print((tf.Graph, tf.function, tf.compat.v1.Session) == before)\n"
        "layer = tf.keras.layers.Dense(3)\n"
        "print(tf.keras.Sequential([layer])(tf.ones((2, 2))).shape)\n"
        "whole = sys.modules['tensorflow']\n"
        "print(type(tf).__name__, whole is tf, tf.__version__[:4])\n"
        "try:\n"
        "    tf.there_is_no_such_name\n"
        "except AttributeError as error:\n"
        "    print(error)\n"
    )
    found = run_python(code)
    assert found[:5] == ["False False", "True", "True", "(2, 3)", "module True 2.21"]
    assert "there_is_no_such_name" in found[5]


def test_tensorflow_that_is_imported_stays_as_it_is() -> None:
    import tensorflow as tf

    assert type(tf) is types.ModuleType
    adapters.import_lean()
    assert sys.modules["tensorflow"] is tf
    assert type(tf) is types.ModuleType


def test_the_command_compiles_without_the_whole(export: Export, tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from tfnative.cli import main\n"
        "arguments = ['compile', *sys.argv[1:], '--cpu', 'native']\n"
        "code = main(arguments, owns_process=True)\n"
        "print(code, 'keras' in sys.modules, 'tensorflow._api' in sys.modules)\n"
    )
    model = export(ZOO["digits_cnn"])
    last = run_python(code, model, "-o", tmp_path / "digits")[-1]
    assert last == "0 False False"


def test_the_function_leaves_its_caller_the_whole(
    export: Export, tmp_path: Path
) -> None:
    code = (
        "import sys, tfnative\n"
        "tfnative.compile(sys.argv[1], sys.argv[2], cpus=['native'])\n"
        "import tensorflow as tf\n"
        "print(type(tf).__name__, 'tensorflow._api' in sys.modules)\n"
    )
    model = export(ZOO["digits_cnn"])
    assert run_python(code, model, tmp_path / "digits") == ["module True"]
