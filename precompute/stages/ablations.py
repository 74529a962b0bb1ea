"""Stage ablations: the score lost when each head, each MLP and each layer alone is switched off."""

from __future__ import annotations

from collections.abc import Iterator

from explorer.mask import Mask
from explorer.store.schema import Manifest
from precompute.artefacts import Draft, Stopwatch, finished, scored
from precompute.options import Options
from precompute.stages.opened import open_run, score_masks


def make(options: Options) -> Manifest:
    """Scores every single ablation on the dev set, or goes on where an earlier call was killed."""
    key, config = options.key("ablations"), {"data": "dev"}
    if there := finished(options.bundle, key, config):
        return there
    opened = open_run(options)
    draft = Draft(options, key, config, {"dev": opened.dev}, opened.classifier.sha256)
    state = draft.state("scores")
    watch = Stopwatch.start(state.seconds)
    masks = list(single_ablations(opened.evaluator.full_mask))
    evaluations = score_masks(opened.evaluator, [mask for _, mask in masks], f"ablate {opened.run.path}", state)
    table, arrays = scored(options.task, opened.evaluator.labels, evaluations)
    table.insert(0, "component", [name for name, _ in masks])
    table["loss"] = opened.evaluator.full.score - table["score"]
    summary = {"masks": len(masks), "full_score": opened.evaluator.full.score}
    return draft.write(summary, watch.seconds, arrays=arrays, table=table)


def single_ablations(full: Mask) -> Iterator[tuple[str, Mask]]:
    """Yields name and mask of every head, MLP and layer switched off alone: 'head 0 3', 'mlp 2', 'layer 5'."""
    for layer in range(full.n_layers):
        for head in range(full.n_heads):
            yield f"head {layer} {head}", full.with_head(layer, head, False)
        yield f"mlp {layer}", full.with_mlp(layer, False)
        yield f"layer {layer}", full.with_layer(layer, False)
