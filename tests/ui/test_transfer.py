"""Page Tickets: each task's ticket on other tasks' models, and how stable a run's ticket is."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from explorer.mask import Mask
from explorer.store.schema import Key, Run
from explorer.store.validation import validate
from tests.bundles import MODEL, H, L, small_bundle, write
from tests.ui.opened import opened, words

RUN = Run(MODEL, "MRPC", 42)


def with_transfer(bundle, run, draws=4):
    """Its own ticket answers 90% right, that of RTE 70%, random masks half."""
    labels = bundle.read(Key(run, "finetune")).arrays["labels"]
    rng, full = np.random.default_rng(0), Mask.full(L, H)
    tickets = {"MRPC": full.with_head(0, 0, False), "RTE": full.with_head(1, 1, False)}
    rows, said = [], []
    for task, mask in tickets.items():
        for draw in range(draws + 1):
            right = rng.random(len(labels)) < (0.5 if draw else {"MRPC": 0.9, "RTE": 0.7}[task])
            said.append(np.where(right, labels, 1 - labels).astype(np.int8))
            score = float(right.mean())
            code = mask.code if not draw else Mask.full(L, H).with_head(draw % L, draw % H, False).code
            row = {"ticket": task, "draw": draw, "mask": code, "score": score, "low": score - 0.1}
            rows.append(
                row | {"high": min(1.0, score + 0.1), "n": len(labels), "heads_kept": L * H - 1, "mlps_kept": L}
            )
    config = {"tickets": {task: mask.code for task, mask in tickets.items()}, "draws": draws}
    parts = {"arrays": {"predictions": np.stack(said)}, "table": pd.DataFrame(rows)}
    return write(bundle, Key(run, "transfer"), config=config, summary={"full_score": 0.9}, **parts)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    made = small_bundle(tmp_path_factory.mktemp("bundle"))
    with_transfer(made, RUN)
    return made


def test_the_matrix_its_sentence_and_the_stability(monkeypatch, bundle):
    assert not [problem for problem in validate(bundle) if "transfer" in str(problem)]
    test = opened(monkeypatch, "tickets", bundle.root, task="MRPC", seed="42")
    assert not test.exception
    said = words(test)
    assert "It beats all 4 of them beyond noise in" in said
    assert "by chance one pair in 5 would be first" in said
    kept = test.session_state["exhibits.kept"].exhibits
    assert {"tickets.transfer", "tickets.transfer.table", "tickets.stability"} <= set(kept)
    over = kept["tickets.stability"].data["over"].tolist()
    assert over[0].endswith("seeds")
    assert "200 bootstrap samples of the dev set" in over
    other = opened(monkeypatch, "tickets", bundle.root, task="MRPC", seed="1337")
    assert "python -m precompute transfer --task MRPC --seed 1337" in words(other)


def test_a_ticket_that_was_retrained_elsewhere_stands_beside_its_like(monkeypatch, tmp_path):
    made = small_bundle(tmp_path / "bundle")
    assert "--kind good --ticket-of" not in words(opened(monkeypatch, "tickets", made.root, task="MRPC", seed="42"))
    labels = made.read(Key(RUN, "finetune")).arrays["labels"]
    mask = Mask.full(L, H).with_head(0, 0, False)
    for kind, wrong in (("good", 0), ("random", 30)):
        said = labels.copy()
        said[:wrong] = 1 - said[:wrong]
        score = float((said == labels).mean())
        row = {"kind": kind, "mask": mask.code, "score": score, "low": score, "high": score, "n": len(labels)}
        write(
            made,
            Key(RUN, "retrained", f"{kind}-of-RTE"),
            config={"mask": mask.code, "weight_mask_sha256": "", "ticket_of": "RTE"},
            summary={"score": score, "low": score, "high": score, "n": len(labels)},
            arrays={"predictions": said[None].astype(np.int8)},
            table=pd.DataFrame([row | {"heads_kept": L * H - 1, "mlps_kept": L}]),
        )
    assert not [problem for problem in validate(made) if "-of-" in str(problem)]
    test = opened(monkeypatch, "tickets", made.root, task="MRPC", seed="42")
    assert "beats as many parts at random beyond noise in **1 of 1** tries" in words(test)
    table = test.session_state["exhibits.kept"].exhibits["tickets.transfer.retrained"].data
    assert table["ticket of"].tolist() == ["RTE"]
    assert table["minus random of its size"][0].startswith("+0.500 [")
