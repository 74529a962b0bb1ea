"""Page Tickets: nothing, means and learned constants in the place of what is off; the command where not made."""

from __future__ import annotations

import numpy as np
import pandas as pd

from explorer.mask import Mask
from explorer.store.schema import Key, Run
from explorer.store.validation import validate
from tests.bundles import MODEL, H, L, small_bundle, ticket, write
from tests.ui.opened import opened, words

RUN = Run(MODEL, "MRPC", 42)


def with_means(bundle, run, **more):
    """Its own ticket is right nine times in ten, with means; all else half the time."""
    labels = bundle.read(Key(run, "finetune")).arrays["labels"]
    rng, rows, said = np.random.default_rng(0), [], []

    def add(part, name, instead, mask, found="", right=0.5):
        correct = rng.random(len(labels)) < right
        said.append(np.where(correct, labels, 1 - labels).astype(np.int8))
        score = float(correct.mean())
        row = {"part": part, "name": name, "instead": instead, "found": found, "step": 0, "held": True}
        row |= {"mask": mask.code, "score": score, "low": max(0.0, score - 0.1), "high": min(1.0, score + 0.1)}
        rows.append(row | {"n": len(labels), "heads_kept": mask.heads_kept, "mlps_kept": mask.mlps_kept})

    full, good = Mask.full(L, H), ticket(run.seed)
    add("path", "full", "mean", full, right=0.9)
    for layer in range(L):
        for head in range(H):
            add("alone", f"head {layer} {head}", "mean", full.with_head(layer, head, False))
        add("alone", f"mlp {layer}", "mean", full.with_mlp(layer, False))
    for instead in ("zero", "mean"):
        for found in ("zero", "mean"):
            for kind in ("good", "random", "bad"):
                add("ticket", kind, instead, good, found, 0.9 if (kind, instead) == ("good", "mean") else 0.5)
    parts = {
        "config": {"ticket": good.code},
        "summary": {"ticket": good.code, "full_score": 0.9, "examples_of_means": 1000},
        "arrays": {"predictions": np.stack(said)},
        "table": pd.DataFrame(rows),
    }
    return write(bundle, Key(run, "mean-ablated"), **parts | more)


def test_zero_against_mean_or_how_to_make_it(monkeypatch, tmp_path):
    bundle = small_bundle(tmp_path / "bundle", stages=("structured", "baseline"))
    test = opened(monkeypatch, "tickets", bundle.root, task="MRPC", seed="42")
    assert f"python -m precompute mean --task MRPC --seed 42 --model {MODEL}" in words(test)
    with_means(bundle, RUN)
    assert not [problem for problem in validate(bundle) if "mean-ablated" in str(problem)]
    test = opened(monkeypatch, "tickets", bundle.root, task="MRPC", seed="42")
    said = words(test)
    assert "claim (a) gets the same verdict on 0 of 1 tasks; it changes on MRPC" in said
    assert "over all tokens of 1,000 training examples" in said
    kept = test.session_state["exhibits.kept"].exhibits
    assert {"tickets.means", "tickets.means.table", "tickets.means.moved"} <= set(kept)
    other = opened(monkeypatch, "tickets", bundle.root, task="MRPC", seed="1337")
    assert "python -m precompute mean --task MRPC --seed 1337" in words(other)


def with_constants(bundle, run, code):
    """Learned constants keep every example right; nothing and means half of them."""
    labels, rows, said = bundle.read(Key(run, "finetune")).arrays["labels"], [], []
    for instead in ("zero", "mean", "learned"):
        for name in ("good", "random", "bad", "drawn"):
            mask = ticket(run.seed)
            right = np.arange(len(labels)) < (len(labels) if instead == "learned" else len(labels) // 2)
            said.append(np.where(right, labels, 1 - labels).astype(np.int8))
            row = {"mask": mask.code, "name": name, "rate": 0.5 if name == "drawn" else np.nan, "instead": instead}
            row |= {"score": float(right.mean()), "low": 0.0, "high": 1.0, "n": len(labels)}
            rows.append(row | {"heads_kept": mask.heads_kept, "mlps_kept": mask.mlps_kept})
    arrays = {"predictions": np.stack(said), "heads": np.zeros((L, H, 2), np.float32)}
    arrays |= {"mlps": np.zeros((L, 2 * H), np.float32), "losses": np.zeros(240, np.float32)}
    return write(
        bundle,
        Key(run, "constants"),
        config={"ticket": code, "steps": 240},
        summary={"full_score": 0.9, "examples": 1000},
        arrays=arrays,
        table=pd.DataFrame(rows),
    )


def test_learned_constants_or_how_to_make_them(monkeypatch, tmp_path):
    bundle = small_bundle(tmp_path / "bundle", stages=("structured", "baseline"))
    verb = f"python -m precompute constants --task MRPC --seed 42 --model {MODEL}"
    assert verb in words(opened(monkeypatch, "tickets", bundle.root, task="MRPC", seed="42"))
    with_constants(bundle, RUN, ticket(RUN.seed).code)
    assert not [problem for problem in validate(bundle) if "constants" in str(problem)]
    test = opened(monkeypatch, "tickets", bundle.root, task="MRPC", seed="42")
    said = words(test)
    assert f"Made with `{verb}" in said
    assert "A learned constant keeps more of the score than leaving nothing there, +0.5" in said
    kept = test.session_state["exhibits.kept"].exhibits
    assert {"tickets.constants", "tickets.constants.tickets"} <= set(kept)


def test_constants_of_another_ticket_are_not_shown(monkeypatch, tmp_path):
    bundle = small_bundle(tmp_path / "bundle", stages=("structured", "baseline"))
    with_constants(bundle, RUN, "another")
    said = words(opened(monkeypatch, "tickets", bundle.root, task="MRPC", seed="42"))
    assert "A learned constant" not in said
    assert "are of another model or ticket than this run's" in said
    assert "precompute constants --task MRPC --seed 42" in said
