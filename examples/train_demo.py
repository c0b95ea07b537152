# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Trains a model by three strategies, compiles it, and serves it: `make train-demo`.

Two of the strategies are clusters of real processes, and one loses a member on the way.
All that it writes is below ``build/train_demo``.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from train_demo_parts.command import ROOT, FailedError, ask, show, training
from train_demo_parts.fitting import Fit
from train_demo_parts.kill import Kill, killing
from train_demo_parts.losses import draw
from train_demo_parts.serving import served_accuracy

OUTPUT = Path("build/train_demo")
EPOCHS = 6
STEPS = EPOCHS * 44  # 1,437 digits, 32 in a step.
KILLED = "ps-async"
TRACED = ("--profile", "100-110")  # A few steps after what the first ones compile.


def main() -> int:
    """Runs the demonstration; returns 1 if anything is not as it should be."""
    shutil.rmtree(ROOT / OUTPUT, ignore_errors=True)
    try:
        run()
    except FailedError as error:
        print(f"\ntrain-demo failed: {error}", file=sys.stderr)
        return 1
    return 0


def run() -> None:
    """Trains, looks, compiles, serves, and sums up."""
    say("1. One process trains a network that reads digits")
    fits = [fit("single", "--logs", logs("single"), *TRACED)]

    say("2. Two workers train it together: each has half of every batch")
    folder = ("--run-folder", run_folder("multi-worker"))
    cluster = ("--workers", "2", "--logs", logs("multi-worker"), *TRACED)
    fits += [fit("multi-worker", *cluster, *folder)]

    say("3. Two workers and a parameter server, whose process is killed on the way")
    kill = Kill("ps 0", step=STEPS // 2)
    with killing(kill, ROOT / run_folder(KILLED)):
        folder = ("--run-folder", run_folder(KILLED))
        servers = ("--workers", "2", "--ps", "1", "--checkpoint-steps", "22")
        fits += [fit(KILLED, *servers, *folder)]
    step = fits[-1].went_on_after(kill)
    print(f"  Its weights were gone. Training went on from step {step}, a checkpoint.")

    say("4. Where the time goes: in a step, in feeding, and in all")
    pictures = look(kill)

    say("5. Compile all three, and compare them with TensorFlow")
    compiled = {each.strategy: compile_and_check(each) for each in fits}

    say("6. Serve the one that lost its server, and predict the held-out digits")
    served = served_accuracy(ROOT / artifact(KILLED), ROOT / held_out(KILLED))
    if abs(served - compiled[KILLED]) > 1e-6:
        raise FailedError(
            f"the server has {served:.4f} of the digits right, and the model that it "
            f"serves {compiled[KILLED]:.4f}"
        )

    say("What came of it")
    print(table(fits, compiled))
    print(f"\n{KILLED} lost {kill.member} at step {kill.step}, went on from {step}.")
    print("To look at:")
    for picture, what in pictures.items():
        print(f"  {picture}  {what}")


def fit(strategy: str, *options: str | Path) -> Fit:
    """Trains by a strategy, and exports; checks the accuracy."""
    command = ["fit", "--strategy", strategy, "--model", "cnn", "--data", "digits"]
    command += ["--epochs", str(EPOCHS), "--output", str(saved_model(strategy))]
    found = Fit.read(strategy, show(*training(*command, *options)))
    found.check()
    return found


def look(kill: Kill) -> dict[Path, str]:
    """Draws charts and a timeline: what each file shows, by its path."""
    steps, timeline = OUTPUT / "steps.png", OUTPUT / "timeline.json"
    feeding, losses = OUTPUT / "feeding.png", OUTPUT / "losses.png"
    traces = (logs("single"), logs("multi-worker"))
    show(*training("timeline", *traces, "--plot", steps, "--output", timeline))
    small = ("--data", "digits", "--batch-size", "32", "--steps", "40")
    show(*training("feed", *small, "--plot", feeding))
    runs = {name: ROOT / run_folder(name) for name in ("multi-worker", KILLED)}
    draw(runs, KILLED, kill, ROOT / losses)
    pictures = {
        steps: "how much of a step waits for input and for others",
        timeline: "the same, op by op: open it in https://ui.perfetto.dev",
        feeding: "how quickly each way feeds a device",
        losses: "how both clusters learn, and where one lost a member",
    }
    for picture in pictures:
        if not (ROOT / picture).stat().st_size:
            raise FailedError(f"{picture} is empty")
    return pictures


def compile_and_check(each: Fit) -> float:
    """Compiles what a training exported; returns the compiled model's accuracy."""
    files = (saved_model(each.strategy), "-o", artifact(each.strategy))
    found = ask(*training("check", *files, "--json"))
    print(
        f"  {found['compiled']:.4f} compiled, {found['tensorflow']:.4f} in TensorFlow; "
        f"outputs differ by {found['largest_difference']:.0e} at most"
    )
    if found["compiled"] != found["tensorflow"]:
        raise FailedError(f"{each.strategy} is not as accurate when it is compiled")
    return float(found["compiled"])


def table(fits: list[Fit], compiled: dict[str, float]) -> str:
    """A line for each strategy."""
    titles = ("steps", "steps/s", "accuracy", "compiled")
    lines = ["{:<14}{:>6}{:>9}{:>10}{:>10}".format("strategy", *titles)]
    lines += [
        f"{each.strategy:<14}{each.steps:>6}{each.steps_per_second:>9.1f}"
        f"{each.accuracy:>10.2%}{compiled[each.strategy]:>10.2%}"
        for each in fits
    ]
    return "\n".join(lines)


def logs(strategy: str) -> Path:
    """For TensorBoard, with the traces of some steps."""
    return OUTPUT / "logs" / strategy


def run_folder(strategy: str) -> Path:
    """For what a cluster's members say, and their checkpoints."""
    return OUTPUT / "runs" / strategy


def saved_model(strategy: str) -> Path:
    """What training exports."""
    return OUTPUT / "saved_models" / strategy


def held_out(strategy: str) -> Path:
    """The rows that training has not seen, which are exported beside the model."""
    return saved_model(strategy).with_name(f"{strategy}_heldout.npz")


def artifact(strategy: str) -> Path:
    """The compiled model."""
    return OUTPUT / "compiled" / strategy


def say(what: str) -> None:
    """Begins a part."""
    print(f"\n=== {what}", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
