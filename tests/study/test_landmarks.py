"""The pruning path and the tickets of a run, as the bundle scored them."""

from __future__ import annotations

from explorer.mask import Mask
from explorer.store.schema import Run
from explorer.study.landmarks import PATH, TICKET, landmarks_of
from tests.bundles import MODEL, H, L, small_bundle, ticket

RUN = Run(MODEL, "MRPC", 1337)


def test_steps_come_first_and_tickets_by_name(tmp_path):
    found = landmarks_of(small_bundle(tmp_path), RUN, (L, H))
    assert [mark.kind for mark in found] == [PATH] * 2 + [TICKET] * 6
    assert [mark.name for mark in found[:3]] == ["full model", "step 1 of pruning", "good ticket"]
    assert found[0].mask == Mask.full(L, H)
    assert found[1].mask == found[2].mask == ticket(1337)
    assert all(mark.low < mark.score < mark.high and mark.n == 60 for mark in found)


def test_what_the_bundle_lacks_is_left_out(tmp_path):
    assert landmarks_of(small_bundle(tmp_path, stages=("structured",)), RUN, (L, H))[-1].kind == PATH
    assert landmarks_of(small_bundle(tmp_path / "none", stages=()), RUN, (L, H)) == ()
