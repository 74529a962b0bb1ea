import json

import pytest

from explorer.store.schema import Key, Run
from explorer.study.fitting import sorted_out
from explorer.study.report import by_condition, report_rows
from tests.bundles import MODEL, small_bundle

RUN = Run(MODEL, "MRPC", 42)


@pytest.fixture
def opened_as_it_is(tmp_path):
    """A run without a recipe, out of which heads had been cut: what `open` makes of such a folder."""
    bundle = small_bundle(tmp_path, seeds=(42,), stages=("structured", "subnetworks"))
    path = bundle.root / Key(RUN, "finetune").path / "manifest.json"
    raw = json.loads(path.read_text())
    raw["config"] |= {"recipe": None, "gone": [[0, 1]]}
    path.write_text(json.dumps(raw))
    return bundle


def test_what_a_run_without_recipe_and_heads_cannot_have(opened_as_it_is):
    keys = [Key(RUN, "retrained", "good"), Key(RUN, "league"), Key(RUN, "ablations")]
    can, never = sorted_out(opened_as_it_is, keys)
    assert can == keys[2:]
    assert [(why.split(":")[0], found) for why, found in never.items()] == [
        (f"{RUN.path} was opened as it is", keys[:1]),
        (f"it needs every head, and 1 head of {RUN.path} had been cut out", keys[1:2]),
    ]


def test_a_report_names_no_command_for_it(opened_as_it_is):
    report = by_condition(report_rows(opened_as_it_is, "MRPC", MODEL))
    assert report["structured/good/retrained"]["missing"] == ""
    assert "Cannot be made" in report["structured/good/retrained"]["note"]
    assert report["magnitude/good/pruned"]["missing"] == ""
