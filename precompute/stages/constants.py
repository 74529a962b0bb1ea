"""Stage constants: a constant learnt for the place of each head and MLP that is off, against the mean and nothing.

Goes beyond the paper, which leaves nothing there; it is Li and Janson's optimal ablation (2024, arXiv:2409.09951).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from tqdm import tqdm

from explorer.bert.engine import Instead
from explorer.bert.shards import shards_of
from explorer.bert.stand_ins import DRAWN, LEARNED, MEAN, SAMPLE, SAMPLE_SEED, ZERO, sample_for_means
from explorer.glue.encoding import Encoded, encode
from explorer.store.runs_of_task import TOGETHER
from explorer.store.schema import Manifest
from explorer.store.task_tickets import tickets_beside
from explorer.tickets.criteria import RATES, mask_of, random_masks
from explorer.tickets.learned_constants import BATCH, LEARNING_RATE, STEPS, LearnedConstants, learn_constants
from explorer.tickets.subnetworks import bad, good, random
from precompute.artefacts import Draft, Stopwatch, require_same_checkpoint, scored, up_to_date
from precompute.options import Options
from precompute.stages.opened import OpenRun, open_run, require_every_head, score_masks

MASKS = 25
"""Random masks that are scored under each stand-in, the first of a bank's: as many at each keep rate."""
_DRAW_SEED = 0


def make(options: Options) -> Manifest:
    """Learns the constants from training examples; scores the tickets and random masks with them, means and nothing.

    Made anew when the run was pruned anew; goes on where an earlier call was killed. Raises BadBundle without a path.
    """
    run, key, bundle = options.run, options.key("constants"), options.bundle
    finetuned, pruned = bundle.manifest(options.key("finetune")), bundle.manifest(options.key(*TOGETHER))
    require_same_checkpoint(bundle, pruned, finetuned)
    own = tickets_beside(bundle, run)[run.seed]
    config: dict[str, Any] = {
        "data": f"{SAMPLE} training examples",
        "sample_seed": SAMPLE_SEED,
        "steps": STEPS,
        "batch_size": BATCH,
        "learning_rate": LEARNING_RATE,
        "rates": list(RATES),
        "masks": MASKS,
        "draw_seed": _DRAW_SEED,
        "ticket": own.code,
    }
    if there := up_to_date(bundle, key, config):
        return there
    opened, sample = open_run(options), sample_for_means(options.examples("train", finetuned.config.get("train_file")))
    require_every_head(opened.classifier.gone, "A learned constant")
    draft = Draft(options, key, config, {"dev": opened.dev, "train-sample": sample}, opened.classifier.sha256)
    began = draft.state("began")  # holds nothing but the seconds of earlier sittings
    watch = Stopwatch.start(began.seconds)
    encoded = encode(sample, opened.classifier.tokenizer)
    means = opened.evaluator.engine.mean_outputs(shards_of(encoded, device=options.device))
    learnt = _learnt(draft, opened, encoded, means)
    began.save()
    of = {
        ZERO: opened.evaluator,
        MEAN: opened.evaluator.with_instead(means, "means"),
        LEARNED: opened.evaluator.with_instead(learnt.instead, "learned constants"),
    }
    full = opened.evaluator.full_mask
    shape = opened.shape
    kept, rates = random_masks(shape[0] * (shape[1] + 1), MASKS, _DRAW_SEED)
    tickets = [good(own), random(own, run.seed, full), bad(own, run.seed, full)]
    masks = [*(member.mask for member in tickets), *(mask_of(row, shape) for row in kept)]
    names = [*(member.kind for member in tickets), *[DRAWN] * MASKS]
    evaluations = []
    for instead, evaluator in of.items():
        evaluations += score_masks(evaluator, masks, f"{instead} {run.path}", draft.state(f"scores-{instead}"))
        began.save()
    table, arrays = scored(options.task, opened.evaluator.labels, evaluations)
    table.insert(1, "name", names * len(of))
    table.insert(2, "rate", [*[np.nan] * len(tickets), *rates] * len(of))
    table.insert(3, "instead", np.repeat(list(of), len(masks)))
    arrays |= {
        "heads": learnt.instead.heads.numpy().astype(np.float32),
        "mlps": learnt.instead.mlps.numpy().astype(np.float32),
        "losses": learnt.losses.astype(np.float32),
    }
    summary = {
        "full_score": opened.evaluator.full.score,
        "examples": len(sample),
        "first_loss": float(learnt.losses[:10].mean()),
        "last_loss": float(learnt.losses[-10:].mean()),
    }
    return draft.write(summary, watch.seconds, arrays=arrays, table=table.drop(columns="seconds"))


def _learnt(draft: Draft, opened: OpenRun, encoded: Encoded, means: Instead) -> LearnedConstants:
    with tqdm(total=STEPS, desc=f"constants {opened.run.path}", unit="step") as bar:

        def show(done: int, _of: int) -> None:
            bar.update(done - bar.n)

        return learn_constants(
            opened.classifier,
            draft.options.task,
            encoded,
            means,
            RATES,
            steps=STEPS,
            batch_size=BATCH,
            learning_rate=LEARNING_RATE,
            seed=_DRAW_SEED,
            device=draft.options.device,
            state=draft.state("learnt"),
            on_step=show,
        )
