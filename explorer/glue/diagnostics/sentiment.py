"""Film verdicts for SST-2, in lower case as there; both classes fill the same slots of the same templates."""

from __future__ import annotations

from collections.abc import Iterator

from explorer.glue.diagnostics.tables import Writer, rows, shuffled, tagged
from explorer.glue.tasks import Example

N_PAIRS = 30
"""Sentences of either class in each phenomenon."""
Pairs = list[tuple[str, str]]


def _pairs(pairs: Pairs, seed: int) -> Iterator[Example]:
    """N_PAIRS of the (positive, negative) pairs, chosen by the seed."""
    for positive, negative in shuffled(pairs, seed)[:N_PAIRS]:
        yield Example((f"{positive}.",), 1.0)
        yield Example((f"{negative}.",), 0.0)


def _a(words: str) -> str:
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def _some(words: str) -> str:
    return _a(words) if words.endswith(("script", "ending", "story", "cast")) else words


# In every table the positive cell comes first.
_OVERALL = rows("""
superb | dreadful
wonderful | awful
brilliant | terrible
excellent | atrocious
splendid | dismal
magnificent | pathetic
""")
_GRADED = rows("""
funny | dull | funnier | duller | comedy | comedies
exciting | tedious | more exciting | more tedious | thriller | thrillers
moving | clumsy | more moving | clumsier | drama | dramas
charming | annoying | more charming | more annoying | romance | romances
clever | stupid | cleverer | more stupid | mystery | mysteries
original | predictable | more original | more predictable | western | westerns
""")
_ASPECTS = rows("""
acting | convincing | wooden
script | witty | lazy
ending | satisfying | disappointing
direction | confident | clumsy
dialogue | sharp | lifeless
story | touching | confusing
humor | clever | stale
photography | gorgeous | ugly
pacing | perfect | sluggish
cast | delightful | hopeless
""")
_NOUNS = rows("""
a gripping mystery | a tired formula
a smart comedy | a silly mess
a thrilling adventure | a dull lecture
a small masterpiece | a cheap imitation
a moving portrait of a family | a shallow portrait of a family
two hours of pure joy | two hours of pure boredom
""")


def _plain() -> Iterator[Example]:
    pairs: Pairs = []
    for i, (aspect, good, bad) in enumerate(_ASPECTS):
        other, nice, poor = _ASPECTS[(i + 3) % len(_ASPECTS)]
        pairs.append(
            (
                f"the {aspect} is {good} and the {other} is {nice}",
                f"the {aspect} is {bad} and the {other} is {poor}",
            )
        )
        nice, poor, *_, genre, _ = _GRADED[i % 6]
        pairs.append(
            (
                f"{_a(nice)} {genre} with {_some(f'{good} {aspect}')}",
                f"{_a(poor)} {genre} with {_some(f'{bad} {aspect}')}",
            )
        )
        top, bottom = _OVERALL[i % 6]
        pairs.append((f"the {aspect} of this {genre} is {top}", f"the {aspect} of this {genre} is {bottom}"))
    return _pairs(pairs, 1)


def _intensifier() -> Iterator[Example]:
    pairs: Pairs = []
    for i, (aspect, *_) in enumerate(_ASPECTS):
        for j, word in enumerate(("absolutely", "utterly")):
            good, bad = _OVERALL[(i + 3 * j) % 6]
            pairs.append((f"the {aspect} is {word} {good}", f"the {aspect} is {word} {bad}"))
    for i, word in enumerate(("incredibly", "extremely", "terribly", "awfully")):
        for good, bad, *_, genre, _ in _GRADED[i % 2 :: 2]:
            pairs.append((f"this {genre} is {word} {good}", f"this {genre} is {word} {bad}"))
    return _pairs(pairs, 2)


def _negation() -> Iterator[Example]:
    # Half deny a quality, half deny that anything exceeds it: the same adjective serves either class.
    pairs: Pairs = []
    for good, bad, more_good, more_bad, genre, _ in _GRADED:
        pairs += [
            (f"this {genre} is never {bad}", f"this {genre} is never {good}"),
            (f"there is nothing {bad} about this {genre}", f"there is nothing {good} about this {genre}"),
            (f"{_a(genre)} without a single {bad} moment", f"{_a(genre)} without a single {good} moment"),
            (f"i have never seen a {more_good} {genre}", f"i have never seen a {more_bad} {genre}"),
            (f"no other {genre} this year is {more_good}", f"no other {genre} this year is {more_bad}"),
            (f"the {genre} could not be {more_good}", f"the {genre} could not be {more_bad}"),
        ]
    return _pairs(pairs, 3)


def _contrast() -> Iterator[Example]:
    pairs: Pairs = []
    for i, (aspect, good, bad) in enumerate(_ASPECTS):
        (top, bottom), (joy, mess) = _OVERALL[i % 6], _NOUNS[(i + 2) % 6]
        pairs += [
            (
                f"the {aspect} is {bad}, but the film as a whole is {top}",
                f"the {aspect} is {good}, but the film as a whole is {bottom}",
            ),
            (
                f"the {aspect} may be {bad}, but the film turns out to be {joy}",
                f"the {aspect} may be {good}, but the film turns out to be {mess}",
            ),
            (
                f"some people will find the {aspect} {bad}, but i loved this film",
                f"some people will find the {aspect} {good}, but i hated this film",
            ),
        ]
    return _pairs(pairs, 4)


def _concession() -> Iterator[Example]:
    pairs: Pairs = []
    for i, (aspect, good, bad) in enumerate(_ASPECTS):
        joy, mess = _NOUNS[(i + 2) % 6]
        pairs += [
            (f"despite its {bad} {aspect}, this is {joy}", f"despite its {good} {aspect}, this is {mess}"),
            (
                f"this is {joy}, in spite of its {bad} {aspect}",
                f"this is {mess}, in spite of its {good} {aspect}",
            ),
            (
                f"i loved every minute of it, even though the {aspect} is {bad}",
                f"i hated every minute of it, even though the {aspect} is {good}",
            ),
        ]
    return _pairs(pairs, 5)


_VERSIONS = rows("""
remake | original
sequel | first film
film | novel it is based on
second half | first half
new version | french version
film itself | trailer
""")


def _comparison() -> Iterator[Example]:
    pairs: Pairs = []
    for i, (new, old) in enumerate(_VERSIONS):
        for j, much in enumerate(("far", "much")):
            top, bottom = _OVERALL[(i + 3 * j + j) % 6]
            pairs.append(
                (
                    f"the {new} is {much} better than the {bottom} {old}",
                    f"the {new} is {much} worse than the {top} {old}",
                )
            )
    for good, bad, more_good, more_bad, _, many in _GRADED:
        pairs += [
            (f"this is {more_good} than other {many}", f"this is {more_bad} than other {many}"),
            (f"most {many} look {bad} next to this one", f"most {many} look {good} next to this one"),
            (f"few {many} are as {good} as this one", f"few {many} are as {bad} as this one"),
        ]
    return _pairs(pairs, 6)


def _expectation() -> Iterator[Example]:
    frames = (
        "i expected {} and got {}",
        "the trailer promises {}, but the film delivers {}",
        "what could have been {} turns out to be {}",
    )
    pairs: Pairs = []
    for i, (joy, _) in enumerate(_NOUNS):
        for j, (_, mess) in enumerate(_NOUNS):
            frame = frames[(i + j) % 3]
            pairs.append((frame.format(mess, joy), frame.format(joy, mess)))
    return _pairs(pairs, 7)


_DURING = rows("""
two hours felt like ten minutes | ten minutes felt like two hours
the people around me laughed until they cried | the people around me sighed and looked at their phones
i forgot to eat my popcorn | i counted the lamps on the ceiling
nobody left the room before the end | half the room left before the end
i sat on the edge of my seat | i fell asleep in my seat
the whole row leaned forward | the whole row started to yawn
""")
_AFTER = rows("""
i bought a ticket for the next showing | i asked for my money back
i told all my friends to see it | i told all my friends to stay at home
i would happily watch it again tomorrow | i would rather clean the oven than watch it again
the crowd clapped until the lights came on | the crowd booed until the lights came on
i was still smiling the next day | i was still angry the next day
the critic next to me stood up to cheer | the critic next to me stood up to leave
""")


def _implied() -> Iterator[Example]:
    pairs: Pairs = []
    for during, during_bad in _DURING:
        for after, after_bad in _AFTER:
            pairs.append((f"{during}, and {after}", f"{during_bad}, and {after_bad}"))
    return _pairs(pairs, 8)


WRITERS: dict[str, Writer] = {
    "plain adjectives": _plain,
    "intensifier": _intensifier,
    "negation": _negation,
    "contrast with but": _contrast,
    "concession": _concession,
    "comparison": _comparison,
    "expectation against outcome": _expectation,
    "implied verdict": _implied,
}


def examples() -> list[Example]:
    """30 positive (class 1) and 30 negative sentences (class 0) per phenomenon."""
    return tagged(WRITERS)
