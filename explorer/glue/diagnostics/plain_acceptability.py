"""The plain part of the acceptability diagnostic: the words of a simple sentence, in an order that is none.

Each unacceptable sentence has its partner's very words. No sentence hangs on the form of a word or on two words that
stand apart: those are the hard part.
"""

from __future__ import annotations

from collections.abc import Iterator

from explorer.glue.diagnostics.tables import Writer, rows, sentence
from explorer.glue.tasks import Example

_SCENES = """
hungry wolf | followed | sheep | across the field
old gardener | watered | roses | before breakfast
young nurse | opened | window | in the evening
tall waiter | dropped | plate | on the floor
clever student | answered | question | without a mistake
brave captain | saved | passengers | from the fire
small child | drew | picture | with a pencil
rich merchant | bought | castle | near the lake
famous singer | canceled | concert | on Friday
angry farmer | chased | thieves | through the village
busy mechanic | repaired | engine | after lunch
gray cat | caught | mouse | behind the stove
new teacher | explained | lesson | to the class
friendly neighbor | found | keys | under the mat
poor widow | sold | house | last summer
quiet librarian | lost | book | on the train
proud father | carried | baby | up the stairs
careful driver | washed | truck | every week
lazy boy | forgot | homework | at school
tired soldier | wrote | letter | to his mother
strong wind | broke | branch | during the night
happy girl | kissed | dog | on the nose
foreign minister | signed | treaty | with a smile
wise judge | read | report | in her office
local baker | burned | bread | this morning
blind musician | played | song | for the guests
rude customer | insulted | clerk | in the shop
good doctor | examined | patient | at the clinic
"""


def _pairs(good: str, bad: str) -> Iterator[Example]:
    yield from (Example((sentence(good),), 1.0), Example((sentence(bad),), 0.0))


def _salad() -> Iterator[Example]:
    for who, did, thing, rest in rows(_SCENES):
        adjective, noun = who.split()
        scattered = " ".join(reversed(rest.split()))
        yield from _pairs(
            f"the {adjective} {noun} {did} the {thing} {rest}", f"{thing} {adjective} the {scattered} {noun} the {did}"
        )


_ARTICLES = """
the | dog | barked at | the | postman
a | sailor | lost | the | map
the | queen | lives in | a | palace
the | boys | climbed | the | tree
a | bird | built | a | nest
the | judge | freed | the | prisoner
the | river | flows into | the | sea
a | tourist | photographed | the | tower
the | cook | tasted | the | soup
the | girls | painted | a | wall
a | stranger | knocked on | the | door
the | moon | shines on | the | roof
the | tailor | sewed | a | coat
a | train | passed | the | village
the | actor | forgot | the | line
the | plumber | fixed | the | sink
the | goat | stole | the | hat
the | pilot | landed | the | plane
the | mayor | praised | the | workers
a | spider | crossed | the | table
the | poet | loved | a | dancer
the | guard | locked | the | gate
the | bees | left | the | hive
a | nurse | called | the | doctor
the | storm | damaged | the | harbor
the | uncle | told | a | story
the | hunter | missed | the | deer
a | monk | copied | the | book
"""


def _articles_last() -> Iterator[Example]:
    for article, noun, did, article2, noun2 in rows(_ARTICLES):
        yield from _pairs(f"{article} {noun} {did} {article2} {noun2}", f"{noun} {article} {did} {noun2} {article2}")


_AUXILIARIES = """
the guests | have been | invited | to the party
the bridge | will be | closed | for a month
the letters | have been | sent | to Paris
my sister | has been | working | in a bank
the price | should be | lowered | at once
the children | had been | sleeping | in the tent
the painting | could be | sold | for a million
our team | may be | beaten | by theirs
the garden | must be | watered | every day
the thieves | have been | caught | by the police
the cake | will be | eaten | before noon
his uncle | had been | waiting | at the corner
the tower | might be | seen | from the hill
the windows | should be | cleaned | this week
the old man | has been | living | on an island
the results | will be | published | in a journal
the horses | have been | fed | with hay
the meeting | could be | moved | to Monday
the road | had been | blocked | by a rock
the patient | must be | taken | to a hospital
the song | has been | sung | by many people
the workers | may be | paid | next week
the ship | had been | built | in Sweden
the doors | will be | painted | in green
the tickets | might be | sold | by now
the dog | has been | barking | all night
the war | could be | ended | by a treaty
the roof | should be | repaired | before winter
"""


def _auxiliaries() -> Iterator[Example]:
    for who, auxiliaries, verb, rest in rows(_AUXILIARIES):
        first, second = auxiliaries.split()
        yield from _pairs(f"{who} {first} {second} {verb} {rest}", f"{who} {verb} {second} {first} {rest}")


_EXCHANGED = """
the | nurse | opened | the door | to the garden
my | brother | cooked | a meal | for ten people
the | teacher | wrote | a word | on the board
our | neighbor | keeps | a parrot | in the kitchen
the | rain | ruined | the picnic | by the lake
her | husband | plays | the piano | at weddings
the | priest | rang | the bell | before noon
their | daughter | won | a medal | in Athens
the | rabbit | dug | a hole | under the fence
the | crowd | watched | the parade | from the roofs
his | lawyer | read | the contract | in silence
the | clerk | counted | the money | in the drawer
my | aunt | knitted | a scarf | for the baby
the | general | sent | a message | to the king
the | shepherd | led | the goats | into the valley
our | boss | canceled | the meeting | on Monday
the | waves | carried | the boat | to the shore
her | cousin | hid | the key | in a shoe
the | barber | cut | the hair | of the prince
the | fox | stole | a chicken | from the farm
their | son | threw | a stone | into the pond
the | editor | changed | the title | of the poem
his | mother | baked | the cookies | with honey
the | spy | burned | the map | in the sink
the | builder | mixed | the cement | with water
my | friend | drove | the bus | to the coast
the | mice | ate | the cheese | in the cellar
the | clown | lost | a shoe | during the show
"""


def _exchanged() -> Iterator[Example]:
    for start, noun, verb, thing, rest in rows(_EXCHANGED):
        preposition, *others = rest.split()
        yield from _pairs(
            f"{start} {noun} {verb} {thing} {rest}",
            f"{start} {verb} {noun} {thing} {' '.join(others)} {preposition}",
        )


WRITERS: dict[str, Writer] = {
    "word salad": _salad,
    "articles behind their nouns": _articles_last,
    "auxiliaries turned round": _auxiliaries,
    "noun and verb exchanged": _exchanged,
}
