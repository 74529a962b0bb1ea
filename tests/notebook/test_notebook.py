"""The notebook API: late imports, refusals, agreement with the bundle, and docs/notebook.ipynb as it ships."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import explorer
from explorer.errors import BadBundle, BadMask, BadRequest
from explorer.store.bundle import Bundle
from explorer.store.schema import Key
from tests.bundles import MODEL, small_bundle, ticket
from tests.waiting import HANG_SECONDS

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "docs" / "notebook.ipynb"


def test_importing_takes_nothing_and_opening_nothing_slow():
    code = (
        "import sys, explorer\n"
        "assert not {'numpy', 'pandas', 'explorer.notebook'} & set(sys.modules)\n"
        "explorer.open_run('MRPC').masks\n"
        "assert not {'torch', 'transformers', 'streamlit', 'plotly'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_every_name_of_the_package_is_there():
    assert {"open_run", "runs", "Mask", "ExplorerError", "grid_figure"} <= set(dir(explorer))
    assert all(getattr(explorer, name) is not None for name in dir(explorer))
    with pytest.raises(AttributeError):
        _ = explorer.nothing


def test_a_run_says_what_the_bundle_says(tmp_path):
    small_bundle(tmp_path)
    assert [run.seed for run in explorer.runs(tmp_path)] == [1337, 42], "seeds as the paper lists them"
    run = explorer.open_run("MRPC", model=MODEL, bundle=tmp_path)
    assert run.masks["good"] == ticket(1337)
    assert set(run.survival().tickets) == {1337, 42}
    both = np.mean([ticket(1337).heads, ticket(42).heads], axis=0)
    assert np.array_equal(run.survival().share.heads.mean, both)
    stored = run.stored_score(run.masks["good"])
    table = Bundle(tmp_path).read(Key(run.run, "structured", "together")).table
    assert stored.score.value == table["score"].iloc[-1]
    assert f"{stored.score.value:.3f}" in repr(stored)
    cells = run.survival().figure().data[0]
    assert cells.text[0][0]
    assert np.array_equal(cells.z[:, :4], both)


def test_what_is_not_there_is_a_sentence(tmp_path, monkeypatch):
    small_bundle(tmp_path)
    run = explorer.open_run("MRPC", model=MODEL, bundle=tmp_path)
    monkeypatch.delenv("GLUE_DIR", raising=False)
    for wrong in ({"heads": [(0, -1)]}, {"heads": [(3, 0)]}, {"mlps": [3]}, {"mlps": [-1]}):
        with pytest.raises(BadMask, match="There is no"):
            run.without(**wrong)
    with pytest.raises(BadRequest, match="holds no score of the mask"):
        run.stored_score(run.without(heads=[(0, 0)]))
    with pytest.raises(BadRequest, match="GLUE_DIR"):
        run.score(run.full, on="dev")
    with pytest.raises(BadRequest, match="no sentences 'Plain'"):
        run.examples("Plain")
    with pytest.raises(BadRequest, match="no GLUE task"):
        explorer.open_run("mrpc2", bundle=tmp_path)
    with pytest.raises(BadBundle, match="importance"):
        run.importance()
    with pytest.raises(BadMask):
        run.attention(0, 4)


def test_without_a_bundle_a_sentence_says_where_to_get_one(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_BUNDLE", str(tmp_path / "none"))
    with pytest.raises(BadBundle, match="There is no bundle at"):
        explorer.runs()


def test_the_notebook_runs_and_draws_inline(monkeypatch):
    """Every cell is executed in a kernel of its own; what ships holds no output."""
    nbclient = pytest.importorskip("nbclient", reason="there is no nbclient: pip install -r requirements-dev.txt")
    nbformat = pytest.importorskip("nbformat", reason="there is no nbformat: pip install -r requirements-dev.txt")
    if importlib.util.find_spec("ipykernel") is None:
        pytest.skip("there is no ipykernel: pip install -r requirements-dev.txt")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in notebook.cells)
    for name in ("GLUE_DIR", "EXPLORER_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])))
    hang = int(HANG_SECONDS)
    nbclient.NotebookClient(
        notebook, kernel_name="python3", timeout=hang, startup_timeout=hang, iopub_timeout=hang
    ).execute()
    drawn = [cell.source for cell in notebook.cells if "figure(" in cell.source]
    shown = [
        cell.source
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "application/vnd.plotly.v1+json" in output.get("data", {})
    ]
    assert shown == drawn, "every figure is drawn inline"


def test_the_page_of_the_notebook_api_is_made_from_docstrings(tmp_path):
    if importlib.util.find_spec("pdoc") is None:
        pytest.skip("there is no pdoc: pip install -r requirements-dev.txt")
    command = [sys.executable, "-m", "pdoc", "explorer.notebook", "--output-directory", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    page = (tmp_path / "explorer" / "notebook.html").read_text(encoding="utf-8")
    assert "Opens a run of a bundle" in page
    assert "Scores a mask, every prediction in fp32" in page
