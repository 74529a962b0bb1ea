"""The plain part of the paraphrase diagnostic: what is no paraphrase tells of another event.

A pair is either one event in two wordings or two events that share whom or what they are about. No pair hangs on who
did it to whom, on a negation, a number or a name: those are the hard part.
"""

from __future__ import annotations

from collections.abc import Iterator

from explorer.glue.diagnostics.tables import Writer, quad, rows, sentence
from explorer.glue.tasks import Example

_DEEDS = """
city council | approved | the plan for a new library | on Monday | closed | two public swimming pools | last winter
museum | bought | a rare painting by a local artist | last week | fired | its longest-serving guard | on Tuesday
police | arrested | a man with a stolen car | on Sunday night | rescued | two hikers from a cliff | in early May
drug maker | withdrew | a popular pain pill | in August | opened | a laboratory near the airport | last fall
football club | hired | a coach from Brazil | on Wednesday | sold | its old stadium to a bank | in January
president | signed | the bill on clean water | on Thursday | welcomed | the widow of a famous pilot | in the garden
scientists | discovered | a lake under the ice | in March | criticized | the cuts to their budget | on Friday
airline | canceled | all flights to the islands | on Saturday | painted | its new planes bright yellow | last year
school board | banned | phones from the classrooms | in September | honored | a teacher of music | at a dinner
firefighters | saved | an old church from the flames | on Monday | elected | a woman as their leader | in the spring
newspaper | published | letters from a soldier | on Sunday | moved | its printing plant to the suburbs | in 2002
toy company | recalled | thousands of wooden trains | in December | sued | a former designer | on Wednesday
farmers | blocked | the road to the capital | on Tuesday | celebrated | the end of the long drought | in June
orchestra | played | works by unknown composers | last night | demanded | higher wages from the city | in October
"""


def _events() -> Iterator[tuple[str, tuple[str, str, str], tuple[str, str, str]]]:
    for agent, did, thing, when, did2, thing2, when2 in rows(_DEEDS):
        yield agent, (did, thing, when), (did2, thing2, when2)


def _fronted() -> Iterator[Example]:
    for agent, *deeds in _events():
        yield from quad(
            _two(*(sentence(f"the {agent} {did} {thing} {when}") for did, thing, when in deeds)),
            _two(*(sentence(f"{when}, the {agent} {did} {thing}") for did, thing, when in deeds)),
        )


def _two(one: str, other: str) -> tuple[str, str]:
    return one, other


_VICTIMS = """
bridge over the river | engineers | repaired | in the summer | a storm | destroyed | in 1998
old town hall | a builder | restored | last year | vandals | damaged | on Saturday night
missing girl | a farmer | found | on Sunday morning | a neighbor | described | in a radio interview
minister of finance | voters | elected | in May | protesters | insulted | at a market
oil tanker | pirates | seized | near the coast | a shipyard | built | in the 1980s
stolen painting | detectives | recovered | in a garage | a poor student | painted | in Paris
young tennis star | reporters | questioned | after the match | a clothing firm | sponsored | for three years
village school | parents | defended | at a meeting | the army | used | as a hospital
new vaccine | doctors | praised | at a conference | a small company | developed | in two years
famous singer | fans | greeted | at the airport | a judge | fined | for fast driving
golden statue | thieves | stole | in the night | a farmer | uncovered | in a field
striking miners | the union | supported | with money | the owners | dismissed | on Friday
rare white lion | visitors | photographed | at the zoo | a hunter | wounded | last month
steel company | investors | rescued | in April | officials | inspected | on Wednesday
"""
_PARTICIPLES = {"stole": "stolen"}


def _passive() -> Iterator[Example]:
    for thing, *told in rows(_VICTIMS):
        deeds = [(told[0], told[1], told[2]), (told[3], told[4], told[5])]
        be = "were" if thing.endswith("miners") else "was"
        yield from quad(
            _two(*(sentence(f"{who} {did} the {thing} {when}") for who, did, when in deeds)),
            _two(
                *(
                    sentence(f"the {thing} {be} {_PARTICIPLES.get(did, did)} by {who} {when}")
                    for who, did, when in deeds
                )
            ),
        )


_WORDED = """
The carmaker @. | will close its oldest plant | is going to shut its oldest factory | \
    showed a small electric truck in Geneva | presented a little electric truck in Geneva
The actor @. | purchased a farm in Scotland | bought a farm in Scotland | broke his arm while skiing | \
    fractured his arm on a ski slope
The hospital @. | needs more nurses | is short of nurses | named a wing after its founder | \
    called a wing after the man who founded it
The committee @. | postponed its vote on the tax | put off its vote on the tax | \
    heard from a retired general | listened to a former general
The storm @. | knocked down hundreds of trees | felled hundreds of trees | \
    is moving toward the northern islands | is heading for the northern islands
The company @. | earned more than analysts had expected | made more money than analysts had predicted | \
    moved its main office to Texas | transferred its headquarters to Texas
The mayor @. | plans to plant trees along the main street | intends to plant trees along the main street | \
    got stuck in an elevator for an hour | was trapped in an elevator for 60 minutes
The boy @. | was bitten by a snake in the yard | suffered a snake bite in the yard | \
    won a contest for young writers | took first prize in a contest for young authors
The factory @. | produces glass for windows | makes window glass | \
    burned to the ground in November | was completely destroyed by fire in November
The court @. | lowered the fine for the bank | reduced the penalty for the bank | \
    will move into a modern building | is to move into a new building
The satellite @. | fell into the ocean | crashed into the sea | \
    sent the first pictures of the comet | transmitted the first images of the comet
The restaurant @. | serves only fish | has nothing but fish on its menu | \
    belonged to a retired boxer | was owned by a former boxer
The train @. | hit a truck at a crossing | struck a truck at a crossing | \
    will run every hour at night | is going to run hourly at night
The senator @. | will not seek another term | is not going to run again | \
    wrote a book on his childhood | is the author of a book on his youth
"""


def _synonyms() -> Iterator[Example]:
    for frame, one, one_too, other, other_too in rows(_WORDED):
        yield from quad(
            (frame.replace("@", one), frame.replace("@", other)),
            (frame.replace("@", one_too), frame.replace("@", other_too)),
        )


_SAID = """
a spokesman for the airport | the runway will be repaired in July | a dog was found on board a plane
the head of the union | the workers want a shorter week | the talks may last until Christmas
the doctor | the patient can go home next week | a new clinic is needed in the valley
a police officer | the driver had fallen asleep | the jewels were hidden under the floor
the chief economist | prices will rise again in the fall | young people save too little money
the coach | the goalkeeper has a bad knee | the fans were wonderful all season
the director of the zoo | the elephants will get a larger house | a baby panda was born on Friday
the governor | the prison is much too old | the fires are now under control
the pilot | the landing was very rough | the radio had stopped working over the sea
a witness | the shots came from a parked van | the store was empty at noon
the professor | the coins are from Roman times | few students learn Latin today
the owner of the hotel | all rooms are booked for August | the roof was lost in a storm
the minister | the border will be opened soon | the army needs better helmets
the farmer | wolves killed nine of his sheep | the harvest was the best in years
"""


def _speaker_last() -> Iterator[Example]:
    for who, one, other in rows(_SAID):
        yield from quad(
            _two(*(sentence(f"{who} said that {fact}") for fact in (one, other))),
            _two(*(sentence(f"{fact}, {who} said") for fact in (one, other))),
        )


WRITERS: dict[str, Writer] = {
    "fronted phrase, or another event": _fronted,
    "passive, or another event": _passive,
    "synonyms, or another event": _synonyms,
    "speaker named last, or another statement": _speaker_last,
}
