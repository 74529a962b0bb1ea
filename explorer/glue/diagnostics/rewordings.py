"""News sentences reworded in full, for the paraphrase diagnostic: one fact is kept or replaced."""

from __future__ import annotations

from collections.abc import Iterator

from explorer.glue.diagnostics.tables import Writer, quad, rows
from explorer.glue.tasks import Example

_NUMBERS = """
Profit at the retailer rose @ percent in the third quarter. | \
    The retailer's third-quarter profit was up @ percent. | 12 | 21
The fire killed @ people and destroyed two houses. | \
    @ people died in the fire, which also destroyed two houses. | four | nine
The company will close @ stores by the end of the year. | \
    By the end of the year, @ of the company's stores will be closed. | 30 | 55
Police arrested @ protesters outside the embassy. | \
    @ protesters were arrested by police outside the embassy. | eleven | sixty
The new bridge cost @ million dollars. | The price of the new bridge was @ million dollars. | 90 | 140
The rocket will be launched in @ days. | The launch of the rocket is @ days away. | three | eight
She has been with the museum for @ years. | She joined the museum @ years ago. | six | twenty
The earthquake struck at @ a.m. local time. | \
    It was @ a.m. local time when the earthquake struck. | 3:15 | 5:40
The jury awarded the family @ million dollars. | \
    The family was awarded @ million dollars by the jury. | 1.5 | 7
Unemployment fell to @ percent in July. | In July, the jobless rate dropped to @ percent. | 4.2 | 6.8
On Sunday, police arrested a suspect who is @ years old. | \
    A @-year-old suspect was arrested by police on Sunday. | 34 | 61
The team has won @ of its last 20 games. | Of its last 20 games, the team has won @. | 7 | 15
The ship was carrying @ passengers and a crew of five. | \
    There were @ passengers and five crew members on board the ship. | 70 | 120
Voters will elect @ judges in November. | In November, @ judges will be elected by voters. | two | ten
"""
_PLACES = """
The president will travel to @ next week for talks on trade. | \
    Next week, the president will go to @ for trade talks. | Berlin | Tokyo
A plane bound for @ made an emergency landing on Saturday. | \
    On Saturday, a plane flying to @ had to make an emergency landing. | Madrid | Lisbon
The exhibition opens in @ on May 3. | On May 3, the exhibition will open in @. | Boston | Denver
Heavy rain has flooded hundreds of homes in @. | \
    Hundreds of homes in @ have been flooded by heavy rain. | Poland | Hungary
@ will host the next world chess championship. | \
    The next world chess championship will be held in @. | Norway | India
The carmaker plans to build a plant in @. | A new plant in @ is planned by the carmaker. | Mexico | Slovakia
@, a spokeswoman for the hospital, declined to comment. | \
    Hospital spokeswoman @ declined to comment. | Linda Marsh | Carol Benson
The prize went to @ for a study of sleep. | \
    @ won the prize for a study of sleep. | Anita Rao | Peter Lindqvist
Coach @ said the team was tired after the trip. | \
    "The team was tired after the trip," coach @ said. | Mark Dalton | Steve Corrigan
The senator spoke to reporters in @ on Sunday. | \
    On Sunday, the senator talked to reporters in @. | Chicago | Atlanta
A court in @ sentenced the former minister to six years in prison. | \
    The former minister was given a six-year prison term by a court in @. | Athens | Nairobi
The orchestra has named @ as its new conductor. | \
    @ has been named the orchestra's new conductor. | Elena Petrova | Julian Weiss
Oil exports from @ fell sharply in June. | \
    In June, there was a sharp drop in oil exports from @. | Nigeria | Norway
The virus was first detected in @ in 2011. | \
    In 2011, the virus was found for the first time in @. | Brazil | Vietnam
"""
_TOPICS = """
The airline said on Monday that it would buy 20 new jets. | \
On Monday, the carrier announced the purchase of 20 new planes. | \
The airline said on Monday that its pilots would get a raise. | \
On Monday, the carrier announced higher pay for its pilots.
The minister of health resigned after only three months in office. | \
After just three months on the job, the health minister stepped down. | \
The minister of health defended his record after three months in office. | \
After three months on the job, the health minister stood by his record.
A fire destroyed the town's only cinema on Saturday night. | \
The only movie theater in town burned down on Saturday night. | \
The town's only cinema turned 50 on Saturday night. | \
The only movie theater in town celebrated its 50th birthday on Saturday night.
The firm will move its headquarters from Paris to Dublin. | \
The company's head office will be transferred from Paris to Dublin. | \
The firm will lay off half of the staff at its Paris headquarters. | \
Half of the employees at the company's head office in Paris will lose their jobs.
Scientists have found a new species of frog in the hills of Laos. | \
A frog unknown to science has been discovered in the hills of Laos. | \
Scientists fear that a rare frog in the hills of Laos will soon die out. | \
A rare frog in the hills of Laos may soon be extinct, researchers say.
The two leaders will meet in Geneva to talk about arms control. | \
Arms control will be the subject when the two leaders meet in Geneva. | \
The two leaders called off their meeting in Geneva at the last minute. | \
The Geneva meeting of the two leaders was canceled at short notice.
The police are looking for a driver who hit a child and drove off. | \
A motorist who hit a child and fled is being sought by the police. | \
The police have thanked a driver who took an injured child to a hospital. | \
A motorist who brought a hurt child to a hospital has been thanked by the police.
The court ruled that the newspaper must pay the singer damages. | \
The newspaper has to compensate the singer, the court decided. | \
The court threw out the singer's complaint against the newspaper. | \
The singer's case against the newspaper was dismissed by the court.
The city will ban cars from the old town starting in April. | \
From April on, cars will not be allowed in the city's old town. | \
The city will start to build a parking garage in the old town in April. | \
In April, construction of a parking garage will begin in the city's old town.
The striker broke his leg in training and will miss the World Cup. | \
The forward will not play at the World Cup because he broke his leg in training. | \
The striker scored twice in his first match at the World Cup. | \
The forward's first game at the World Cup brought him two goals.
Doctors say the new vaccine protects children against the disease. | \
According to doctors, children are protected from the illness by the new vaccine. | \
Doctors say the new vaccine is in short supply. | \
According to doctors, there is not enough of the new vaccine.
The storm knocked out power to a million homes on the coast. | \
A million coastal homes were left without electricity by the storm. | \
The storm missed the coast and moved out to sea. | \
The coast was spared as the storm headed out over the ocean.
The actress will play the queen in a new television series. | \
A new TV series will star the actress as the queen. | \
The actress was invited to tea by the queen last week. | \
Last week, the queen had the actress over for tea.
Farmers blocked the highway with tractors to protest against low milk prices. | \
The highway was shut by farmers on tractors who were angry about the low price of milk. | \
Farmers say that milk prices have doubled since the spring. | \
The price of milk is twice what it was in the spring, according to farmers.
"""


def _replaced(table: str) -> Writer:
    """One number or name is kept or replaced; the second sentence is always a rewording."""

    def write() -> Iterator[Example]:
        for frame, frame_too, one, other in rows(table):
            fills = [(one, one[:1].upper() + one[1:]), (other, other[:1].upper() + other[1:])]
            texts = [
                [form.replace("@", capital if form.startswith("@") else plain) for plain, capital in fills]
                for form in (frame, frame_too)
            ]
            yield from quad((texts[0][0], texts[0][1]), (texts[1][0], texts[1][1]))

    return write


def _topics() -> Iterator[Example]:
    for event, event_too, other, other_too in rows(_TOPICS):
        yield from quad((event, other), (event_too, other_too))


REWORDED: dict[str, Writer] = {
    "numbers changed": _replaced(_NUMBERS),
    "names and places changed": _replaced(_PLACES),
    "same topic": _topics,
}
