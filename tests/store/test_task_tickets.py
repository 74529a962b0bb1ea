import numpy as np
import pytest

from explorer.errors import BadBundle
from explorer.mask import Mask
from explorer.store.bundle import Bundle
from explorer.store.schema import Key, Run
from explorer.store.task_tickets import shape_of, tickets_by_task
from tests.bundles import MODEL, H, L, small_bundle, ticket, write


def test_tickets_by_task_and_seed_in_the_paper_s_order(tmp_path):
    bundle = small_bundle(tmp_path, ("RTE", "MRPC"), (7, 42, 1337), stages=("structured",))
    found = tickets_by_task(bundle.manifests(), MODEL)
    assert list(found) == ["MRPC", "RTE"]
    assert list(found["RTE"]) == [1337, 42, 7]
    assert found["RTE"][7] == ticket(7)
    assert tickets_by_task(bundle.manifests(), MODEL, "heads") == {}
    assert tickets_by_task(bundle.manifests(), "another") == {}


def test_imported_masks_stand_where_ours_would(tmp_path):
    bundle, run = Bundle(tmp_path), Run("bert-base-uncased", "RTE", 86)
    mask = Mask(np.eye(12), np.ones(12))
    write(bundle, Key(run, "published-masks", "heads"), summary={"ticket": mask.code})
    manifests = list(bundle.manifests())
    assert tickets_by_task(manifests, run.model, "heads") == {"RTE": {86: mask}}
    assert tickets_by_task(manifests, run.model) == {}
    assert shape_of(manifests, run) == (12, 12)


def test_a_run_of_unknown_shape_names_its_mend(tmp_path):
    bundle = small_bundle(tmp_path, seeds=(42,), stages=())
    assert shape_of(bundle.manifests(), Run(MODEL, "MRPC", 42)) == (L, H)
    with pytest.raises(BadBundle, match="how many layers"):
        shape_of(bundle.manifests(), Run(MODEL, "MRPC", 1))
