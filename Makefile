# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
#
# The one list of commands: `make help`.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
CXX ?= c++
export PATH := $(abspath $(BIN)):$(PATH)
export TF_CPP_MIN_LOG_LEVEL ?= 2
export NO_MKDOCS_2_WARNING := 1
# Nobody compiles the modules of the packages when they are installed (see below): what
# a process has compiled is for the next. Without, each takes 14 s of processor time to
# import TensorFlow, and not 5.
unexport PYTHONDONTWRITEBYTECODE

SOURCES := $(shell find cpp python aot cmake -type f -not -name '*.pyc')
PROJECT := pyproject.toml CMakeLists.txt README.md LICENSE
CXX_FILES = $(shell git ls-files -co --exclude-standard '*.h' '*.hpp' '*.cc' '*.c')
PYTEST_ARGS ?=
# One more than there are processors: tests wait for processes that they start, and for
# clocks, a seventh of their time.
JOBS ?= $(shell echo $$(($$(nproc 2>/dev/null || echo 2) + 1)))
PYTEST = $(BIN)/python -m pytest -n $(JOBS) --dist worksteal
BENCH ?=
BATCHING ?=
SERVING ?=
PRESETS ?= asan tsan
SOAK ?= 120
GRAPHS ?= 100
ROLLING ?= 100000
MINUTES ?= 30
SECONDS ?= 60
EXAMPLES ?= 200
MUTANTS ?= 200
SEED ?= 1

.DEFAULT_GOAL := help
.PHONY: help demo test test-quick test-cpp test-soak test-soak-server test-rolling \
  test-fidelity test-machines test-models test-training test-engines test-optimize \
  test-schema test-clients \
  fuzz-python fuzz-cpp test-python train-demo mutants lint format tidy bench bench-kernels \
  docs docs-serve options protos \
  tools setup wheel clean
.NOTPARALLEL:

help:  ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 26

demo: $(VENV)/.installed  ## train, compile and run a model; Python, C++ and C
	$(BIN)/python examples/demo.py

train-demo: $(VENV)/.installed  ## train by three strategies, compile, serve, predict
	$(BIN)/python examples/train_demo.py

test:  ## everything that has to pass, and how long it took
	@MAKE="$(MAKE)" bash tests/run_all.sh tools setup,lint+test-cpp test-python

test-quick: lint  ## lint, and the Python tests that are quick
	$(PYTEST) -m "not slow and not alone" $(PYTEST_ARGS)

test-cpp: $(VENV)/.tools  ## C++ tests under the sanitizers; PRESETS=dev without
	@PRESETS="$(PRESETS)" CXX="$(CXX)" bash tests/run_cpp.sh

test-soak: export TFNATIVE_SOAK_SECONDS = $(SOAK)
test-soak: $(VENV)/.installed  ## batchers, used in all ways for SOAK=120 seconds each
	@TESTS=soak PRESETS="$(PRESETS)" CXX="$(CXX)" bash tests/run_cpp.sh
	$(BIN)/python -m pytest tests/python/batch/test_soak.py

test-soak-server: export TFNATIVE_SOAK_MINUTES = $(MINUTES)
test-soak-server: $(VENV)/.installed  ## a server under load for MINUTES=30
	$(BIN)/python -m pytest -s tests/python/serving/server/test_soak.py \
	  tests/python/serving/test_faults.py

test-rolling: export TFNATIVE_ROLLING_REQUESTS = $(ROLLING)
test-rolling: $(VENV)/.installed  ## ROLLING=100000 requests; servers restart, die, change
	$(BIN)/python -m pytest -s tests/python/serving/server/test_rolling.py

fuzz-cpp: $(VENV)/.tools  ## any bytes for what reads files and messages; SECONDS=60
	@CXX="$(CXX)" bash tests/fuzz_cpp.sh $(SECONDS)

test-fidelity: export TFNATIVE_RANDOM_GRAPHS = $(GRAPHS)
test-fidelity: $(VENV)/.installed  ## compare with TensorFlow; GRAPHS=100 random ones
	$(PYTEST) tests/fidelity tests/aot/rows tests/aot/program $(PYTEST_ARGS)

test-machines: export TFNATIVE_ALL_MACHINES = 1
test-machines: $(VENV)/.installed  ## more models on each machine that can be emulated
	$(PYTEST) tests/aot/artifact/test_other_machines.py tests/aot/link \
	  tests/aot/quantize/test_small_weights.py tests/consumers/test_edge_programs.py \
	  $(PYTEST_ARGS)

test-models: export TFNATIVE_ALL_MODELS = 1
test-models: $(VENV)/.installed  ## every model of the zoo, the largest ones too
	$(PYTEST) tests/aot/test_compile.py tests/aot/test_tensorflow_backend.py \
	  tests/aot/quantize/test_models.py tests/aot/quantize/test_recurrent_layers.py \
	  tests/fidelity/test_empty_batches.py $(PYTEST_ARGS)

test-training: export TFNATIVE_ALL_CLUSTERS = 1
test-training: $(VENV)/.spark  ## all of training; clusters lose each of their members
	$(PYTEST) tests/training $(PYTEST_ARGS)

test-engines: $(VENV)/.engines  ## Ray, Spark and Beam, on clusters of this machine
	$(VENV)-engines/bin/python -m pytest tests/python/engines $(PYTEST_ARGS)

test-optimize: MODELS = all
test-optimize: $(VENV)/.installed  ## optimize every model of the zoo; MODELS=resnet50,lstm
	$(BIN)/python -m benchmarks.optimizing --models $(MODELS)

test-clients: export TFNATIVE_ALL_CLIENTS = 1
test-clients: $(VENV)/.installed  ## others' clients and servers with the same APIs
	$(PYTEST) tests/python/serving/server/test_tritonclient.py \
	  tests/python/serving/test_pythie_serving.py $(PYTEST_ARGS)

test-schema: export TFNATIVE_SCHEMA_EXAMPLES = $(EXAMPLES)
test-schema: $(VENV)/.installed  ## ask the REST API whatever it describes; EXAMPLES=200
	$(PYTEST) tests/python/serving/server/test_openapi.py $(PYTEST_ARGS)

fuzz-python: export TFNATIVE_FUZZ_SECONDS = $(SECONDS)
fuzz-python: $(VENV)/.installed  ## fuzz what reads requests; SECONDS=60 for each part
	$(PYTEST) tests/fuzz/python $(PYTEST_ARGS)

test-python: $(VENV)/.installed  ## Python tests; PYTEST_ARGS="-k name" for some
	$(PYTEST) $(PYTEST_ARGS)

mutants: $(VENV)/.mutants  ## which small changes no test catches; MUTANTS=200, SEED=1
	$(BIN)/python -m tests.mutants cpp --number $(MUTANTS) --seed $(SEED)
	$(BIN)/python -m tests.mutants python --number $(MUTANTS) --seed $(SEED)

lint: $(VENV)/.installed  ## ruff, mypy, imports, clang-format; changes nothing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@$(BIN)/clang-format --dry-run -Werror $(CXX_FILES)

format: $(VENV)/.installed  ## rewrite the sources in our style
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .
	@$(BIN)/clang-format -i $(CXX_FILES)

tidy: $(VENV)/.tools  ## clang-tidy (needs the program)
	cmake --preset tidy && cmake --build --preset tidy

bench: $(VENV)/.bench  ## measure against peers; BENCH="--models mlp" for some
	@mkdir -p build/benchmarks
	$(BIN)/python benchmarks/run.py >build/benchmarks/workloads.txt; missed=$$?; \
	  $(BIN)/python -m benchmarks $(BENCH); failed=$$?; \
	  $(BIN)/python -m benchmarks.batching $(BATCHING) || failed=1; \
	  $(BIN)/python -m benchmarks.tensorflow_backend || failed=1; \
	  $(BIN)/python -m benchmarks.serving $(SERVING) || failed=1; \
	  cat build/benchmarks/workloads.txt; exit $$((missed | failed))

bench-kernels: $(VENV)/.tools  ## each kernel, layer by layer, at each CPU level
	cmake --preset bench && cmake --build --preset bench
	for program in build/bench/benchmarks/kernels/bench_kernels_* \
	  build/bench/benchmarks/kernels/bench_quantized_*; do $$program; done

docs: $(VENV)/.docs  ## build/site, the documentation; nothing is fetched
	$(BIN)/python -m mkdocs build --strict

docs-serve: $(VENV)/.docs  ## show the documentation at http://localhost:8000
	$(BIN)/python -m mkdocs serve

options: $(VENV)/.installed  ## write the tables of docs/options.md anew
	$(BIN)/python tools/write_options.py

protos: $(VENV)/.installed  ## write the messages of serving anew
	$(BIN)/python tools/compile_protos.py

wheel: $(VENV)/.tools  ## dist/*.whl
	$(BIN)/pip wheel --quiet --no-deps --no-build-isolation -w dist .

clean:  ## remove what was built, but not .venv
	rm -rf build dist saved_models

tools: $(VENV)/.tools

setup: $(VENV)/.installed  ## .venv, with the package and what tests need

# What building needs, and what others' sources do. In .venv: nothing is installed
# elsewhere. The pip that comes with Python may be years old: it takes twice as long for
# 80,000 files.
$(VENV)/.tools: pyproject.toml
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo \
	  "$(PYTHON) cannot make a virtual environment. As root: apt-get install" \
	  "python3-venv. Without root: $(PYTHON) -m pip install --user virtualenv &&" \
	  "$(PYTHON) -m virtualenv $(VENV), and again."; exit 1; }
	@command -v $(firstword $(CXX)) >/dev/null || { echo "There is no C++ compiler:" \
	  "apt-get install g++, or set CC and CXX."; exit 1; }
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25"
	$(BIN)/pip install --quiet scikit-build-core pybind11 cmake ninja setuptools wheel
	@touch $@

# The package itself, not editable: tests see what users get. Python compiles the few
# modules that are imported by itself; all 10000 take half a minute.
$(VENV)/.installed: $(VENV)/.tools $(SOURCES) $(PROJECT)
	$(BIN)/pip install --quiet --no-compile --no-build-isolation ".[aot,test,training]"
	@touch $@

# What the benchmarks compare with, and draw with.
$(VENV)/.bench: $(VENV)/.installed
	$(BIN)/pip install --quiet --no-build-isolation ".[aot,bench,serving,training]"
	@touch $@

# Spark, which some tests of training run: half a gigabyte, and minutes to install.
$(VENV)/.spark: $(VENV)/.installed
	$(BIN)/pip install --quiet --no-build-isolation ".[aot,test,training,spark]"
	@touch $@

# Ray, Spark and Beam, which holds back versions of packages that others need newer. They
# get the package as it is installed.
$(VENV)/.engines: $(VENV)/.installed
	$(PYTHON) -m venv --clear $(VENV)-engines
	$(VENV)-engines/bin/python -m pip install --quiet --upgrade "pip>=25"
	$(BIN)/pip wheel --quiet --no-deps --no-build-isolation -w build/engines .
	$(VENV)-engines/bin/pip install --quiet --no-compile \
	  "$$(ls -t build/engines/*.whl | head -1)[test,score,ray,spark,beam]"
	@touch $@

# What changes sources at random, and says which tests run a line.
$(VENV)/.mutants: $(VENV)/.installed
	$(BIN)/pip install --quiet --no-build-isolation ".[aot,test,training,mutants]"
	@touch $@

# What the documentation is built with.
$(VENV)/.docs: $(VENV)/.installed
	$(BIN)/pip install --quiet --no-build-isolation ".[aot,docs]"
	@touch $@
