"""Stage attention: every head's maps on the project's own sentences, as statistics, classes and a few whole maps.

Nothing of GLUE goes in, so all of it may be shipped: the sentences are the diagnostics written for this project.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from tqdm import tqdm

from explorer.arrays import Float64Array
from explorer.bert.attention import attention_maps
from explorer.bert.checkpoints import Classifier, load_finetuned, load_pretrained
from explorer.bert.engine import Engine
from explorer.bert.maps import AttentionMaps
from explorer.bert.stand_ins import sample_of
from explorer.errors import BadRequest
from explorer.glue.data_hash import examples_sha256
from explorer.glue.diagnostics import DIAGNOSTICS, diagnostic_for, sentences_of_stored_maps
from explorer.glue.encoding import encode
from explorer.glue.tasks import TASKS, Examples, Task
from explorer.glue.tokens import tokens_of
from explorer.mask import Mask
from explorer.patterns.classifier import trained as trained
from explorer.patterns.per_head import MapClassifier, head_table
from explorer.patterns.samples import Sample, pack_samples
from explorer.patterns.statistics import statistics
from explorer.store.bundle import sha256_of
from explorer.store.runs_of_task import complete, seeds_with
from explorer.store.saved_state import SavedState
from explorer.store.schema import Key, Manifest
from explorer.study.fitting import is_opened
from explorer.study.survivor_patterns import Weights, attention_key
from precompute.artefacts import Draft, Stopwatch
from precompute.options import Options
from precompute.stages.opened import require_every_head

SENTENCES, SAMPLES, SEED = 128, 8, 0
"""How many sentences are measured, how many of them are stored with all maps, and what they are drawn with."""


def make(options: Options, kind: Weights = "finetuned", classifier: MapClassifier | None = None) -> Manifest:
    """Measures the run's fine-tuned model, or the pre-trained one that the task's runs began with (once a task).

    classifier: the project's own by default. Made anew where sentences, weights or classifier are others than before.
    Raises BadBundle without a fine-tuned run.
    """
    names = classifier or shipped_classifier()
    key = attention_key(options.run.model, options.task.name, options.seed, kind)
    sentences = sentences_for(options.task)
    config = {"sentences": len(sentences), "samples": SAMPLES, "seed": SEED, "classifier": names.sha256}
    model = _load(options, kind)
    require_every_head(model.gone, "The stage attention")
    began_with = model.identity if kind == "pretrained" else None
    draft = Draft(options, key, config, {"sentences": sentences}, model.sha256, began_with)
    there = complete(options.bundle, key)
    if there and draft.begun(there):
        return there
    state = draft.state("sentences")
    watch = Stopwatch.start(state.seconds)
    measured, probabilities, samples = _measure(model, sentences, names, options.device, str(key.path), state)
    table = head_table(measured, probabilities, names.threshold)
    patterns = Counter(f"{row['kind']} {row['pattern']}" for row in table.to_dict("records"))
    return draft.write(
        {"heads": model.n_layers * model.n_heads, "sentences": len(sentences), **patterns},
        watch.seconds,
        arrays=pack_samples(samples),
        table=table.astype(dict.fromkeys(table.select_dtypes("float64"), np.float32)),
    )


def shipped_classifier() -> MapClassifier:
    """The trained one of explorer.patterns; raises BadCheckpoint where its file is missing or damaged."""
    shipped = trained.load()
    sha256 = sha256_of((trained.FOLDER / trained.WEIGHTS).read_bytes())
    return MapClassifier(shipped.classify, shipped.calibration.threshold, sha256)


def sentences_for(task: Task) -> Examples:
    """128 of the project's own sentences, the same for every run of the task: from its diagnostic where it has one,
    else from all diagnostics with as many sentences an example, so that the maps have the task's form."""
    if diagnostic_for(task):
        return sample_of(sentences_of_stored_maps(task), SENTENCES, SEED)
    alike = [d for d in DIAGNOSTICS.values() if TASKS[d.probes].is_pair == task.is_pair]
    items = tuple(item for diagnostic in alike for item in sentences_of_stored_maps(TASKS[diagnostic.probes]).items)
    names = ", ".join(diagnostic.name for diagnostic in alike)
    mixed = Examples(task, "dev", items, f"built-in diagnostics: {names}", examples_sha256(items))
    return sample_of(mixed, SENTENCES, SEED)


def _load(options: Options, weights: Weights) -> Classifier:
    run = options.run
    if weights == "finetuned":
        return load_finetuned(str(options.bundle.checkpoint(run)), options.task)
    tuned = seeds_with(options.bundle, run.model, run.task, "finetune")
    begun = Key(replace(run, seed=tuned[0]) if tuned else run, "finetune")
    if tuned and is_opened(options.bundle, begun):
        raise BadRequest(
            f"{run.model} was opened as it is: nothing says what it was before its fine-tuning.",
            "Leave out --kind pretrained: its own attention can be measured.",
        )
    source = str(options.bundle.manifest(begun).config["model"])
    return load_pretrained(source, options.task, begun.run.seed)  # its new classifier is not looked at


def _measure(
    model: Classifier, sentences: Examples, names: MapClassifier, device: str, words: str, state: SavedState
) -> tuple[Float64Array, Float64Array, list[Sample]]:
    """Statistics (n, 2, L, H, 9), probabilities (n, 2, L, H, 5), and the samples with all their maps."""
    encoded = encode(sentences, model.tokenizer)
    tokens_at = [tokens_of(model.tokenizer, *encoded.example(index)) for index in range(len(encoded))]
    whole = np.random.default_rng(SEED).permutation(len(sentences))[:SAMPLES]
    measured, probabilities = (list(state.arrays.get(name, ())) for name in ("measured", "probabilities"))
    kept = {
        int(index): AttentionMaps(state.arrays[f"raw_{index}"], state.arrays[f"norms_{index}"])
        for index in state.arrays.get("kept", ())
    }
    done = len(measured)
    rest = encoded.subset(np.arange(done, len(encoded)))
    every = attention_maps(Engine(model, device), rest, Mask.full(model.n_layers, model.n_heads))
    bar = tqdm(every, desc=words, unit="sentence", initial=done, total=len(encoded))
    for index, maps in enumerate(bar, done):
        tokens = tokens_at[index]
        both = np.stack([maps.raw, maps.norm_weighted]).astype(np.float64)  # (2, L, H, T, T)
        measured.append(statistics(both, tokens))
        flat = names.classify(list(both.reshape(-1, *both.shape[-2:])))
        probabilities.append(np.asarray(flat, np.float64).reshape(*both.shape[:3], -1))
        if index in whole:
            kept[index] = maps
        if state.pace.due:
            _save(state, measured, probabilities, kept)
    samples = [Sample(sentences.items[index].texts, tokens_at[index], kept[index]) for index in map(int, whole)]
    return np.stack(measured), np.stack(probabilities), samples


def _save(
    state: SavedState,
    measured: Sequence[Float64Array],
    probabilities: Sequence[Float64Array],
    kept: Mapping[int, AttentionMaps],
) -> None:
    maps = {f"raw_{index}": one.raw for index, one in kept.items()}
    norms = {f"norms_{index}": one.norms for index, one in kept.items()}
    so_far = {"measured": np.stack(measured), "probabilities": np.stack(probabilities), "kept": list(kept)}
    state.save(**so_far, **maps, **norms)
