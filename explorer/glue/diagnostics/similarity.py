"""Captions for STS-B: how far the second sentence's meaning is from the first, crossed with its form.

The levels follow the annotators' scale (Cer et al. 2017, arXiv:1708.00055): 5 the same; 4 an unimportant
detail is added; 3 someone else does it, or another number of them; 2 it is done to something else of the
kind, or the same ones do something else there; 1 only the actor is shared; 0 nothing is (in "numbers", only
the number). In every phenomenon the label is independent of the second sentence's form.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass, replace

from explorer.glue.diagnostics.tables import Writer, rows, sentence, shuffled, tagged
from explorer.glue.tasks import Example

N_SCENES = 10
"""Pairs of each level in each phenomenon."""


@dataclass(frozen=True)
class _Scene:
    agent: str
    other_agent: str
    doing: str
    doing_too: str
    """Another wording of the action."""
    done: str
    thing: str
    thing_too: str
    """Another name of the thing, if it has one."""
    detailed: str
    other_thing: str
    place: str


_SCENES = """
man | woman | slicing | cutting | sliced | an onion | | a red onion | a carrot | in a kitchen
woman | man | repairing | fixing | repaired | a bicycle | a bike | an old bicycle | a car | in a garage
boy | girl | throwing | tossing | thrown | a ball | | a small ball | a stick | in a park
girl | boy | drawing | sketching | drawn | a horse | | a brown horse | a tree | at a table
chef | boy | stirring | mixing | stirred | a sauce | | a creamy sauce | a soup | at a stove
farmer | child | feeding | giving food to | fed | a goat | | a white goat | a pig | behind a barn
child | man | petting | stroking | petted | a cat | | a black cat | a rabbit | on a couch
nurse | soldier | washing | cleaning | washed | a car | an automobile | a blue car | a truck | outside a house
man | girl | lifting | raising | lifted | a box | | a heavy box | a chair | in a warehouse
boy | woman | chasing | running after | chased | a duck | | a white duck | a goose | on a lawn
musician | child | playing | playing | played | a violin | a fiddle | an old violin | a flute | on a stage
woman | boy | photographing | taking a picture of | photographed | a castle | | a ruined castle | \
    a bridge | near a lake
girl | man | building | making | built | a snowman | | a tall snowman | an igloo | in a garden
doctor | student | examining | checking | examined | a baby | an infant | a crying baby | a teenager | \
    in a clinic
man | nurse | buying | purchasing | bought | a melon | | a ripe melon | a pineapple | at a market
teacher | girl | cleaning | wiping | cleaned | a blackboard | a chalkboard | a dusty blackboard | a desk | \
    in a classroom
woman | child | closing | shutting | closed | a gate | | a rusty gate | a door | behind a church
boy | farmer | pulling | dragging | pulled | a sled | a sledge | a wooden sled | a cart | on a hill
worker | boy | painting | painting | painted | a trash can | a garbage can | a dented trash can | \
    a bench | in an alley
student | teacher | carrying | carrying | carried | a rug | a carpet | a woolen rug | a mattress | \
    on a staircase
"""


def _the_same(scene: _Scene) -> str:
    return f"a {scene.agent} is {scene.doing} {scene.thing} {scene.place}"


def _articles(scene: _Scene) -> str:
    return f"the {scene.agent} is {scene.doing} {scene.thing} {scene.place}"


def _synonym(scene: _Scene) -> str:
    return f"a {scene.agent} is {scene.doing_too} {scene.thing_too or scene.thing} {scene.place}"


def _passive(scene: _Scene) -> str:
    return f"{scene.thing} is being {scene.done} by a {scene.agent} {scene.place}"


def _fronted(scene: _Scene) -> str:
    return f"{scene.place}, a {scene.agent} is {scene.doing} {scene.thing}"


def _there_is(scene: _Scene) -> str:
    return f"there is a {scene.agent} {scene.doing} {scene.thing} {scene.place}"


def _no_finite_verb(scene: _Scene) -> str:
    return f"a {scene.agent} {scene.doing} {scene.thing} {scene.place}"


def _two_clauses(scene: _Scene) -> str:
    return f"a {scene.agent} is {scene.place} and is {scene.doing} {scene.thing}"


def _unrelated(scenes: list[_Scene], i: int) -> _Scene:
    """The first scene from the third after scene i on that shares no content word with it."""

    def words(scene: _Scene) -> set[str]:
        return {word for word in " ".join(astuple(scene)).split() if len(word) > 2}

    others = (scenes[(i + step) % len(scenes)] for step in range(3, len(scenes)))
    return next(other for other in others if not words(other) & words(scenes[i]))


def _ladder(second: Callable[[_Scene], str], seed: int) -> Writer:
    """N_SCENES pairs at each level; the second sentences all have the form in question."""

    def write() -> Iterator[Example]:
        scenes = [_Scene(*row) for row in rows(_SCENES)]
        for level in range(6):
            for i in shuffled(range(len(scenes)), 10 * seed + level)[:N_SCENES]:
                scene = scenes[i]
                far = _unrelated(scenes, i)
                other = (
                    far,
                    replace(far, agent=scene.agent),
                    replace(scene, thing=scene.other_thing, thing_too=""),
                    replace(scene, agent=scene.other_agent),
                    replace(scene, thing=scene.detailed, thing_too=""),
                    scene,
                )[level]
                yield Example((sentence(_the_same(scene)), sentence(second(other))), float(level))

    return write


_GROUPS = """
two | a couple of | four | dogs | brown | ran across a field | slept in a field | swam in a river
twelve | a dozen | three | children | small | sang on a stage | sat on a stage | crossed a street
six | half a dozen | two | women | older | danced in a park | ate lunch in a park | boarded a bus
three | a group of three | ten | men | bearded | played cards in a cafe | mopped the floor of a cafe | \
    climbed a mountain
two | a pair of | five | birds | black | built a nest on a roof | stood on a roof | drank from a puddle
four | a group of four | two | girls | tall | played soccer on a beach | read books on a beach | \
    painted a wall
five | a group of five | three | soldiers | tired | marched through a village | rested in a village | \
    repaired a truck
two | a couple of | six | cats | striped | lay on a porch | fought on a porch | looked out of a window
twelve | a dozen | four | cyclists | young | raced through a forest | camped in a forest | washed their bikes
three | a trio of | seven | musicians | elderly | performed in a square | ate ice cream in a square | \
    carried a piano
"""


def _numbers() -> Iterator[Example]:
    groups = rows(_GROUPS)
    for i, (number, in_words, other_number, who, adjective, action, there, elsewhere) in enumerate(groups):
        *_, other_who, _, other_action, _, _ = groups[(i + 4) % len(groups)]
        seconds = (
            f"{number} {other_who} {other_action}",  # the number alone is shared
            f"{number} {who} {elsewhere}",
            f"{number} {who} {there}",
            f"{other_number} {who} {action}",
            f"{number} {adjective} {who} {action}",
            f"{in_words} {who} {action}",
        )
        for level, second in enumerate(seconds):
            yield Example((sentence(f"{number} {who} {action}"), sentence(second)), float(level))


WRITERS: dict[str, Writer] = {
    "same wording": _ladder(_articles, 1),
    "synonym": _ladder(_synonym, 2),
    "passive": _ladder(_passive, 3),
    "fronted phrase": _ladder(_fronted, 4),
    "there is": _ladder(_there_is, 5),
    "no finite verb": _ladder(_no_finite_verb, 6),
    "two clauses": _ladder(_two_clauses, 7),
    "numbers": _numbers,
}


def examples() -> list[Example]:
    """Ten pairs at each of the levels 0 to 5 per phenomenon."""
    return tagged(WRITERS)
