"""Stage baseline: what answers score that never read a sentence; one artefact a task, for all its seeds."""

from __future__ import annotations

from dataclasses import asdict

from explorer.store.schema import ALL_SEEDS, Key, Manifest, Run
from explorer.tickets.baselines import baseline
from precompute.artefacts import finished
from precompute.options import Options, Stopwatch, manifest

SEED, DRAWS = 0, 1000
"""For STS-B, whose baseline is drawn."""


def run_baseline(options: Options, model_name: str) -> Manifest:
    """The majority class of the training labels (STS-B: draws from a normal fit), scored on dev."""
    key = Key(Run(model_name, options.task.name, ALL_SEEDS), "baseline")
    config = {"seed": SEED, "draws": DRAWS}
    if there := finished(options.bundle, key, config):
        return there
    train, dev = options.examples("train"), options.examples("dev")
    watch = Stopwatch.start()
    made = baseline(options.task, train.labels, dev.labels, seed=SEED, draws=DRAWS)
    summary = {name: value for name, value in asdict(made).items() if name != "task"}
    return options.bundle.write(
        manifest(
            key,
            config,
            {"train": train, "dev": dev},
            checkpoint_sha256="",
            device="cpu",
            seconds=watch.seconds,
            summary=summary | {"n": len(dev), "metric": options.task.metric},
        )
    )
