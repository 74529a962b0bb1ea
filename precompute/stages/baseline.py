"""Stage baseline: what answers score that never read a sentence; one artefact a task, for all its seeds."""

from __future__ import annotations

from dataclasses import asdict, replace

from explorer.store.schema import ALL_SEEDS, Key, Manifest
from explorer.tickets.baselines import baseline
from precompute.artefacts import Draft, Stopwatch, finished
from precompute.options import Options

SEED, DRAWS = 0, 1000
"""For STS-B, whose baseline is drawn."""


def make(options: Options, train_file: str | None = None) -> Manifest:
    """Scores the majority class of the training labels (STS-B: draws from a normal fit) on dev.

    train_file: another training file of the task's folder.
    """
    key = Key(replace(options.run, seed=ALL_SEEDS), "baseline")
    config: dict[str, object] = {"seed": SEED, "draws": DRAWS}
    if train_file:
        config["train_file"] = train_file
    if there := finished(options.bundle, key, config):
        return there
    train, dev = options.examples("train", train_file), options.examples("dev")
    watch = Stopwatch.start()
    made = baseline(options.task, train.labels, dev.labels, seed=SEED, draws=DRAWS)
    summary = {name: value for name, value in asdict(made).items() if name != "task"}
    draft = Draft(options, key, config, {"train": train, "dev": dev}, "")
    return draft.write(summary | {"n": len(dev), "metric": options.task.metric}, watch.seconds)
