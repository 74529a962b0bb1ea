"""The plain part of the entailment diagnostic: what follows is said outright, what does not is on something else.

A hypothesis either repeats a part of the premise or is about other people and things altogether. No pair hangs on a
quantifier, a negation, a number, an order in time or who did it to whom: those are the hard part.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from explorer.glue.diagnostics.tables import Writer, rows, sentence
from explorer.glue.tasks import Example

ENTAILMENT, NOT_ENTAILMENT = 0.0, 1.0
"""Class indices of RTE."""


def _crossed(told: Sequence[tuple[str, str]]) -> Iterator[Example]:
    """Each premise with its own hypothesis, which it entails, and with one on other people and things."""
    for one, other in zip(told[0::2], told[1::2], strict=True):
        for i, premise in enumerate((one[0], other[0])):
            for j, hypothesis in enumerate((one[1], other[1])):
                yield Example((sentence(premise), sentence(hypothesis)), ENTAILMENT if i == j else NOT_ENTAILMENT)


_MODIFIED = """
young | painter | from Ghent | sold a picture | to a wealthy collector from Boston last week | \
    lost a leg | in a terrible accident on a motorcycle in 1999
small | bank | in the old harbor | hired a poet | to write its letters to customers | \
    was robbed | by two masked men on Friday morning
tired | nurse | with the gray coat | missed the bus | to the hospital because of the snow | \
    grew up in Peru | as the daughter of a rich judge
famous | chef | from Lyon | opened a school | for poor children near the river | \
    broke a world record | in long-distance swimming in May
angry | farmer | with the red tractor | blocked the bridge | for three hours on Tuesday | \
    won the lottery | with a ticket that his wife had bought
retired | general | on the second floor | collects butterflies | from all parts of the world | \
    speaks Chinese | with his neighbors in the garden
old | ship | in the museum | carried slaves | across the Atlantic in the 18th century | \
    was painted blue | by volunteers during the summer
local | newspaper | in the valley | supports the mayor | in the fight for a cleaner river | \
    lost half of its readers | after the largest factory had closed
lonely | widow | in the last house | keeps seven cats | in the rooms of her dead husband | \
    was born in Egypt | as the youngest of nine sisters
clever | student | with the broken glasses | solved the problem | in less than ten minutes | \
    plays the organ | in a church on Sundays
new | stadium | behind the station | has a glass roof | that opens when the sun shines | \
    was flooded | by heavy rain in the night from Monday to Tuesday
proud | owner | of the bakery | bought a castle | in the hills near the border | \
    accused a rival | of stealing the recipe for the famous bread
strange | machine | in the cellar | makes ice | from sea water without any fuel | \
    was built in Vienna | by a watchmaker and a priest
large | fire | in the forest | killed a ranger | from the north of the state | \
    was seen from space | by the crew of a passing shuttle
"""


def _modifiers() -> Iterator[Example]:
    first, second = [], []
    for adjective, noun, which, one, more, other, more_too in rows(_MODIFIED):
        whole = f"the {adjective} {noun} {which}"
        first.append((f"{whole} {one} {more}", f"the {noun} {one}"))
        second.append((f"{whole} {other} {more_too}", f"the {noun} {other}"))
    return _crossed(first + second)


_TOLD = """
Marta Lind | works in a bakery | her brother repairs clocks in the same street | \
    is afraid of flying | her family travels to Spain by train
Paul Weber | sold his car | he now goes to the office by bicycle | \
    went to prison | his lawyer called the sentence a disgrace
the museum | has a new roof | the rain no longer drips on the statues | \
    owes money to the city | the director does not want to talk of it
Anna Roth | studied law in Rome | her first client was a fisherman | \
    raises horses in Texas | her children help her after school
the company | makes shoes for dancers | its founder was a dancer himself | \
    burned old papers | the prosecutor would like to know why
Tom Barker | lives on a boat | he cooks his meals on a small stove | \
    has a twin sister | the two of them talk on the phone every night
the school | will close in June | the pupils will be taught in the next town | \
    won a prize for its garden | the roses were planted by the youngest class
Laura Chen | wrote a book on bees | it was translated into nine languages | \
    fell from a ladder | she had to stay in bed for a month
the hotel | belongs to a monk | he gives the profit to the poor | \
    has no elevator | guests carry their bags up the stairs
Peter Novak | was a spy | his wife learned of it from a newspaper | \
    cannot swim | he was pulled out of the lake by a child
the theater | is too small for the opera | the singers will perform in a tent | \
    was a stable long ago | there are still iron rings in the walls
Emma Stone-Hale | trains pilots | most of her students come from Kenya | \
    inherited a vineyard | the wine is sold at the local market
the village | has one telephone | it hangs in the only store | \
    is famous for its cheese | people drive for hours to buy it
David Moore | builds guitars | a single one takes him half a year | \
    lost his passport | the embassy gave him a new one on Monday
"""


def _clauses() -> Iterator[Example]:
    first, second = [], []
    for who, one, more, other, more_too in rows(_TOLD):
        first.append((f"{who} {one}, and {more}", f"{who} {one}"))
        second.append((f"{who} {other}, and {more_too}", f"{who} {other}"))
    return _crossed(first + second)


_PASSIVES = """
church | a bomb | destroyed | destroyed | during the last war | a baker | bought | bought | for a single dollar
queen | a photographer | followed | followed | through the streets of Venice | a doctor | warned | warned | \
    about her heart
bear | a hunter | shot | shot | near the camp on Sunday | a child | fed | fed | with apples from the garden
letter | a maid | burned | burned | in the kitchen stove | an expert | translated | translated | \
    into French for the trial
island | a volcano | covered | covered | with a thick layer of ash | a singer | bought | bought | \
    as a present for his wife
bridge | an artist | wrapped | wrapped | in white cloth for two weeks | a truck | damaged | damaged | \
    on the way to the port
senator | a comedian | mocked | mocked | in a popular show | a dog | bit | bitten | on the steps of his own house
violin | a thief | hid | hidden | in a basket of dirty laundry | a carpenter | made | made | \
    from the wood of an old door
prisoner | a judge | freed | freed | after eleven years in jail | a priest | visited | visited | \
    every week until he died
lake | a chemical plant | poisoned | poisoned | in the course of the summer | a monk | painted | painted | \
    from the window of his room
film | a critic | praised | praised | in a long article on Friday | a court | banned | banned | \
    in all parts of the country
actress | a director | discovered | discovered | in a small cafe in Milan | a wasp | stung | stung | \
    in the middle of a scene
train | a cow | stopped | stopped | for an hour near the tunnel | a robot | cleaned | cleaned | \
    every night after the last trip
castle | an earthquake | shook | shaken | shortly before midnight | a duke | sold | sold | to pay his debts
"""


def _passive() -> Iterator[Example]:
    first, second = [], []
    for thing, who, did, done, more, who2, did2, done2, more2 in rows(_PASSIVES):
        first.append((f"{who} {did} the {thing} {more}", f"the {thing} was {done} by {who}"))
        second.append((f"{who2} {did2} the {thing} {more2}", f"the {thing} was {done2} by {who2}"))
    return _crossed(first + second)


_REPORTED = """
The drug company Halden said on Tuesday that it would buy a rival in Norway for two billion dollars. | \
    Halden will buy a rival in Norway. | \
The drug company Halden said on Tuesday that its chief chemist had drowned in a lake in Norway. | \
    Halden's chief chemist drowned in Norway.
Heavy snow closed the airport of Tarvik for two days, and thousands of passengers had to sleep on the floor. | \
    Passengers slept on the floor of Tarvik's airport. | \
A gallery at the airport of Tarvik shows pictures of birds by a painter who was once a mechanic there. | \
    Tarvik's airport has a gallery with pictures of birds.
Maria Sorel, a biologist at the University of Dorn, has spent thirty years with the wolves of the eastern hills. | \
    Maria Sorel studies wolves. | \
Maria Sorel, a biologist at the University of Dorn, was married on Saturday to a pianist from the hills. | \
    Maria Sorel married a pianist.
Two trains collided near the town of Brenk on Friday, and at least forty people were taken to hospitals. | \
    Trains collided near Brenk. | \
The people of Brenk voted on Friday to turn the empty railway station into a school for two hundred children. | \
    A railway station in Brenk will become a school.
After a search of five days, divers found the wreck of the Aurelia in deep water off the coast of Malta. | \
    Divers found the wreck of the Aurelia. | \
After a voyage of five days, the crew of the Aurelia refused to work because the food on board was rotten. | \
    The crew of the Aurelia refused to work.
The Irish writer Sean Dolan was given the prize on Sunday for a novel on the life of a blind fisherman. | \
    Sean Dolan wrote a novel on a fisherman. | \
The Irish writer Sean Dolan was arrested on Sunday after he had driven his car into the window of a bank. | \
    Sean Dolan drove his car into a bank.
The town of Ulmen will get a new hospital next year, to be paid for by the owner of a chain of shops. | \
    Ulmen will get a hospital. | \
The town of Ulmen will cut down its oldest tree next year, which is said to be dangerous for the traffic. | \
    A tree in Ulmen will be cut down.
Police in Kirby have seized more than two tons of ivory that was hidden in a load of frozen fish. | \
    Ivory was seized in Kirby. | \
Police in Kirby have thanked a group of teenagers who helped an old man to find his way home. | \
    Teenagers in Kirby helped an old man.
The Danish cyclist Lars Holt won the race through the desert although his bicycle broke twice on the last day. | \
    Lars Holt won a race. | \
The Danish cyclist Lars Holt has bought a small island where he wants to live without electricity. | \
    Lars Holt bought an island.
Scientists in Oran have found that a common moss can clean water of lead, which may help poor villages. | \
    A moss can clean water. | \
Scientists in Oran have gone on strike because their wages have not been paid since the beginning of the year. | \
    Scientists in Oran are on strike.
The singer Ella Voss lost her voice on stage in Prague, and the audience had to sing the last song for her. | \
    Ella Voss lost her voice in Prague. | \
The singer Ella Voss gave all the money from her concert in Prague to a home for old musicians. | \
    Ella Voss gave money to a home for musicians.
The bakery chain Korn and Sons recalled its bread on Monday after a customer had found glass in a loaf. | \
    A customer found glass in a loaf of bread. | \
The bakery chain Korn and Sons opened its hundredth shop on Monday in what used to be a fire station. | \
    Korn and Sons opened a shop in a former fire station.
A landslide buried part of the road to Monte Sella, and the village can only be reached by helicopter. | \
    A landslide buried a road. | \
A television crew has moved to Monte Sella, where it will shoot a series on the life of shepherds. | \
    A series on shepherds will be shot in Monte Sella.
The lawyer Nora Quist, who defended the miners in court, was elected mayor with a large majority on Sunday. | \
    Nora Quist was elected mayor. | \
The lawyer Nora Quist, who defended the miners in court, crossed the country on foot with her old donkey. | \
    Nora Quist walked across the country.
"""


def _reported() -> Iterator[Example]:
    told = [[cell[:-1] for cell in row] for row in rows(_REPORTED)]
    return _crossed([(row[0], row[1]) for row in told] + [(row[2], row[3]) for row in told])


WRITERS: dict[str, Writer] = {
    "modifiers dropped, or unrelated": _modifiers,
    "one clause of two, or unrelated": _clauses,
    "passive of what is said, or unrelated": _passive,
    "one fact of a report, or unrelated": _reported,
}
