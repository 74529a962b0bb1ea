"""What the address asks for that opened this session, or that a link on a page leads to; what is not understood is
named at the top of the page."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TypeVar

import streamlit as st

from explorer.foreign import whole_number
from explorer.ui.notices import notice

AT = "at"
"""The parameter of a link on a page that says which section it leads to; the page's own address does not keep it."""
CARD = "card"
"""The link's parameter that says which head or MLP is looked at, as '3.5' or '3.mlp'."""
FINGERPRINT = "v"
"""The link's parameter that says what it was made with."""
WORDS = frozenset(
    f"model task seed mask {CARD} {FINGERPRINT} {AT} view pruned of fill ring method state criterion off marked "
    "measure which kind colour layer head sentence compare with row step a b show example instead".split()
)
"""Every parameter that some page reads."""
_OF_OTHERS = ("utm_", "fbclid", "gclid", "msclkid", "igshid", "mc_", "_ga", "_gl")
"""How parameters begin that mail programs and social networks add to every link."""
_OPENED = "link.opened_with"
"""The address that opened this session, until a page has been drawn with it."""
_ASKED = "link.asked"
_SHOWN = 40
"""Characters of foreign text in a sentence."""
Name = TypeVar("Name", bound=str)


def remember() -> None:
    """Remembers the address that opened this session, as soon as a run begins: who goes to another page before the
    first one is drawn takes along what the link selects."""
    if _ASKED not in st.session_state:
        st.session_state[_ASKED] = set()
        st.session_state[_OPENED] = st.query_params.to_dict()


def given(name: str) -> str | None:
    """A parameter of the address, or of the one that opened this session where no page was drawn with it yet."""
    opened: dict[str, str] = st.session_state.get(_OPENED, {})
    wanted: str | None = st.query_params.get(name, opened.get(name))
    return wanted


def asked(name: str) -> str | None:
    """The value of one more parameter in the link that opened this session, given once: then the session decides."""
    told: set[str] = st.session_state.setdefault(_ASKED, set())
    if name in told:
        return None
    told.add(name)
    return now(name)


def now(name: str) -> str | None:
    """The value of a parameter, one of WORDS, in the address as it is; None where it has none."""
    assert name in WORDS, f"{name} would be told to be unknown where no page has read it"
    wanted: str | None = st.query_params.get(name)
    return wanted


def one_of(name: str, options: Collection[Name]) -> Name | None:
    """What the link asks for, of these, given once; where it asks for anything else, a notice says so."""
    wanted = asked(name)
    found = next((option for option in options if option == wanted), None)
    if wanted is not None and found is None:
        refuse(name, wanted, options)
    return found


def refuse(name: str, wanted: str, options: Collection[str]) -> None:
    """Says that the link asks for what is not among these."""
    there = f"there is {', '.join(options)}" if len(options) <= 12 else f"there are {len(options)} others"
    _leave_out(name, wanted, there if options else "there is nothing to choose from")


def number(name: str, first: int, last: int) -> int | None:
    """The whole number that the link asks for, given once; where it is not from first to last, a notice says so."""
    wanted = asked(name)
    if wanted is None:
        return None
    found = whole_number(wanted)
    if found is None or not first <= found <= last:
        _leave_out(name, wanted, f"it can be {first} to {last}")
        return None
    return found


def ask_again() -> None:
    """Lets a link on a page say what the next one is set to, as the link that opened the session did."""
    st.session_state[_ASKED] = set()


def write(wanted: Mapping[str, str]) -> None:
    """Makes this the address. A word of it that no page knows goes, and a notice names it."""
    here = st.query_params.to_dict()
    for name in sorted(one for one in set(here) - WORDS if not one.startswith(_OF_OTHERS)):
        notice(f"The link says {name[:_SHOWN]!r}, which no page understands; it was left out.")
    st.session_state.pop(_OPENED, None)
    if here != wanted:
        st.query_params.from_dict(dict(wanted))


def amend(**more: str) -> None:
    """Changes these parameters of the address and leaves the others; an empty one goes."""
    here = st.query_params.to_dict()
    wanted = {name: value for name, value in (here | more).items() if value}
    if wanted != here:
        st.query_params.from_dict(wanted)


def _leave_out(name: str, wanted: str, why: str) -> None:
    notice(f"The link asks for {name} {wanted[:_SHOWN]!r}, which is not here ({why}); it was left out.")
