"""News sentences for MRPC: pairs that say the same (class 1) or, often in the same words, do not (0)."""

from __future__ import annotations

from collections.abc import Iterator

from explorer.glue.diagnostics.rewordings import REWORDED
from explorer.glue.diagnostics.tables import Writer, quad, rows, sentence, tagged
from explorer.glue.tasks import Example

_TRANSITIVE = """
bank | sued | insurer | over unpaid loans
senator | criticized | governor | in a television interview
Swedish team | defeated | Danish team | in the opening match
airline | blamed | airport | for the delays
actor | thanked | director | at the ceremony
French firm | acquired | German firm | last year
militia | attacked | army | near the border
union | invited | company | to a new round of talks
prosecutor | questioned | detective | for several hours
champion | challenged | veteran | to a rematch
mayor | praised | police chief | on Thursday
publisher | contacted | author | about the missing pages
museum | warned | gallery | about the forged paintings
ambassador | welcomed | minister | at the airport
"""


def _passive() -> Iterator[Example]:
    for a, did, b, rest in rows(_TRANSITIVE):
        yield from quad(
            (sentence(f"the {a} {did} the {b} {rest}"), sentence(f"the {b} {did} the {a} {rest}")),
            (
                sentence(f"the {b} was {did} by the {a} {rest}"),
                sentence(f"the {a} was {did} by the {b} {rest}"),
            ),
        )


_SWAPS = """
on Tuesday | coach | criticized | captain
in a letter | tenant | threatened | landlord
at the hearing | doctor | contradicted | nurse
in 1998 | software maker | sued | chip maker
during the debate | challenger | interrupted | president
after the match | goalkeeper | apologized to | referee
late on Friday | driver | called | dispatcher
"""
_SOURCES = """
mayor | governor | misled the public
company | union | broken the agreement
pilot | controller | ignored the warning
buyer | seller | changed the contract
striker | defender | started the fight
ministry | embassy | delayed the visas
lawyer | witness | misread the document
"""


def _role_swap() -> Iterator[Example]:
    for when, a, did, b in rows(_SWAPS):
        yield from quad(
            (sentence(f"{when}, the {a} {did} the {b}"), sentence(f"{when}, the {b} {did} the {a}")),
            (sentence(f"the {a} {did} the {b} {when}"), sentence(f"the {b} {did} the {a} {when}")),
        )
    for a, b, done in rows(_SOURCES):
        yield from quad(
            (sentence(f"the {a} said the {b} had {done}"), sentence(f"the {b} said the {a} had {done}")),
            (
                sentence(f"according to the {a}, the {b} had {done}"),
                sentence(f"according to the {b}, the {a} had {done}"),
            ),
        )


_OPPOSITES = """
The company @ 200 workers in Ohio last month. | hired | recruited | fired | dismissed
Shares of the retailer @ sharply on Friday. | rose | climbed | fell | dropped
The committee @ the merger on Tuesday. | approved | endorsed | rejected | turned down
The president @ the report on prisons. | praised | commended | criticized | denounced
The city @ the old theater in the 1970s. | tore down | demolished | rebuilt | reconstructed
The airline @ its fares in January. | raised | increased | cut | lowered
The government has @ the ban on night flights. | ended | lifted | kept | retained
The army @ the town on Wednesday. | entered | moved into | left | withdrew from
The court @ the three suspects. | freed | released | jailed | imprisoned
The steel plant will @ next year. | open | start operating | close | shut down
The bank @ the offer over the weekend. | accepted | agreed to | refused | declined
The storm @ overnight. | weakened | lost strength | intensified | grew stronger
The mayor @ the plan for a new stadium. | supports | backs | opposes | is against
The drug @ blood pressure in most patients. | reduced | brought down | raised | pushed up
"""


def _opposites() -> Iterator[Example]:
    for frame, up, up_too, down, down_too in rows(_OPPOSITES):
        yield from quad(
            (frame.replace("@", up), frame.replace("@", down)),
            (frame.replace("@", up_too), frame.replace("@", down_too)),
        )


_OUTCOMES = """
The two sides @ an agreement on water rights. | failed to reach | did not reach | managed to reach | reached
The rescuers @ the missing climbers before dark. | failed to find | did not find | managed to find | found
The company @ its sales target for the year. | failed to meet | did not meet | managed to meet | met
The airline @ the luggage on time. | failed to deliver | did not deliver | managed to deliver | delivered
The firefighters @ the roof of the church. | failed to save | did not save | managed to save | saved
The champion @ for the final in Rome. | failed to qualify | did not qualify | managed to qualify | qualified
The lawyer @ the jury of her client's innocence. | failed to persuade | did not persuade | \
    managed to persuade | persuaded
The tenants @ their rent in March. | failed to pay | did not pay | managed to pay | paid
The pilot @ the landing gear. | forgot to lower | did not lower | remembered to lower | lowered
The clerk @ the safe on Friday night. | forgot to lock | did not lock | remembered to lock | locked
The governor @ the order before leaving. | neglected to sign | did not sign | remembered to sign | signed
The Senate @ the bill on Thursday. | rejected | did not approve | passed | approved
The court @ the appeal. | refused to hear | would not hear | agreed to hear | consented to hear
The club @ its best player. | refused to sell | would not sell | agreed to sell | consented to sell
"""


def _outcomes() -> Iterator[Example]:
    for frame, failed, did_not, managed, did in rows(_OUTCOMES):
        yield from quad(
            (frame.replace("@", failed), frame.replace("@", managed)),
            (frame.replace("@", did_not), frame.replace("@", did)),
        )


_EVENTS = """
the minister resigned | the report was published
the factory was sold | the workers went on strike
the bridge collapsed | the ferry service ended
the suspect called his wife | the police searched the house
the company cut its forecast | the shares fell
the rebels left the city | the peace talks began
the singer canceled the tour | the album was released
the bank was rescued | the law was changed
the judge dismissed the jury | the witness was arrested
the storm changed direction | the island was evacuated
the museum raised its prices | the new wing opened
the senator left the party | the scandal broke
the pilot reported smoke | the tower lost contact
the studio hired a new director | the lead actor quit
"""


def _order() -> Iterator[Example]:
    for a, b in rows(_EVENTS):
        yield from quad(
            (sentence(f"{a} before {b}"), sentence(f"{a} after {b}")),
            (sentence(f"{b} after {a}"), sentence(f"{b} before {a}")),
        )


_CONVERSES = """
the Greek group / the Dutch group | {a} sold the shipyard to {b} in June | \
    {b} bought the shipyard from {a} in June
the library / the archive | {a} lent the manuscript to {b} | {b} borrowed the manuscript from {a}
the top seed / the qualifier | {a} beat {b} in straight sets | {b} lost to {a} in straight sets
the church / the school | {a} rents the hall to {b} | {b} rents the hall from {a}
the studio / the network | {a} sent the first episode to {b} | {b} received the first episode from {a}
the coach / the trainer | {a} taught the method to {b} | {b} learned the method from {a}
the county / the state | {a} sold the land to {b} in 2004 | {b} bought the land from {a} in 2004
the charity / the clinic | {a} gave 40 beds to {b} | {b} received 40 beds from {a}
the general / the colonel | {a} was the superior of {b} | {b} was the subordinate of {a}
the printer / the publisher | {a} owes {b} two million dollars | {b} is owed two million dollars by {a}
the senator / the lobbyist | {a} leaked the memo to {b} | {b} got the leaked memo from {a}
the northern district / the southern district | {a} has more voters than {b} | {b} has fewer voters than {a}
the refinery / the power plant | {a} supplies {b} with fuel | {b} gets its fuel from {a}
the heir / the dealer | {a} bought the portrait from {b} | {b} sold the portrait to {a}
"""


def _converses() -> Iterator[Example]:
    for names, frame, frame_too in rows(_CONVERSES):
        a, b = names.split(" / ")
        yield from quad(
            (sentence(frame.format(a=a, b=b)), sentence(frame.format(a=b, b=a))),
            (sentence(frame_too.format(a=a, b=b)), sentence(frame_too.format(a=b, b=a))),
        )


WRITERS: dict[str, Writer] = {
    "passive": _passive,
    "role swap": _role_swap,
    "synonym or antonym": _opposites,
    "negation": _outcomes,
    "temporal order": _order,
    "converse verbs": _converses,
    **REWORDED,
}


def examples() -> list[Example]:
    """28 paraphrases (class 1) and 28 pairs that differ in meaning (class 0) per phenomenon."""
    return tagged(WRITERS)
