"""Premises and hypotheses for RTE, in fours: every hypothesis is entailed once and not entailed once."""

from __future__ import annotations

from collections.abc import Iterator

from explorer.glue.diagnostics.tables import Writer, quad, rows, sentence, tagged
from explorer.glue.tasks import Example

ENTAILMENT, NOT_ENTAILMENT = 0.0, 1.0
"""Class indices of RTE."""


def _each(premises: tuple[str, str], hypotheses: tuple[str, str]) -> Iterator[Example]:
    """premises[i] entails hypotheses[i] and not the other one."""
    for pair in quad((premises[0], premises[1]), (hypotheses[0], hypotheses[1])):
        yield Example(pair.texts, ENTAILMENT if pair.label else NOT_ENTAILMENT)


def _one_way(premise: str, hypothesis: str) -> Iterator[Example]:
    """The premise entails the hypothesis; the hypothesis does not entail the premise."""
    yield Example((premise, hypothesis), ENTAILMENT)
    yield Example((hypothesis, premise), NOT_ENTAILMENT)


_RESTRICTED = """
nurses | on the night shift | signed the letter
students | from Canada | passed the exam
shops | near the station | were closed on Sunday
players | with injuries | flew home early
houses | on the north shore | lost power
voters | under thirty | supported the plan
flights | to Madrid | were delayed
paintings | in the east wing | were damaged
farmers | in the valley | lost their crops
soldiers | with children | were sent home
letters | from the lawyer | arrived on Friday
trees | behind the church | survived the storm
teachers | at the village school | joined the strike
tickets | for the evening show | were sold
"""


def _quantifiers() -> Iterator[Example]:
    for i, (noun, restriction, did) in enumerate(rows(_RESTRICTED)):
        down, up = ("None of the", "At least three of the") if i % 2 else ("All the", "Some of the")
        yield from _one_way(f"{down} {noun} {did}.", f"{down} {noun} {restriction} {did}.")
        yield from _one_way(f"{up} {noun} {restriction} {did}.", f"{up} {noun} {did}.")


_KINDS = """
Marta bought @ at the auction. | Marta did not buy @ at the auction. | a violin | a musical instrument
The farmer saw @ in the barn. | The farmer did not see @ in the barn. | an owl | a bird
The patient has eaten @. | The patient has not eaten @. | an apple | a piece of fruit
The police stopped @ near the bridge. | The police did not stop @ near the bridge. | a truck | a vehicle
Our neighbor planted @ last fall. | Our neighbor did not plant @ last fall. | an oak | a tree
The gallery sold @ in March. | The gallery did not sell @ in March. | a watercolor | a painting
My cousin has studied @. | My cousin has not studied @. | physics | a science
The child was stung by @. | The child was not stung by @. | a wasp | an insect
The guests were served @. | The guests were not served @. | salmon | fish
The thief was wearing @. | The thief was not wearing @. | a raincoat | a coat
Tom was bitten by @. | Tom was not bitten by @. | a terrier | a dog
The factory makes @. | The factory does not make @. | sofas | furniture
The divers found @ in the harbor. | The divers did not find @ in the harbor. | a dagger | a weapon
Someone sent her @. | Nobody sent her @. | roses | flowers
"""


def _kinds() -> Iterator[Example]:
    for frame, denied, kind, general in rows(_KINDS):
        yield from _one_way(frame.replace("@", kind), frame.replace("@", general))
        yield from _one_way(denied.replace("@", general), denied.replace("@", kind))


_TRANSITIVE = """
teacher | photographed | singer | at the festival
nurse | followed | doctor | into the room
tailor | insulted | baker | in front of the town hall
wolf | chased | bear | across the frozen river
lawyer | recommended | accountant | to the board
queen | betrayed | general | during the war
cyclist | injured | pedestrian | near the school
sculptor | admired | poet | for many years
landlord | reported | tenant | to the police
guard | recognized | visitor | at the gate
chemist | replaced | biologist | on the committee
king | invited | bishop | to the palace
captain | trusted | pilot | with the secret plan
striker | kicked | defender | in the final minute
"""


def _passive() -> Iterator[Example]:
    for a, did, b, rest in rows(_TRANSITIVE):
        yield from _each(
            (sentence(f"the {a} {did} the {b} {rest}"), sentence(f"the {b} {did} the {a} {rest}")),
            (
                sentence(f"the {b} was {did} by the {a} {rest}"),
                sentence(f"the {a} was {did} by the {b} {rest}"),
            ),
        )


_CONDITIONS = """
the shop is open | the lights are on
Maria is at home | the blue car is in the garage
the train is late | the platform is crowded
the door is locked | the guard is on duty
the bell is ringing | the lesson is over
Paul is in town | the guest room is occupied
the river is frozen | the ferry is in the harbor
the mayor is abroad | the deputy is in charge
the alarm is on | the building is empty
the valley is flooded | the upper road is crowded
the oven is hot | the red lamp is lit
the museum is closed | the cafe next door is quiet
the mountain road is icy | the bus is late
the teacher is sick | the class is in the library
"""


def _not(clause: str) -> str:
    verb = " are " if " are " in clause else " is "
    return clause.replace(verb, f"{verb}not ", 1)


def _conditional() -> Iterator[Example]:
    for p, q in rows(_CONDITIONS):
        rule = sentence(f"if {p}, {q}")
        for given, then in ((p, q), (_not(q), _not(p))):
            yield Example((f"{rule} {sentence(given)}", sentence(then)), ENTAILMENT)
            yield Example((f"{rule} {sentence(then)}", sentence(given)), NOT_ENTAILMENT)


_ATTITUDES = """
the minister | realized | realize | claimed | claim | the bank had lost the documents
the driver | knew | know | believed | believe | the bridge was closed
the parents | noticed | notice | feared | fear | the boy was ill
the editor | remembered | remember | suspected | suspect | the letter was a fake
the captain | forgot | forget | assumed | assume | the crew had been paid
the senator | regretted | regret | alleged | allege | the law had been changed
the guests | knew | know | thought | think | the hotel was full
the lawyer | realized | realize | believed | believe | the contract was invalid
the neighbors | noticed | notice | suspected | suspect | the house was empty
the coach | knew | know | assumed | assume | the goalkeeper had recovered
the professor | remembered | remember | guessed | guess | the student had moved to Spain
the farmers | realized | realize | suspected | suspect | the well was dry
the pilot | forgot | forget | thought | think | the runway was blocked
the widow | found out | find out | imagined | imagine | the ring had been stolen
"""


def _factive() -> Iterator[Example]:
    for who, knew, know, thought, think, clause in rows(_ATTITUDES):
        for verb, label in (
            (knew, ENTAILMENT),
            (f"did not {know}", ENTAILMENT),
            (thought, NOT_ENTAILMENT),
            (f"did not {think}", NOT_ENTAILMENT),
        ):
            yield Example((sentence(f"{who} {verb} that {clause}"), sentence(clause)), label)


_COMPLEMENTS = """
The shop on the corner was @ at noon. | open | closed
The king was @ when the messenger arrived. | alive | dead
The minister was @ when the vote was taken. | present | absent
The baby was @ when the phone rang. | asleep | awake
The rumor about the merger was @. | true | false
The number on the door is @. | odd | even
The sale of the house was @ under French law. | legal | illegal
The radio in the kitchen was @ when she came home. | on | off
The answer to the first question is @. | right | wrong
The coin in the display case is @. | genuine | fake
The door to the cellar was @. | locked | unlocked
The guests were @ when the storm began. | indoors | outdoors
The course in statistics is @. | optional | compulsory
The seat by the window was @. | taken | free
"""


def _negation() -> Iterator[Example]:
    for i, (frame, one, other) in enumerate(rows(_COMPLEMENTS)):
        plain = (frame.replace("@", one), frame.replace("@", other))
        denied = (frame.replace("@", f"not {other}"), frame.replace("@", f"not {one}"))
        yield from _each(denied, plain) if i % 2 else _each(plain, denied)


_EVENTS = """
the lights went out | the music stopped
the guests arrived | the rain began
the queen died | the war ended
Karl moved to Oslo | Lena got married
the letter was sent | the office closed
the baker opened his shop | the market started
the actress left the theater | the fire broke out
the village was flooded | the dam was finished
the doctor called | the results came in
the climbers reached the hut | the snow started
the poet published her diary | the regime fell
the old pier was torn down | the harbor froze
Emma sold her car | the price of fuel rose
the twins learned to swim | the family bought a boat
"""


def _order() -> Iterator[Example]:
    for a, b in rows(_EVENTS):
        yield from _each(
            (sentence(f"{a} before {b}"), sentence(f"{a} after {b}")),
            (sentence(f"{b} after {a}"), sentence(f"{b} before {a}")),
        )


_COUNTS = """
@ 300 workers lost their jobs at the mill | 500
@ 2,000 people attended the concert in the park | 3,000
the ship was carrying @ 40 passengers | 60
the museum owns @ 20 paintings by the artist | 30
the committee received @ 80 letters | 120
@ 15 schools were closed because of the snow | 25
the author has written @ six novels | nine
the town has @ 9,000 inhabitants | 12,000
@ 50 trees were planted along the river | 70
the airline canceled @ 90 flights on Monday | 110
the hospital treated @ 35 patients on Friday | 45
@ ten students failed the final exam | twenty
the library bought @ 100 maps last year | 150
@ 12 soldiers were wounded in the attack | 18
"""


def _numbers() -> Iterator[Example]:
    for i, (frame, large) in enumerate(rows(_COUNTS)):
        above, below = ("at least", "at most") if i % 2 else ("more than", "fewer than")
        words = frame.split()
        small = words[words.index("@") + 1]
        low, high = (frame.replace(f"@ {small}", f"@ {number}") for number in (small, large))
        yield from _one_way(sentence(high.replace("@", above)), sentence(low.replace("@", above)))
        yield from _one_way(sentence(low.replace("@", below)), sentence(high.replace("@", below)))


_NESTED = """
judge | next to | lawyer | smiled
artist | behind | banker | fell asleep
doctor | in front of | actor | laughed
tourist | beside | guide | took a picture
child | near | clown | started to cry
waiter | across from | cook | drank a coffee
cyclist | ahead of | runner | slowed down
senator | who thanked | reporter | left the room
manager | who hired | engineer | moved to Chile
student | who helped | librarian | lost a book
captain | who saved | sailor | died in 1912
nurse | who called | dentist | was late
singer | who married | director | won an award
farmer | who sued | miller | went bankrupt
"""


def _overlap() -> Iterator[Example]:
    for a, link, b, did in rows(_NESTED):
        yield from _each(
            (f"The {a} {link} the {b} {did}.", f"The {b} {link} the {a} {did}."),
            (f"The {a} {did}.", f"The {b} {did}."),
        )


WRITERS: dict[str, Writer] = {
    "quantifiers": _quantifiers,
    "hypernym": _kinds,
    "passive": _passive,
    "conditional": _conditional,
    "factive verbs": _factive,
    "negation": _negation,
    "temporal order": _order,
    "numbers": _numbers,
    "lexical overlap": _overlap,
}


def examples() -> list[Example]:
    """28 pairs of either class per phenomenon; class 0 is entailment, as in RTE."""
    return tagged(WRITERS)
