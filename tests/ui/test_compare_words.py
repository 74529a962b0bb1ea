"""The lab's comparison of two masks is of the answers as they stand: verification may correct some."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import streamlit as st

from explorer.glue.tasks import TASKS
from explorer.mask import Mask
from explorer.store.schema import Run
from explorer.ui.pages.lab.compare import _paired

LABELS = np.arange(40) % 2.0


def test_corrected_answers_are_compared_anew(monkeypatch):
    monkeypatch.setattr(st, "session_state", {})
    known = SimpleNamespace(run=Run("tiny", "MRPC", 7), task=TASKS["MRPC"])
    question = SimpleNamespace(view=SimpleNamespace(root=Path(), stamp="1"), known=known, title="MRPC dev")
    masks = Mask.full(1, 2), Mask.full(1, 2).with_head(0, 0, False)
    first = _paired(question, *masks, (LABELS, 1 - LABELS), LABELS)
    assert _paired(question, *masks, (LABELS, 1 - LABELS), LABELS) is first, "kept: a bootstrap takes a while"
    mended = np.where(np.arange(40) == 3, LABELS, 1 - LABELS)
    assert _paired(question, *masks, (LABELS, mended), LABELS).score.value == 1 / 40
