"""Attention maps as pictures: what thumbnails keep, and labels that stay text."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.errors import BadRequest
from explorer.figures.attention import map_figure, plain_label, thumbnails
from explorer.figures.pattern_shares import Bar, share_bars
from explorer.glue.tokens import Tokens
from explorer.patterns.classes import CLASSES


def test_thumbnails_are_shares_of_each_maps_own_greatest_value():
    maps = np.zeros((1, 2, 2, 2), np.float32)
    maps[0, 0] = [[0.5, 0.25], [0, 0]]
    np.testing.assert_array_equal(thumbnails(maps)[0], [[[255, 128], [0, 0]], [[0, 0], [0, 0]]])


def test_a_thin_diagonal_and_column_survive_being_made_small():
    both = np.stack([np.eye(128), np.eye(128)[:, [0] * 128] * 0 + (np.arange(128) == 77)])
    small = thumbnails(both[None].astype(np.float32), 32)[0]
    assert small.shape == (2, 32, 32)
    assert (np.diag(small[0]) == 255).all()
    assert (small[1] == 255).sum(0).max() == 32
    with pytest.raises(BadRequest):
        thumbnails(np.zeros((2, 3, 3), np.float32))


@pytest.mark.parametrize(
    ("token", "label"),
    [
        ("<script>", "&lt;script&gt;"),
        ("a&lt;b", "a&amp;lt;b"),
        ("$x$", "&#36;x&#36;"),
        ("<b>" * 10, "&lt;b&gt;" * 5 + "&lt;b…"),
        ("سلام", "سلام"),
        ("a\u202eb", "a\ufffdb"),
    ],
)
def test_labels_are_text_to_plotly(token, label):
    assert plain_label(token) == label


def test_tokens_reach_plotly_escaped_everywhere():
    tokens = Tokens(("[CLS]", "<img src=x>", "[SEP]", "b", "[SEP]"), np.array([0, 0, 0, 1, 1]))
    figure = map_figure(np.full((5, 5), 0.2, np.float32), tokens, dark=False)
    assert "<img" not in figure.to_json()
    assert figure.data[0].x[1] == "&lt;img src=x&gt;" == figure.data[0].y[1]
    assert figure.layout.yaxis.scaleanchor == "x"
    assert len(set(figure.data[0].x)) == 5  # the two separators are two rows
    assert [line.x0 for line in figure.layout.shapes] == [2.5, -0.5]
    with pytest.raises(BadRequest, match="does not go with 5 tokens"):
        map_figure(np.zeros((4, 4), np.float32), tokens, dark=True)


def test_a_map_of_a_head_that_is_off_still_has_a_scale():
    tokens = Tokens(("[CLS]", "[SEP]"), np.zeros(2, np.int64))
    assert map_figure(np.zeros((2, 2), np.float32), tokens, dark=True).data[0].zmax == 1


def test_bars_are_one_trace_a_class_and_keep_their_order():
    bars = [Bar("Fine-tuned", name, np.array([0.5, 0.05, 0.45, 0, 0]), "") for name in ("all heads", "survivors")]
    figure = share_bars(bars, CLASSES)
    assert [trace.name for trace in figure.data] == list(CLASSES)
    assert list(figure.data[1].text) == ["", ""]
    assert list(figure.data[0].y[1]) == ["all heads", "survivors"]
