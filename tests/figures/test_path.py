"""The replay's chart: only its data depend on the step that is shown."""

from __future__ import annotations

from dataclasses import replace

from explorer.figures.path import path_chart, path_table
from explorer.mask import Mask
from explorer.tickets.pruning_path import PathStep, PruningPath

FULL = Mask.full(2, 2)
LESS = FULL.with_head(0, 0, False)


def path():
    full = PathStep(0, "full", FULL, FULL, 0.8, 0.7, 0.9, 40, True, None)
    broke = replace(full, number=1, phase="together", mask=LESS, score=0.6, held=False)
    held = replace(broke, number=2, phase="heads", score=0.75, held=True)
    return PruningPath((full, broke, held), 0.72)


def test_one_step_is_here():
    table = path_table(path(), 1)
    assert table["here"].tolist() == [False, True, False]
    assert table["outcome"].tolist() == ["held", "taken back", "held"]
    assert table["heads"].tolist() == [4, 3, 3]


def test_the_specification_stays_and_the_data_change():
    charts = [path_chart(path(), current, metric="accuracy", majority=("majority class", 0.68)) for current in (1, 2)]
    first, second = (chart.to_dict() for chart in charts)
    assert first["datasets"] != second["datasets"]
    for spec in (first, second):
        for layer in spec["layer"]:
            layer["data"] = None
        spec["datasets"] = None
    assert first == second


def test_bands_name_the_phases_and_an_undefined_interval_is_no_trouble():
    nan = float("nan")
    steps = tuple(replace(step, low=nan, high=nan) for step in path().steps)
    spec = path_chart(PruningPath(steps, 0.72), 0, metric="accuracy").to_dict()
    names = [row.get("name") for rows in spec["datasets"].values() for row in rows]
    assert {"both", "heads", "90% line"} <= set(names)
    assert "majority class" not in names
