"""Page: stage mode. A page to get ready on, then the talk over the whole window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from explorer.errors import BadRequest, ExplorerError
from explorer.store.own_tasks import own_tasks
from explorer.store.schema import Run
from explorer.ui import link, notices, state
from explorer.ui.as_text import plain
from explorer.ui.pages.stage import preparation
from explorer.ui.pages.stage.component import at, deck, left_for
from explorer.ui.pages.stage.leaving_out import left_out
from explorer.ui.pages.stage.numbers import Figure
from explorer.ui.pages.stage.scenes import Scene, scenes_of
from explorer.ui.pages.stage.story import LARGEST, LIMITS, SHIPPED, Step, Story
from explorer.ui.pages.stage.story_values import FACTS, Material, facts
from explorer.ui.scoring import polling, request
from explorer.ui.view import View
from explorer.ui.widgets import imported, page_title

_ON, _START, _LIVE, _UPLOAD, _LEFT, _TALKS = (
    f"stage.{name}" for name in ("on", "start", "live", "upload", "left", "talks")
)
_CHROME = """<style>
[data-testid=stHeader], [data-testid=stSidebar], [data-testid=stSidebarCollapsedControl],
[data-testid=stExpandSidebarButton], [data-testid=stStatusWidget], [data-testid=stToolbar] { display: none !important; }
[data-testid=stMain], body { overflow: hidden !important; }
</style>"""


def page(view: View) -> None:
    """The talk where it was started, or where the address names one of its steps; else what it needs."""
    if imported.without_weights(view):
        st.session_state[_ON] = False
        st.session_state.pop(state.TOUR, None)
        imported.show(
            view,
            "A talk for the large screen",
            "The authors' files hold where pruning ended, not the steps and predictions that the talk tells of.",
            "slideshow",
        )
        return
    if st.session_state.pop(state.TOUR, False):
        _at_start(0)
    if left := st.session_state.pop(_LEFT, ""):
        st.session_state[_ON] = False
        if left == "game" and "game" in view.links:
            st.switch_page(view.links["game"])
    st.session_state.setdefault(_ON, False)
    try:
        story, origin = preparation.story_of(st.session_state.get(_UPLOAD), own_tasks(view.root))
        by_run = {}

        def of(step: Step) -> Material:
            run = preparation.run_of(step, view)
            if run not in by_run:
                by_run[run] = preparation.material(view, run)
            return by_run[run]

        steps, without = left_out(story, of)
        if not steps:
            raise BadRequest("No step of this story can be told of this run.", " ".join(without))
        story = replace(story, steps=steps)
        scenes = scenes_of(story, of)
    except ExplorerError as error:
        st.session_state[_ON] = False
        _unready(error)
        return
    live = preparation.live_of(view, scenes)
    asked = link.number("step", 1, len(scenes))
    if asked is not None:
        st.session_state[_ON], st.session_state[_START] = True, asked - 1
    if st.session_state[_ON]:
        st.html(_CHROME)
        _talk(story, scenes, live, view.run)
    else:
        _ready(story, origin, scenes, live, view.run, without)


# ---- the talk


@st.fragment
def _talk(story: Story, scenes: Sequence[Scene], live: Sequence[preparation.Live], run: Run) -> None:
    if st.session_state.get(_LEFT):
        st.rerun()
    key = f"stage.deck.{st.session_state.get(_TALKS, 0)}"
    start = min(max(st.session_state.get(_START, 0), 0), len(scenes) - 1)
    number = st.session_state[_START] = at(st.session_state.get(key), len(scenes), start)
    state.write_url(run, None, step=str(number + 1))
    known: dict[str, tuple[Figure, bool]] = st.session_state.setdefault(_LIVE, {})  # with whether it may yet change
    names = {of.number: _name(of.question) for of in live}
    wanted = (of.question for of in live if of.number == number)
    asked = next((of for of in wanted if known.get(_name(of), (None, True))[1]), None)
    standing = request.standing_of(asked) if asked else None  # waits a moment at most; the browser has moved on already
    if asked and standing and (figure := preparation.live_figure(asked, standing)):
        known[names[number]] = figure, standing.verifying
    shown = {at_screen: known[name][0] for at_screen, name in names.items() if name in known}
    waiting = [at_screen for at_screen in names if at_screen not in shown]
    deck(story.title, scenes, shown, waiting, start, key=key, on_leave=lambda: _leave(key))
    if asked and standing and standing.verifying:
        request.follow_verification(asked, standing)
    elif asked and standing and not standing.over:
        polling.follow(
            standing,
            lambda: request.standing_of(asked, 0.0),
            lambda now: now.over,
            lambda now: None,
            every=lambda _: request.LOADING_EVERY,
        )


def _leave(key: str) -> None:
    st.session_state[_LEFT] = left_for(st.session_state.get(key))


def _name(question: request.Question) -> str:
    return f"{question.known.run.path} {question.source} {question.mask.code}"


# ---- before it


def _ready(
    story: Story,
    origin: str,
    scenes: Sequence[Scene],
    live: Sequence[preparation.Live],
    run: Run,
    without: Sequence[str],
) -> None:
    state.write_url(run, None)
    page_title.show(run.task, "Stage mode: a talk on [[pruning]], told with this task")
    notices.show()
    st.markdown(
        f"**{plain(story.title)}**, {len(scenes)} steps ({plain(origin)}), told with {run.task}, seed "
        f"{run.seed}. Everything is made ready here; the talk itself needs no network."
    )
    unknown = [words for scene in scenes for words in scene.missing]
    st.markdown(f":green[:material/check_circle:] {len(scenes)} of {len(scenes)} screens prepared from the bundle")
    _models(live)
    for words in dict.fromkeys([*without, *unknown]):
        st.markdown(f":orange[:material/info:] {plain(words)}")
    left_at = min(st.session_state.get(_START, 0), len(scenes) - 1)
    with st.container(horizontal=True):
        if st.button("Start", type="primary", icon=":material/slideshow:", key="stage.start_button"):
            _begin(0)
        if left_at > 0 and st.button(f"Go on at step {left_at + 1}", key="stage.go_on"):
            _begin(left_at)
    st.markdown(
        "`→` `←` or a clicker's page keys: on and back · `Home` `End` · `n` speaker notes · `f` full screen · "
        "`g` the game · `Esc` leave"
    )
    _own(scenes)


def _begin(number: int) -> None:
    _at_start(number)
    st.rerun()


def _at_start(number: int) -> None:
    st.session_state[_ON], st.session_state[_START] = True, number
    st.session_state[_TALKS] = st.session_state.get(_TALKS, 0) + 1  # a deck of its own, which starts there


def _models(live: Sequence[preparation.Live]) -> None:
    state_now = preparation.models(live)
    _say_models(state_now, len(live))
    if state_now.loaded < state_now.total and not state_now.trouble:
        polling.follow(
            state_now,
            lambda: preparation.models(live),
            lambda now: now.loaded == now.total or bool(now.trouble),
            lambda now: None,
            every=lambda _: request.LOADING_EVERY,
        )


def _say_models(now: preparation.Models, screens: int) -> None:
    count = f"{now.loaded} of {now.total} {'model' if now.total == 1 else 'models'} loaded"
    if not now.total:
        words = ":gray[:material/inventory_2:] No model to load: stored scores are shown"
    elif now.trouble:
        words = f":orange[:material/warning:] {count}: {plain(now.trouble)} Stored scores are shown."
    elif now.loaded < now.total:
        words = f":blue[:material/hourglass_top:] {count}. A talk that starts now shows stored scores until then."
    else:
        words = f":green[:material/check_circle:] {count}: {screens} screens are scored live"
    st.markdown(words)


def _own(scenes: Sequence[Scene]) -> None:
    with st.expander("Tell your own story"):
        st.markdown(
            "A story is a small TOML file: a title, and steps with a title, a text, what to show and what to say. "
            "Start from a copy of the one that ships, below; upload yours here or name it in `EXPLORER_STORY`. "
            f"{LIMITS}"
        )
        _upload()
        of = scenes[0].material
        if of is not None:
            values = facts(of)
            st.markdown("Numbers that a text may name, in braces:")
            rows = [{"name": f"{{{name}}}", "is": FACTS[name], "now": values[name] or "not known"} for name in FACTS]
            st.dataframe(rows, hide_index=True)
        st.markdown("The story that ships:")
        st.code(SHIPPED.read_text(encoding="utf-8"), language="toml", height=320)


def _unready(error: ExplorerError) -> None:
    st.header("Stage mode")
    st.error(plain(error.wrong), icon=":material/error:")
    st.text(error.mend)
    _upload()


def _upload() -> None:
    file = st.file_uploader("A story of your own", type="toml", key="stage.file", max_upload_size=1)
    data = file.getvalue()[: LARGEST + 1] if file is not None else None
    if file is not None and data != st.session_state.get(_UPLOAD):
        st.session_state[_UPLOAD] = data
        st.session_state[_START] = 0
        st.rerun()
    if st.session_state.get(_UPLOAD) is not None and st.button("Back to the story before", key="stage.forget"):
        st.session_state.pop(_UPLOAD)
        st.session_state.pop("stage.file", None)
        st.rerun()
