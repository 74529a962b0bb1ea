"""Minimal pairs for CoLA: each unacceptable sentence differs from its partner in a word or in word order."""

from __future__ import annotations

from collections.abc import Iterator

from explorer.glue.diagnostics.tables import Writer, rows, sentence, tagged
from explorer.glue.tasks import Example


def _pair(good: str, bad: str, end: str = ".") -> Iterator[Example]:
    yield from (Example((sentence(good, end),), 1.0), Example((sentence(bad, end),), 0.0))


_ATTRACTORS = """
key | keys | to the | drawer | drawers | is rusty | are rusty
path | paths | behind the | house | houses | leads to the lake | lead to the lake
letter | letters | from the | lawyer | lawyers | was hard to read | were hard to read
window | windows | above the | shop | shops | needs cleaning | need cleaning
girl | girls | next to the | teacher | teachers | likes to sing | like to sing
picture | pictures | of the | bridge | bridges | hangs in the hall | hang in the hall
report | reports | on the | accident | accidents | has been published | have been published
boy | boys | behind the | tree | trees | is laughing | are laughing
singer | singers | in front of the | dancer | dancers | comes from Spain | come from Spain
road | roads | to the | village | villages | was closed last winter | were closed last winter
farmer | farmers | near the | river | rivers | keeps geese | keep geese
label | labels | on the | bottle | bottles | has faded | have faded
manager | managers | of the | hotel | hotels | speaks four languages | speak four languages
student | students | beside the | nurse | nurses | looks worried | look worried
"""


def _attractors() -> Iterator[Example]:
    for one, many, link, near_one, near_many, does, do in rows(_ATTRACTORS):
        yield from _pair(f"the {one} {link} {near_many} {does}", f"the {one} {link} {near_many} {do}")
        yield from _pair(f"the {many} {link} {near_one} {do}", f"the {many} {link} {near_one} {does}")


_DETERMINERS = """
Nina returned | this | these | book | books | to the library
the waiter dropped | that | those | plate | plates | on the floor
Carlos painted | this | these | chair | chairs | green
we planted | that | those | tree | trees | last spring
the police found | this | these | coin | coins | in the garden
Helen has read | that | those | article | articles | twice
the children drew | this | these | picture | pictures | at school
someone left | that | those | umbrella | umbrellas | on the train
my uncle repaired | this | these | clock | clocks | for free
the museum bought | that | those | statue | statues | from a collector
Peter will never wear | this | these | sweater | sweaters | again
the students answered | that | those | question | questions | in ten minutes
her mother knitted | this | these | blanket | blankets | in a week
the farmer sold | that | those | horse | horses | to a neighbor
"""


def _determiners() -> Iterator[Example]:
    for start, this, these, one, many, rest in rows(_DETERMINERS):
        yield from _pair(f"{start} {this} {one} {rest}", f"{start} {these} {one} {rest}")
        yield from _pair(f"{start} {these} {many} {rest}", f"{start} {this} {many} {rest}")


_REFLEXIVES = """
Anna | father | Tom | sister | cut @ with a kitchen knife
Laura | uncle | Paul | aunt | taught @ to play the piano
Maria | brother | Martin | mother | bought @ a new bicycle
Helen | grandfather | Peter | grandmother | blamed @ for the accident
Emma | nephew | David | niece | saw @ in the mirror
Julia | son | Carlos | daughter | introduced @ to the guests
Susan | father | John | mother | locked @ out of the house
Anna | brother | Paul | sister | made @ a cup of tea
Laura | son | Tom | daughter | dressed @ in a hurry
Maria | grandfather | Peter | aunt | talked to @ in the dark
Helen | uncle | Martin | grandmother | hurt @ on the stairs
Emma | father | John | niece | forgave @ in the end
Julia | nephew | David | sister | poured @ a glass of milk
Susan | brother | Carlos | mother | wrote @ a long note
"""


def _reflexives() -> Iterator[Example]:
    for i, (her, his_kin, him, her_kin, action) in enumerate(rows(_REFLEXIVES)):
        himself, herself = action.replace("@", "himself"), action.replace("@", "herself")
        if i % 2:
            yield from _pair(f"{her}'s {his_kin} {himself}", f"{her}'s {his_kin} {herself}")
            yield from _pair(f"{him} thinks that {her} {herself}", f"{him} thinks that {her} {himself}")
        else:
            yield from _pair(f"{him}'s {her_kin} {herself}", f"{him}'s {her_kin} {himself}")
            yield from _pair(f"{her} thinks that {him} {himself}", f"{her} thinks that {him} {herself}")


_ARGUMENTS = """
the mechanic | repaired | the engine | arrived | yesterday
the dog | devoured | the meat | barked | in the kitchen
the soldiers | destroyed | the bridge | slept | during the night
the engineer | discovered | the leak | fainted | this morning
the teacher | praised | the essay | coughed | after lunch
the sailors | abandoned | the ship | died | in the storm
the critic | described | the painting | laughed | for an hour
the committee | rejected | the plan | disagreed | on Monday
the boy | carried | the suitcase | hesitated | at the station
the flood | damaged | the harvest | occurred | in August
the visitor | thanked | the guide | smiled | at the end of the tour
the owner | fixed | the gate | yawned | at midnight
the detective | arrested | the suspect | listened | in the afternoon
the actress | wore | a green dress | shivered | on the stage
"""


def _arguments() -> Iterator[Example]:
    for subject, transitive, thing, intransitive, rest in rows(_ARGUMENTS):
        yield from _pair(f"{subject} {transitive} {thing} {rest}", f"{subject} {intransitive} {thing} {rest}")
        yield from _pair(f"{subject} {intransitive} {rest}", f"{subject} {transitive} {rest}")


_ISLANDS = """
what did Maria sell | before Paul bought | the boat |
who did Laura thank | after Tom insulted | the nurse |
what did the thief hide | while the guard was checking | the door |
who did the mayor visit | because the press criticized | the judge |
what did Emma wash | after her brother painted | the chair |
what did the class study | before they visited | the museum |
what did David find | when he opened | the box |
what did you eat | because you disliked | the soup |
what did the children watch | while their father was preparing | dinner |
who did the coach praise | after the team lost | the match |
who did the rumor | about | the mayor | upset
who did the joke | about | the dentist | offend
who did the film | about | the artist | bore
who did the book | about | the general | inspire
who did the story | about | the orphan | touch
who did the article | about | the senator | annoy
who did the song | about | the sailor | amuse
who did the report | on | the minister | worry
who did the gossip | about | the actress | shock
what did the man | who bought | the boat | repair
what did the woman | who found | the ring | sell
what did the student | who missed | the lecture | read
what did the child | who broke | the vase | hide
what did the tourist | who rented | the car | damage
what did the chef | who burned | the fish | serve
what did the thief | who stole | the painting | destroy
what did the neighbor | who cut | the hedge | plant
what did the farmer | who raised | the pigs | sell
"""


def _islands() -> Iterator[Example]:
    for start, island, thing, verb in rows(_ISLANDS):
        # The same words: the gap is in the main clause, or (unacceptable) inside the island.
        extracted = f"{start} {island} {verb} {thing}" if verb else f"{start} {thing} {island}"
        yield from _pair(f"{start} {island} {thing} {verb}", extracted, "?")


_WORD_ORDER = """
Anna looked | it | up | in the dictionary
the teacher wrote | them | down | on the board
Paul took | them | off | at the door
the nurse woke | her | up | at six
the boss called | it | off | on Friday
we threw | them | away | last week
my aunt turned | it | down | without a word
the boys blew | them | up | for the party
Sarah filled | it | in | at once
the room is | large | enough | for a party
the soup is | hot | enough | to burn your tongue
the boy is | old | enough | to vote
the ladder is | long | enough | for this job
the rope is | strong | enough | to hold a horse
the ice is | thick | enough | to walk on
the | lonely | farmer | sat down by the fire
a | wooden | bridge | crosses the river
the | hungry | wolf | followed the sheep
a | tall | stranger | knocked on the door
the | golden | clock | stands in the corner
the | young | doctor | lives above the bakery
a | heavy | storm | is coming
it was a | very | long | journey
she owns a | rather | valuable | stamp
they live in a | very | small | village
he told us a | really | funny | story
this is a | truly | great | honor
we had a | fairly | quiet | weekend
"""


def _word_order() -> Iterator[Example]:
    for start, first, second, rest in rows(_WORD_ORDER):
        yield from _pair(f"{start} {first} {second} {rest}", f"{start} {second} {first} {rest}")


_POLARITY_HEADS = """
author | critics admired | won the prize
teacher | students liked | missed a lesson
senator | voters trusted | broken a promise
player | fans booed | returned to the club
doctor | patients feared | worked at this hospital
film | children enjoyed | lost money
dog | neighbors feed | bitten a child
cook | guests praised | left the hotel
lawyer | judges respect | lost a case
singer | dancers recommended | performed here
tenant | owners complained about | paid late
horse | riders chose | won a race
guide | tourists hired | gotten lost
nurse | doctors trained | made that mistake
"""
_POLARITY_CLAUSES = """
guests | ate | eat | the soup | touched | touch | bread
tourists | visited | visit | the castle | took | take | photographs
workers | joined | join | the strike | received | receive | pay
students | missed | miss | the lecture | asked | ask | questions
farmers | lost | lose | the harvest | sold | sell | grain
children | watched | watch | the film | made | make | noise
drivers | saw | see | the accident | helped | help | of the victims
girls | won | win | the race | drank | drink | water
voters | signed | sign | the petition | trusted | trust | politicians
hikers | reached | reach | the summit | saw | see | bears
nurses | worked | work | at night | took | take | breaks
neighbors | heard | hear | the shots | noticed | notice | strangers
actors | read | read | the script | made | make | changes
sailors | survived | survive | the storm | told | tell | stories
"""


def _polarity() -> Iterator[Example]:
    # The negation that 'ever' or 'any' needs stands above it, or (unacceptable) inside the relative clause.
    for noun, clause, done in rows(_POLARITY_HEADS):
        hidden = f"the {noun} that no {clause} has ever {done}"
        yield from _pair(f"no {noun} that the {clause} has ever {done}", hidden)
    for noun, past, base, thing, past2, base2, rest in rows(_POLARITY_CLAUSES):
        hidden = f"the {noun} who did not {base} {thing} {past2} any {rest}"
        yield from _pair(f"the {noun} who {past} {thing} did not {base2} any {rest}", hidden)


_GAPS = """
we know | the plumber repaired | the pipe | last night
he remembers | his sister bought | the lamp | at the market
the police know | the thief destroyed | the letters | before the trial
everyone noticed | the child found | a coin | on the beach
she forgot | her husband wanted | a watch | for his birthday
the guide explained | the king constructed | the tower | in 1400
my aunt told us | her doctor recommended | the pills | for her cough
they found out | the company purchased | the weapons | during the war
the report shows | the engineers discovered | the leak | in May
Tom heard | the coach mentioned | the injury | at the meeting
I saw | the waiter put | the bill | on the table
Lisa learned | the museum acquired | the statue | in Rome
the neighbors saw | the storm damaged | the barn | on Sunday
the editor knows | the reporter described | the riot | in her article
"""


def _gaps() -> Iterator[Example]:
    for start, clause, thing, rest in rows(_GAPS):
        yield from _pair(f"{start} what {clause} {rest}", f"{start} what {clause} {thing} {rest}")
        yield from _pair(f"{start} that {clause} {thing} {rest}", f"{start} that {clause} {rest}")


_VERB_FORMS = """
Anna | has | wrote | written | three letters
the boys | have | ate | eaten | all the cake
my brother | has | broke | broken | his arm
the workers | have | began | begun | the repairs
Helen | has | drove | driven | to the coast
the chef | has | threw | thrown | away the soup
the bird | has | flew | flown | away
the singer | has | sang | sung | two songs
the students | have | did | done | their homework
we | have | saw | seen | the new film
the tourists | have | rode | ridden | the camels
the thief | has | took | taken | the money
the mayor | has | chose | chosen | a new adviser
prices | have | fell | fallen | again this year
"""


def _verb_forms() -> Iterator[Example]:
    for subject, has, past, participle, rest in rows(_VERB_FORMS):
        yield from _pair(f"{subject} {past} {rest}", f"{subject} {participle} {rest}")
        yield from _pair(f"{subject} {has} {participle} {rest}", f"{subject} {has} {past} {rest}")


WRITERS: dict[str, Writer] = {
    "agreement over an attractor": _attractors,
    "determiner agreement": _determiners,
    "reflexive binding": _reflexives,
    "verb argument structure": _arguments,
    "island": _islands,
    "word order": _word_order,
    "polarity items": _polarity,
    "filler and gap": _gaps,
    "verb forms": _verb_forms,
}


def examples() -> list[Example]:
    """28 minimal pairs per phenomenon: class 1 is acceptable, class 0 is not."""
    return tagged(WRITERS)
