# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""How blocks of the pages are run: what they take for granted, and which are not."""

from __future__ import annotations

from tests.project.pages import ROOT

_IMAGES = """
import numpy as np
images = np.random.default_rng(0).random((100, 8, 8, 1), dtype=np.float32)
np.save("images.npy", images)
"""
_VERSIONS = """
from pathlib import Path
Path("models/digits").mkdir(parents=True)
for version in ("1", "3", "5"):
    Path("models/digits", version).symlink_to(Path("build/digits").resolve())
"""
_SERVER = """
import json, signal, subprocess, sys
server = subprocess.Popen(
    [sys.executable, "-m", "tfnative", "serve", "models/digits",
     *"--host 127.0.0.1 --port 0 --rest-port 0 --json".split()],
    stdout=subprocess.PIPE, text=True)
cleanup.append(lambda: (server.send_signal(signal.SIGTERM), server.wait()))
listening = json.loads(server.stdout.readline())
replace["localhost:8500"] = f"localhost:{listening['port']}"
replace["localhost:8501"] = f"localhost:{listening['rest_port']}"
"""
_TRAINING = f"""
import os
os.environ["PYTHONPATH"] = {str(ROOT)!r}
"""
SETUPS = {
    "README.md": _IMAGES,
    "batching.md": _IMAGES
    + """
import asyncio, tfnative
from pathlib import Path
Path("batching.txt").write_text("max_batch_size { value: 32 }\\n")
x = images[:2]
rows = [images[:1], images[1:2]]
model = tfnative.load("build/digits")
new_model = tfnative.load("build/digits")
""",
    "kserve.md": _IMAGES + _VERSIONS + _SERVER,
    "model_store.md": _IMAGES + _VERSIONS,
    "offline.md": """
from pathlib import Path
import numpy as np, pyarrow, pyarrow.parquet
Path("rows").mkdir()
generator = np.random.default_rng(0)
for first, name in ((0, "a"), (5000, "b")):
    pixels = pyarrow.array(generator.random(5000 * 64, dtype=np.float32))
    image = pyarrow.FixedSizeListArray.from_arrays(pixels, 64)
    ids = np.arange(first, first + 5000)
    table = pyarrow.table({"id": ids, "image": image})
    pyarrow.parquet.write_table(table, f"rows/{name}.parquet")
""",
    "serving.md": _IMAGES + _VERSIONS + _SERVER,
    "tracing.md": _VERSIONS + _SERVER,
    "training.md": _TRAINING,
    "wheel.md": _IMAGES,
}
"""Python that runs before a page's blocks."""

FILES = {
    "detect.md": {"app/main.cc": ("cpp", 0), "app/main.c": ("c", 0)},
    "embed.md": {"app/main.cc": ("cpp", 0), "app/CMakeLists.txt": ("cmake", 0)},
}
"""Blocks that the page tells a reader to save."""

PROGRAMS = {"optimize.md": ("dot",), "pictures.md": ("dot",)}
"""Programs of the system that a page's blocks need, and that may be missing."""

_INSTALLS = "installs packages, which needs a network"
_SECONDS = "compiles for ten seconds what get_started.md compiles, too"
_TESTED = "is run on models of its own by "
_BENCH = "measures for minutes; tests/benchmarks runs its parts"
_AUTO = _TESTED + "tests/aot/quantize/auto/test_artifact.py"
_CALIBRATION = "needs samples; tests/aot/quantize/calibrate has some"
_BAZEL = "is built by tests/aot/artifact/test_bazel.py"
_CLUSTER = "needs a Kubernetes; tests/deploy/test_manifests.py reads the manifests"
_REGISTRY = "needs a registry; tests/deploy/test_images.py builds what needs none"
_README = "is run by tests/project/test_readme.py, one after the other"

NOT_RUN: dict[tuple[str, str], str] = {
    (
        "README.md",
        "make demo    # trains a model, compiles it, and runs it in Python, C++ and C",
    ): "runs all tests, this one among them",
    (
        "README.md",
        "pip install .             # to predict; NumPy is the only dependency",
    ): _INSTALLS,
    (
        "README.md",
        "tfnative compile saved_models/digits -o build/digits --batch-sizes 1,8,32",
    ): _README,
    ("README.md", "tfnative inspect build/digits"): _README,
    ("backends.md", 'model = tfnative.load("build/reviews")'): _TESTED
    + "tests/aot/split/test_split_model.py",
    (
        "backends.md",
        'model = tfnative.load("saved_models/digits", backend="auto")',
    ): _TESTED + "tests/aot/test_auto.py",
    (
        "backends.md",
        "tfnative cache list                     # models, where they came from, "
        "sizes, last use",
    ): "clears the cache of whoever runs the tests; "
    "tests/python/cache/test_cache.py has its own",
    (
        "batching.md",
        "tfnative tune build/digits --latency-target-ms 20 --output batching.txt",
    ): _TESTED + "tests/python/cli/test_tune.py",
    (
        "bazel.md",
        "bazel build --action_env=TFNATIVE_PYTHON=/path/to/venv/bin/python //:predict",
    ): _BAZEL,
    (
        "bazel.md",
        "bazel build --action_env=TFNATIVE_CACHE=$HOME/.cache/tfnative \\",
    ): _BAZEL,
    ("clusters.md", 'pip install "tfnative[ray]"     # Ray Data, Ray Serve'): _INSTALLS,
    (
        "clusters.md",
        "tfnative score --model build/digits --input 'rows/*.parquet' --output scored/ "
        "--engine ray",
    ): _TESTED + "tests/python/engines/test_score.py",
    ("clusters.md", "spark-submit --master spark://host:7077 \\"): _TESTED
    + "tests/python/engines/test_score.py",
    ("clusters.md", "import ray"): _TESTED + "tests/python/engines/test_ray.py",
    ("clusters.md", "from ray import serve"): _TESTED
    + "tests/python/engines/test_ray.py",
    ("clusters.md", "from tfnative.engines.spark import batch_udf, predict"): _TESTED
    + "tests/python/engines/test_spark.py",
    ("clusters.md", "import apache_beam as beam"): _TESTED
    + "tests/python/engines/test_beam.py",
    (
        "compile.md",
        "tfnative compile saved_models/digits -o build/digits --batch-sizes 1,8,32",
    ): _SECONDS,
    ("compile.md", "import tfnative"): _SECONDS,
    (
        "compile.md",
        "tfnative compile saved_models/audio -o build/audio --shape waveform=?,16000,1",
    ): _TESTED + "tests/aot/test_compile.py",
    (
        "compile.md",
        "tfnative compile saved_models/upscale -o build/upscale --constant factor=2",
    ): _TESTED + "tests/fidelity/test_constant_operands.py",
    (
        "compile.md",
        "tfnative compile frozen.pb -o build/net --inputs image=x:0 --outputs "
        "score=y:0",
    ): _TESTED + "tests/aot/test_compile.py",
    (
        "deploy.md",
        "docker build -f deploy/Dockerfile -t registry.example/tfnative:1 .",
    ): _REGISTRY,
    (
        "deploy.md",
        "tfnative compile saved_models/digits -o models/digits/1 --name digits "
        "--batch-sizes 1,8,32",
    ): _REGISTRY,
    (
        "deploy.md",
        "docker compose -f deploy/docker-compose.yml up --build",
    ): _REGISTRY,
    (
        "deploy.md",
        "tfnative compile saved_models/digits -o build/digits --name digits --static",
    ): _REGISTRY,
    (
        "edge.md",
        "tfnative compile saved_models/digits -o build/digits-pi --name digits "
        "--target linux-aarch64",
    ): _TESTED + "tests/aot/artifact/test_other_machines.py",
    (
        "edge.md",
        "cmake -S build/digits-pi/sources -B build/here && cmake --build build/here",
    ): _TESTED + "tests/aot/artifact/test_other_machines.py",
    ("edge.md", "PKG_CONFIG_PATH=build/digits-pi/lib/pkgconfig \\"): _TESTED
    + "tests/consumers/test_edge_programs.py",
    ("edge.md", "/* Checks size and SHA-256. */"): _TESTED
    + "tests/aot/artifact/test_other_machines.py",
    (
        "embed.md",
        "cmake --preset release -DCMAKE_INSTALL_PREFIX=$HOME/tfnative-sdk",
    ): "is what the fixture of tests/consumers/test_sdk.py does",
    ("get_started.md", 'pip install ".[aot]"'): _INSTALLS,
    ("gpu.md", "model = tfnative.load("): "needs a GPU",
    ("gpu.md", 'pip install ".[aot,test,training]" "tensorflow[and-cuda]"'): _INSTALLS,
    ("kubernetes.md", "kubectl apply -k deploy/overlays/volume"): _CLUSTER,
    (
        "kubernetes.md",
        "helm upgrade --install adapter prometheus-community/prometheus-adapter \\",
    ): _CLUSTER,
    ("kubernetes.md", "kubectl apply -k deploy/kserve"): _CLUSTER,
    (
        "kubernetes.md",
        "python -m training manifests --image registry.example/training:1 --claim "
        "training \\",
    ): _CLUSTER,
    (
        "memory.md",
        "python -m benchmarks.memory --models transformer,unet --batch-sizes 1,8",
    ): _BENCH,
    ("optimize.md", "python -m benchmarks.optimizing"): _BENCH,
    ("pictures.md", "apt-get install graphviz"): _INSTALLS,
    ("quantize.md", "python -m benchmarks.precision"): _BENCH,
    ("quantize.md", "python -m benchmarks.recurrent"): _BENCH,
    ("quantize.md", 'pip install ".[aot,bench]"'): _BENCH,
    (
        "quantize.md",
        "tfnative compile saved_models/digits -o build/int8 --precision int8 "
        "--calibration images.npz",
    ): _CALIBRATION,
    ("quantize.md", "import numpy as np"): _CALIBRATION,
    (
        "quantize.md",
        "tfnative compile saved_models/net -o build/net --precision auto "
        "--max-accuracy-drop 0.5% \\",
    ): _AUTO,
    ("quantize.md", "tfnative.compile("): _AUTO,
    (
        "quantize.md",
        "tfnative compile saved_models/trained_for_8_bits -o build/small "
        "--precision int8",
    ): _TESTED + "tests/aot/quantize/static/test_quantized_models.py",
    ("quantize.md", "python -m benchmarks --precision int8"): _BENCH,
    ("quantize.md", 'pip install ".[aot,bench]" scikit-learn'): _BENCH,
    ("pictures.md", "pip install ai-edge-model-explorer"): _INSTALLS,
    (
        "performance.md",
        "tfnative bench build/resnet50 --profile --trace trace.json",
    ): _TESTED + "tests/python/cli/test_cli.py",
    ("performance.md", "make bench"): _BENCH,
    ("kserve.md", "import tritonclient.grpc as triton"): _TESTED
    + "tests/python/serving/server/test_tritonclient.py",
    (
        "performance.md",
        'make bench BENCH="--models mlp,cnn --peers litert,ort"',
    ): _BENCH,
    ("performance.md", 'pip install ".[aot,bench]"'): _BENCH,
    (
        "performance.md",
        'make bench BATCHING="--models cnn --peers batched-ort"',
    ): _BENCH,
    ("performance.md", 'pip install ".[aot,bench,training]" cmake ninja'): _BENCH,
    ("performance.md", 'echo "blocking 64 5" | perf record -g \\'): "needs perf",
    (
        "refused.md",
        "tfnative compile saved_models/upscale -o build/upscale --constant factor=2",
    ): _TESTED + "tests/fidelity/test_constant_operands.py",
    ("serving.md", "serving = tfnative.serving"): "needs certificates; "
    "tests/python/serving makes some",
    (
        "serving.md",
        "tfnative serve models/digits --port 8500 --rest-port 8501",
    ): "runs for ever; the page's other blocks ask such a server",
    ("tracing.md", 'pip install ".[serving,telemetry]"'): _INSTALLS,
    (
        "scale.md",
        "python -m benchmarks.scale check --batch-micros 20000 --row-micros 2500 \\",
    ): _BENCH,
    (
        "scale.md",
        "python -m benchmarks.scale machines --batch-micros 20000 --row-micros 2500 \\",
    ): _BENCH,
    (
        "tensorflow.md",
        'model = tfnative.load("saved_models/reviews", backend="tensorflow")',
    ): _TESTED + "tests/aot/test_tensorflow_backend.py",
    (
        "training.md",
        "python -m training fit --model cnn --data digits --output "
        "saved_models/digits --overwrite",
    ): _TESTED + "tests/training/test_fit.py",
    (
        "training.md",
        "python -m training feed --data digits --steps 20 --num-processing-threads 1 2 "
        "--plot feed.png",
    ): _TESTED + "tests/training/feed/test_feed.py",
    (
        "training.md",
        "python -m training feed --data fashion --num-processing-threads 2 "
        "--queue-capacity 4 100 \\",
    ): _TESTED + "tests/training/feed/test_feed.py",
    (
        "training.md",
        "python -m training replicas --model cnn --data digits --replicas 1 2 4",
    ): _TESTED + "tests/training/strategies/test_speed.py",
    (
        "training.md",
        "for precision in float32 mixed_float16 mixed_bfloat16; do",
    ): _TESTED + "tests/training/strategies/test_precision.py",
    (
        "training.md",
        "python -m training check saved_models/digits -o build/digits-checked",
    ): _TESTED + "tests/training/export/test_export.py",
    (
        "training.md",
        "python -m training check saved_models/digits -o build/digits-closed \\",
    ): _TESTED + "tests/training/export/test_export.py",
    (
        "training.md",
        "python -m training manifests --image registry.example/training:1 --claim "
        "training \\",
    ): "needs a Kubernetes; "
    "tests/training/cluster/test_manifests.py reads what it writes",
    ("wheel.md", "mkdir -p dist"): _INSTALLS,
    ("wheel.md", "import digits_model"): "needs the wheel to be installed; "
    "tests/aot/artifact/test_model_wheel.py does so",
    (
        "training.md",
        "python -m training fit --strategy multi-worker --workers 2 --steps 60 \\",
    ): _TESTED + "tests/training/cluster/test_failures.py",
    (
        "training.md",
        'export TF_CONFIG=\'{"cluster": {"worker": ["host1:2222", "host2:2222"]},',
    ): "names other machines; "
    "tests/training/cluster/test_bad_input.py starts members here",
    (
        "training.md",
        "python -m training fit --strategy ps-async --workers 3 --ps 2 --steps 300 \\",
    ): _TESTED + "tests/training/cluster/test_failures.py",
    (
        "training.md",
        "python -m training compare sync async --model mlp --workers 3 --steps 120 \\",
    ): _TESTED + "tests/training/compare/test_compare.py",
    (
        "training.md",
        "python -m training fit --strategy ps-sync --workers 2 --ps 1 --steps 150 \\",
    ): _TESTED + "tests/training/cluster/test_failures.py",
    (
        "training.md",
        "python -m training fit --strategy model-parallel --replicas 2 --model cnn \\",
    ): _TESTED + "tests/training/strategies/test_model_parallel.py",
    ("training.md", 'kill -9 $(python -c "import json'): _TESTED
    + "tests/training/cluster/test_failures.py",
    (
        "training.md",
        "python -m training fit --strategy ps-async --evaluator --steps 200 \\",
    ): _TESTED + "tests/training/cluster/test_failures.py",
    (
        "training.md",
        "python -m training fit --model cnn --data digits --epochs 2 --logs "
        "build/logs/cnn \\",
    ): _TESTED + "tests/training/observe/test_watch.py",
    (
        "training.md",
        "python -m training fit --model mlp --data digits --steps 40 --batch-delay "
        "30 \\",
    ): _TESTED + "tests/training/observe/test_watch.py",
    (
        "training.md",
        "python -m training fit --model mlp --data digits --learning-rate 1e30 --debug "
        "numerics",
    ): _TESTED + "tests/training/observe/test_debug.py",
    (
        "training.md",
        "python -m training jit --model cnn --data digits --hlo build/training/hlo",
    ): _TESTED + "tests/training/observe/test_jit.py",
    (
        "training.md",
        'pip install ".[spark]"   # and Java 17 or later: apt-get install '
        "default-jre-headless",
    ): _INSTALLS + "; tests/training/data/test_spark.py runs the rest of it",
}
"""Blocks that are not run, by page and first line, with the reason."""
