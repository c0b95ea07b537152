# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""In a sub-interpreter, importing fails at once and says why."""

from __future__ import annotations

import subprocess
import sys

import pytest

_PROGRAM = """
import sys
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
{before}
inside = '''
import sys
sys.path[:] = {path!r}
try:
    import {module}
except ImportError as error:
    print("refused:", error)
else:
    print("imported")
'''
interpreter = interpreters.create()
interpreters.run_string(interpreter, inside)
interpreters.destroy(interpreter)
import tfnative
print(tfnative.errors.code_of(tfnative.InvalidArgumentError()))
"""


@pytest.mark.parametrize("module", ["tfnative", "tfnative._core"])
@pytest.mark.parametrize("before", ["", "import tfnative"])
def test_importing_is_refused_and_the_main_interpreter_is_as_it_was(module, before):
    program = _PROGRAM.format(path=sys.path, module=module, before=before)
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    assert len(said) == 2
    assert said[0].startswith("refused: ")
    assert said[1] == "3"


def test_the_extension_module_says_what_to_do():
    """Also where NumPy would not have been the first to refuse."""
    program = _PROGRAM.format(path=sys.path, module="core", before="")
    program = program.replace(
        "    import core\n",
        "    from importlib.util import find_spec\n"
        "    import importlib.machinery, importlib.util\n"
        f"    file = {_extension()!r}\n"
        "    loader = importlib.machinery.ExtensionFileLoader('_core', file)\n"
        "    spec = importlib.util.spec_from_file_location('_core', loader=loader)\n"
        "    importlib.util.module_from_spec(spec)\n",
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    expected = "refused: tfnative does not support sub-interpreters"
    assert done.stdout.startswith(expected), done.stdout + done.stderr


def _extension() -> str:
    import tfnative._core

    return str(tfnative._core.__file__)
