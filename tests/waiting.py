"""How tests wait: for a condition or an event, never for a duration. Only what hangs meets the limit below."""

from __future__ import annotations

import os
import time

HANG_SECONDS = float(os.environ.get("HANG_SECONDS", "300"))
"""After which a test that waits is given up. No test passes or fails by how far below it stays. Whoever mends a
test that hangs can lower it for a while."""
HANG_MILLISECONDS = HANG_SECONDS * 1000
"""The same, for Playwright."""


def until(condition):
    """Returns once the condition holds, for what tells nobody that it happened; fails where it never does."""
    end = time.monotonic() + HANG_SECONDS
    while not condition():
        assert time.monotonic() < end, "this never came true"
        time.sleep(0.01)
