"""What is told to the browser and what is made of its answer; clicks are in tests/browser."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from explorer.errors import BadRequest
from explorer.figures.grid_overlays import NO_CLASS, Category, Classes, Marks, Overlay
from explorer.mask import Mask
from explorer.ui.widgets.head_grid import grid_data, mask_of
from tests.waiting import HANG_SECONDS

FULL = Mask.full(6, 12)
PRUNED = FULL.with_head(2, 3, False).with_mlp(5, False)


def test_an_overlay_keeps_its_own_read_only_copy():
    heads = np.zeros((6, 12))
    overlay = Overlay(heads, np.ones(6), "Survival")
    heads[0, 0] = 1
    assert overlay.heads[0, 0] == 0
    with pytest.raises(ValueError, match="read-only"):
        overlay.heads[0, 0] = 1


@pytest.mark.parametrize(
    ("heads", "mlps", "said"),
    [
        (np.zeros(12), np.zeros(6), "heads of the overlay 'Survival' have 1 dimensions"),
        (np.zeros((6, 12)), np.zeros((6, 1)), "mlps of the overlay 'Survival' have 2 dimensions"),
        (np.zeros((6, 12)), np.zeros(5), "6 layers of heads but 5 MLPs"),
        (np.full((6, 12), 1.5), np.zeros(6), "heads of the overlay 'Survival' go from 1.5 to 1.5"),
        (np.zeros((6, 12)), np.full(6, -0.1), "mlps of the overlay 'Survival' go from -0.1"),
    ],
)
def test_an_overlay_that_does_not_fit_is_refused(heads, mlps, said):
    with pytest.raises(BadRequest, match=said):
        Overlay(heads, mlps, "Survival")


def test_the_data_are_json_with_null_for_unknown():
    heads = np.full((6, 12), 0.25)
    heads[1, 2] = np.nan
    overlay = Overlay(heads, np.linspace(0, 1, 6), "Survival", low="0 of 5", high="5 of 5")
    data = grid_data(PRUNED, revision="r7", fill=overlay, hover_mlps=["text"] * 6)
    read = json.loads(json.dumps(data, allow_nan=False))
    assert (read["code"], read["revision"], read["layers"], read["heads"]) == (PRUNED.code, "r7", 6, 12)
    assert read["fill"]["heads"][1][:4] == [0.25, 0.25, None, 0.25]
    assert read["fill"]["mlps"][-1] == 1
    assert (read["fill"]["title"], read["fill"]["low"], read["fill"]["high"]) == (
        "Survival",
        "0 of 5",
        "5 of 5",
    )
    assert read["ring"] is None
    assert read["hover"] == {"heads": None, "mlps": ["text"] * 6}


KINDS = [Category("vertical", "#E69F00", "M6 4V16"), Category("block", "#0072B2", "M3 3h5v5h-5z")]


def test_classes_and_marks_are_told_with_their_names_and_signs():
    heads = np.zeros((6, 12), int)
    heads[0, 1], heads[0, 2] = 1, NO_CLASS
    classes = Classes(heads, np.full(6, NO_CLASS), "Attention pattern", KINDS, gap="no attention")
    marks = Marks(np.eye(6, 12, dtype=bool), np.zeros(6, bool), "Switched off now")
    data = json.loads(json.dumps(grid_data(PRUNED, revision="r", fill=classes, marks=marks, size="large")))
    assert data["fill"]["heads"][0][:4] == [0, 1, None, 0]
    assert data["fill"]["mlps"] == [None] * 6
    assert data["fill"]["kinds"][1] == {"name": "block", "colour": "#0072B2", "sign": "M3 3h5v5h-5z"}
    assert data["fill"]["gap"] == "no attention"
    assert data["marks"]["heads"][1][:3] == [False, True, False]
    assert (data["marks"]["title"], data["size"]) == ("Switched off now", "large")


def test_a_class_that_is_not_listed_is_refused():
    with pytest.raises(BadRequest, match="name classes 2 to 2, of 2"):
        Classes(np.full((6, 12), 2), np.zeros(6, int), "Pattern", KINDS)


@pytest.mark.parametrize(
    "wrong",
    [
        {"marks": Marks(np.zeros((12, 12), bool), np.zeros(12, bool), "of a larger model")},
        {"fill": Classes(np.zeros((6, 8), int), np.zeros(6, int), "of a narrower model", KINDS)},
        {"fill": Overlay(np.zeros((12, 12)), np.zeros(12), "of a larger model")},
        {"ring": Overlay(np.zeros((6, 8)), np.zeros(6), "of a narrower model")},
        {"hover_heads": [["text"] * 12] * 5},
        {"hover_heads": [["text"] * 11] * 6},
        {"hover_mlps": ["text"] * 12},
    ],
)
def test_overlays_and_texts_of_another_shape_are_refused(wrong):
    with pytest.raises(BadRequest):
        grid_data(FULL, revision="r", **wrong)


def test_what_the_browser_sent_is_read():
    assert mask_of({"code": PRUNED.code, "revision": "r1"}, FULL, "r1") == PRUNED


@pytest.mark.parametrize(
    "state",
    [
        None,
        "text",
        [],
        {},
        {"code": PRUNED.code},
        {"code": PRUNED.code, "revision": "r0"},
        {"code": PRUNED.code, "revision": None},
        {"revision": "r1"},
        {"code": 7, "revision": "r1"},
        {"code": "", "revision": "r1"},
        {"code": "not a code", "revision": "r1"},
        {"code": Mask.full(12, 12).code, "revision": "r1"},
    ],
)
def test_anything_else_leaves_the_fallback(state):
    assert mask_of(state, FULL, "r1") == FULL


def test_a_page_without_a_browser_gets_its_own_mask():
    def script():
        import streamlit as st

        from explorer.mask import Mask
        from explorer.ui.widgets.head_grid import head_grid

        given = Mask.full(6, 12).with_head(0, 0, False)
        st.text(head_grid(given, revision="r0", key="grid").code)
        st.text(head_grid(given, revision="r0", key="shown", disabled=True).code)

    app = AppTest.from_function(script, default_timeout=HANG_SECONDS).run()
    assert not app.exception
    assert [text.value for text in app.text] == [FULL.with_head(0, 0, False).code] * 2


def test_torch_stays_out():
    told = (
        "import sys, explorer.ui.widgets.head_grid; print([m for m in ('torch', 'transformers') if m in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
