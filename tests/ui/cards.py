"""What the components of a page were told, which AppTest hands out as JSON."""

from __future__ import annotations

import json


def told(test, name):
    """What each component of that name was told, in the page's order."""
    found = (element.proto for element in test.get("bidi_component"))
    return [json.loads(proto.json) for proto in found if proto.component_name == name]


def card(test):
    """What the score card says."""
    (found,) = told(test, "score_card")
    return found


def card_words(test):
    """All that score cards say, in lines; '' on a page without one."""
    return "\n".join(text for found in told(test, "score_card") for text in _texts(found))


def _texts(value):
    if isinstance(value, str):
        return [value]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [text for part in parts for text in _texts(part)]
