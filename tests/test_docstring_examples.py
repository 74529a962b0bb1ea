"""The usage examples in docstrings run, on the tiny model; `classifier` and `examples` are given to each."""

from __future__ import annotations

import doctest
import importlib

import numpy as np
import pytest

from explorer.glue.encoding import encode
from explorer.glue.tasks import TASKS
from explorer.mask import Mask
from tests import tiny

MODULES = [
    "explorer.mask",
    "explorer.bert.gates",
    "explorer.bert.attention",
    "explorer.live.evaluator",
    "explorer.notebook",
    "explorer.notebook.opened_run",
    "explorer.tickets.gradients",
    "explorer.tickets.structured",
]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_run(name, classifier):
    module = importlib.import_module(name)
    given = {"classifier": classifier, "examples": tiny.make_examples(TASKS["MRPC"], 12), "encode": encode}
    result = doctest.testmod(module, extraglobs={**given, "np": np, "Mask": Mask})
    assert result.attempted, f"{name} has no example"
    assert not result.failed
