"""Figures that leave the app: their size in print, their words, their data, and the page as one file."""

from __future__ import annotations

import io
import os
import re
import threading
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from explorer.errors import BadRequest
from explorer.figures.grid_overlays import Category, Classes, Marks, Overlay
from explorer.figures.heatmaps import Panel
from explorer.figures.print import render
from explorer.figures.print.export import (
    INCHES,
    Exhibit,
    Origin,
    archive,
    csv_text,
    file_name,
    for_print,
    named,
    rendered,
)
from explorer.figures.print.head_grid import grid_figure, grid_table, panels_figure, panels_table
from explorer.figures.print.offline import offline_page
from explorer.figures.print.tidy import tidy
from explorer.mask import Mask
from tests.waiting import HANG_SECONDS, until

CHROMIUM = Path("/usr/bin/chromium")
MASK = Mask.full(2, 3).with_head(0, 1, False).with_mlp(1, False)
SHADE = Overlay(np.array([[0, 0.5, 1], [1, 1, np.nan]]), np.array([0.25, 1.0]), "Survival", "never", "always")
ORIGIN = Origin("Survival, MiniLM-L6 on MRPC, seed 1337", ("This view: http://localhost/survival?task=MRPC",))


def line(name="seed 1"):
    figure = go.Figure()
    figure.add_scatter(x=[1, 2], y=[0.5, 0.7], name=name, error_y={"array": [0.1, 0.2]}, marker={"size": 9})
    return figure.update_layout(height=360, xaxis_title="a rather long title of the horizontal axis " * 2)


FIGURE = Exhibit("How <it> went", "A caption, with a comma.", line())
TABLE = Exhibit("Numbers", "As they are.", data=pd.DataFrame({"seed": [1337], "score": [0.75], "a#b": ["x"]}))


# --- data


def test_a_figures_points_become_rows():
    figure = line().add_heatmap(z=[[1, np.nan]], x=["a", "b"], customdata=[["one", "two"]])
    table = tidy(figure)
    points, cells = table[table["trace"] == "seed 1"], table[table["trace"] == "heatmap 2"]
    assert points[["x", "y"]].values.tolist() == [[1, 0.5], [2, 0.7]]
    np.testing.assert_allclose(points[["y_low", "y_high"]].astype(float), [[0.4, 0.6], [0.5, 0.9]])
    assert cells[["x", "z", "words"]].values.tolist() == [["a", 1.0, "one"]]


def test_a_csv_says_where_it_comes_from_and_reads_back():
    text = csv_text(TABLE, ORIGIN)
    head = [one for one in text.splitlines() if one.startswith("#")]
    assert head[:2] == ["# Numbers", "# As they are."]
    assert "# This view: http://localhost/survival?task=MRPC" in head
    table = pd.read_csv(io.StringIO(text), comment="#")
    assert table.to_dict("records") == [{"seed": 1337, "score": 0.75, "ano.b": "x"}]


def test_a_grids_table_has_a_row_a_part():
    categories = [Category("block", "#111111", ""), Category("diagonal", "#222222", "")]
    kinds = Classes(np.array([[0, 1, -1], [0, 0, 1]]), np.array([-1, -1]), "Pattern", categories)
    table = grid_table(MASK, kinds, SHADE, Marks(~MASK.heads, ~MASK.mlps, "Now off"))
    assert len(table) == 8
    assert table["kept"].tolist() == [1, 0, 1, 1, 1, 1, 1, 0]
    assert table["Pattern"].tolist()[:3] == ["block", "diagonal", ""]
    off = table[table["Now off"] == 1]
    assert off[["part", "layer_from_0", "head_from_0"]].values.tolist() == [["head", 0, 1], ["MLP", 1, ""]]
    panel = Panel("Seed 1", "", SHADE.heads, SHADE.mlps)
    assert panels_table([panel, panel], "survival")["survival"].tolist() == [0, 0.5, 1, 1, 1, 0.25, 1] * 2


# --- print


@pytest.mark.parametrize("columns", ["one", "two"])
def test_print_is_as_wide_as_the_column_on_white_and_readable(columns):
    before = line().to_json()
    figure = line()
    made = for_print(figure, INCHES[columns])
    assert made.layout.width == pytest.approx(INCHES[columns] * 96)
    assert (made.layout.paper_bgcolor, made.layout.plot_bgcolor) == ("white", "white")
    assert made.layout.font.size == pytest.approx(8 * 96 / 72)
    assert ("<br>" in made.layout.xaxis.title.text) == (columns == "one")
    assert figure.to_json() == before


def test_grids_and_panels_are_drawn_for_a_width():
    for inches in INCHES.values():
        grid = grid_figure(MASK, inches, fill=SHADE, ring=SHADE, marks=Marks(~MASK.heads, ~MASK.mlps, "Now off"))
        assert grid.layout.width == pytest.approx(inches * 96)
        assert {trace.name for trace in grid.data if trace.showlegend} == {"off", "circle: Survival", "Now off"}
    panels = [Panel(f"Seed {seed}", "3 heads", SHADE.heads, SHADE.mlps) for seed in range(5)]
    one, two = (
        panels_figure(panels, inches, value="kept", low="off", high="kept", span=(0, 1)) for inches in INCHES.values()
    )
    assert one.layout.height > two.layout.height


def test_file_names_are_safe_and_in_order():
    assert file_name("../Ünï <b> κ!") == "n-b"
    assert file_name("") == "figure"
    assert list(named([FIGURE, TABLE])) == ["01-how-it-went", "02-numbers"]


def test_an_archive_holds_files_data_and_captions():
    with zipfile.ZipFile(io.BytesIO(archive({"01-x.svg": b"<svg/>"}, [FIGURE, TABLE], ORIGIN))) as zipped:
        assert zipped.namelist() == ["01-x.svg", "01-how-it-went.csv", "02-numbers.csv", "captions.txt"]
        captions = zipped.read("captions.txt").decode()
    assert "A caption, with a comma." in captions
    assert ORIGIN.lines[0] in captions


# --- one offline page


def test_the_page_is_one_file_that_asks_nobody_for_anything():
    page = offline_page("A <page>", ["Some *words* :material/info: <script>x</script>"], [FIGURE, TABLE], ORIGIN)
    ours = re.sub(r"<script>/\*.*?</script>", "", page, count=1, flags=re.S)
    assert len(page) > 1_000_000 > len(ours)
    assert "default-src 'none'" in ours
    assert not re.findall(r"""(?:src|href)=["'](?!data:|http://localhost/survival)[^"']""", ours)
    assert "<h1>A &lt;page&gt;</h1>" in ours
    assert "<p>Some <em>words</em> &lt;script&gt;x&lt;/script&gt;</p>" in ours
    assert "How &lt;it&gt; went" in ours
    assert "A caption, with a comma." in ours
    assert 'download="02-numbers.csv"' in ours


# --- Chrome


def test_without_a_chrome_a_sentence_says_so(monkeypatch):
    monkeypatch.setattr(render, "chrome", lambda: None)
    with pytest.raises(BadRequest, match="there is none on this machine"):
        rendered([FIGURE], ["svg"], "one", ORIGIN)


def test_a_chrome_that_hangs_is_ended(monkeypatch, tmp_path):
    import psutil

    started, never = tmp_path / "started", tmp_path / "never"
    for pipe in (started, never):
        os.mkfifo(pipe)
    hung = tmp_path / "hung-browser"
    hung.write_text(f"#!/bin/sh\necho > {started}\nread nothing < {never}\n")
    hung.chmod(0o755)

    class OnceItHangs(threading.Thread):
        """In place of the timer: the time is up as soon as the browser runs, however long that takes."""

        def __init__(self, _seconds, end):
            super().__init__(target=lambda: (started.read_bytes(), end()), daemon=True)

        def cancel(self):
            self.join(HANG_SECONDS)

    monkeypatch.setattr(render.threading, "Timer", OnceItHangs)
    monkeypatch.setattr(render, "START_SECONDS", 3.0)
    monkeypatch.setattr(render, "EACH_SECONDS", 0.0)
    monkeypatch.setattr(render, "chrome", lambda: str(hung))
    with pytest.raises(BadRequest, match="did not draw the figures within 3 seconds"):
        render.render([render.Job(line(), "svg")])
    until(lambda: not [one for one in psutil.process_iter(["cmdline"]) if str(hung) in (one.info["cmdline"] or ())])


def test_a_chrome_that_dies_is_a_sentence(monkeypatch, tmp_path):
    monkeypatch.setattr(render, "chrome", lambda: "/bin/false")
    monkeypatch.setattr(render, "START_SECONDS", HANG_SECONDS)
    with pytest.raises(BadRequest, match="Chrome could not draw the figures"):
        render.render([render.Job(line(), "svg")])


@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM.exists(), reason="there is no Chromium: apt-get install chromium")
def test_svg_png_and_pdf_have_the_size_of_a_column_and_their_words(monkeypatch):
    from PIL import Image

    for limit in ("START_SECONDS", "EACH_SECONDS"):
        monkeypatch.setattr(render, limit, HANG_SECONDS)

    done: list[tuple[int, int]] = []
    files = rendered([FIGURE, TABLE], ["svg", "png", "pdf"], "one", ORIGIN, lambda *told: done.append(told))
    assert done == [(1, 3), (2, 3), (3, 3)]
    svg, png, pdf = (files[f"01-how-it-went.{kind}"] for kind in ("svg", "png", "pdf"))
    text = svg.decode()
    assert "<title>How &lt;it&gt; went</title>" in text
    assert "A caption, with a comma." in text
    assert 'width="316.' in text
    with Image.open(io.BytesIO(png)) as image:
        assert image.width == pytest.approx(3.3 * 384, abs=2)
        assert image.info["dpi"][0] == pytest.approx(384, abs=1)
        assert ORIGIN.lines[0] in image.text["Description"]
    box = [float(number) for number in re.findall(rb"/MediaBox \[([^\]]*)\]", pdf)[0].split()]
    assert box[2] / 72 == pytest.approx(3.3, abs=0.03)
