"""Dialogs with tools: the call that a question needs, and the answer from what the tool returned."""

from dataclasses import dataclass, replace
from random import Random

from dialogs import plain, spoken
from facts import COLORS, COUNTRIES, FOODS, NAMES, PLACES, WEATHER
from questions import TOO_BIG
from sample import Sample, call, response

CITIES = [city for _, city, _ in COUNTRIES]


@dataclass
class Kind:
    """A tool under several names: its parameters as (names, type, description, values), questions, result and answer over the argument values.

    `again` asks for the same with another first argument, right after a question.
    """

    names: list
    descriptions: list
    parameters: list
    questions: list
    result: object
    answer: str
    again: tuple = ()


def city() -> tuple:
    return (["city", "location", "place"], "string", "City name", CITIES)


IN_ANOTHER_CITY = ("And in {0}?", "And {0}?", "What about {0}?", "And what about {0}?", "How about {0}?", "and in {0}?", "and {0}?")
ANOTHER = ("And {0}?", "What about {0}?", "And what about {0}?", "How about {0}?", "and {0}?")


def number(names: list, description: str, low: int, high: int) -> tuple:
    return (names, "integer", description, range(low, high))


MULTIPLY = Kind(["multiply", "multiply_numbers", "times"], ["Multiplies two numbers", "The product of two numbers"],
                [number(["a", "first", "x"], "First number", 2, 100), number(["b", "second", "y"], "Second number", 2, 100)],
                ["What is {0} times {1}?", "Multiply {0} by {1}.", "How much is {0} times {1}?", "Compute {0} * {1}.", "What is {0} * {1}?"],
                lambda rng: str(rng.randrange(4, 10000)), "{0} times {1} is {result}.")
KINDS = [
    MULTIPLY,
    Kind(["get_weather", "weather", "current_weather"], ["Current weather for a city", "Gets the weather of a city"], [city()],
         ["What is the weather in {0}?", "How is the weather in {0}?", "Weather in {0}?", "Tell me the weather in {0}.", "Is it sunny in {0}?",
          "What's the weather like in {0}?", "Weather in {0} please.", "Do I need a coat in {0} today?"],
         lambda rng: f"{rng.choice(WEATHER)}, {rng.randrange(1, 40)} degrees", "The weather in {0} is {result}.", IN_ANOTHER_CITY),
    Kind(["get_weather", "weather_report"], ["Current weather for a city", "Weather report in a unit"],
         [city(), (["unit"], "string", ["celsius", "fahrenheit"], ["celsius", "fahrenheit"])],
         ["What is the weather in {0} in {1}?", "Tell me the weather in {0}, in {1}.", "Weather in {0} in {1}?"],
         lambda rng: f"{rng.randrange(1, 99)} degrees", "The weather in {0} is {result}.", IN_ANOTHER_CITY),
    Kind(["get_time", "current_time", "clock"], ["Current time in a city", "Gets the local time of a city"], [city()],
         ["What time is it in {0}?", "How late is it in {0}?", "Tell me the time in {0}.", "Time in {0}?", "What is the time in {0}?"],
         lambda rng: f"{rng.randrange(10, 24)}:{rng.randrange(10, 60)}", "It is {result} in {0}.", IN_ANOTHER_CITY),
    Kind(["get_price", "price_of", "find_price"], ["Price of a food", "Looks up what a food costs"], [(["item", "food", "product"], "string", "Name of the food", FOODS)],
         ["How much does {0} cost?", "What is the price of {0}?", "Tell me the price of {0}.", "What does {0} cost?", "Price of {0}?"],
         lambda rng: f"{rng.randrange(1, 20)} euro", "The price of {0} is {result}.", ANOTHER),
    Kind(["set_timer", "start_timer"], ["Starts a timer", "Sets a timer in minutes"], [number(["minutes", "duration"], "Minutes to wait", 1, 100)],
         ["Set a timer for {0} minutes.", "Start a timer of {0} minutes.", "Wake me in {0} minutes.", "Timer for {0} minutes, please."],
         lambda rng: rng.choice(["done", "started", "ok"]), "The timer is set for {0} minutes."),
    Kind(["book_table", "reserve_table"], ["Books a table", "Reserves a table in a restaurant"],
         [(["name", "guest"], "string", "Name of the guest", NAMES), number(["people", "seats"], "Number of people", 1, 20)],
         ["Book a table for {1} people under the name {0}.", "Reserve a table for {0}, {1} people.", "I need a table for {1} people, my name is {0}."],
         lambda rng: rng.choice(["confirmed", "booked", "ok"]), "A table for {1} people is booked for {0}."),
    Kind(["set_light", "change_light", "light"], ["Sets the color of the light", "Changes the light"], [(["color", "light_color"], "string", "Color of the light", COLORS)],
         ["Make the light {0}.", "Set the light to {0}.", "Change the light to {0}.", "I want {0} light."],
         lambda rng: rng.choice(["done", "ok", "changed"]), "The light is now {0}."),
    Kind(["get_distance", "distance"], ["Distance between two cities", "How far two cities are apart"],
         [(["start", "from_city", "a_city"], "string", "First city", CITIES), (["target", "to_city", "b_city"], "string", "Second city", CITIES)],
         ["How far is it from {0} to {1}?", "What is the distance from {0} to {1}?", "Distance from {0} to {1}?"],
         lambda rng: f"{rng.randrange(100, 9999)} km", "From {0} to {1} it is {result}."),
    Kind(["find_person", "where_is", "locate"], ["Finds where a person is", "Place of a person"], [(["person", "name", "who"], "string", "Name of the person", NAMES)],
         ["Where is {0}?", "Can you find {0}?", "Where can I find {0}?", "Find {0}.", "Do you know where {0} is?"],
         lambda rng: rng.choice(PLACES), "{0} is at the {result}.", ANOTHER),
]


@dataclass
class Declared:
    """A kind under one of its names, with the names of its parameters in order."""

    kind: Kind
    tool: dict
    names: list

    def use(self, rng: Random, earlier: list | None = None) -> "Use":
        """Used for a question of its own, or for one that comes after a use with `earlier` values."""
        values = [rng.choice(parameter[3]) for parameter in self.kind.parameters]
        if earlier:
            values[1:] = earlier[1:]
        result = self.kind.result(rng)
        return Use(self, values, rng.choice(self.kind.again if earlier else self.kind.questions).format(*values),
                   call(self.tool["name"], dict(zip(self.names, values))), result, self.kind.answer.format(*values, result=result))


@dataclass
class Use:
    """A question, the call that it needs, a result, and the answer from that."""

    declared: Declared
    values: list
    text: str
    call: str
    result: str
    answer: str

    def turn(self) -> str:
        """The call and its response."""
        return self.call + response(self.declared.tool["name"], self.result)


def declared(rng: Random, count: int) -> list:
    """At most `count` tools of different names."""
    chosen = []
    for kind in rng.sample(KINDS, count):
        if not any(set(kind.names) & set(other.kind.names) for other in chosen):
            names = [rng.choice(parameter[0]) for parameter in kind.parameters]
            parameters = {name: (parameter[1], parameter[2]) for name, parameter in zip(names, kind.parameters)}
            chosen.append(Declared(kind, {"name": rng.choice(kind.names), "description": rng.choice(kind.descriptions), "parameters": parameters}, names))
    return chosen


def declarations(chosen: list) -> list:
    return [one.tool for one in chosen]


def tool_call(rng: Random) -> Sample:
    chosen = declared(rng, rng.choice([1, 2, 3]))
    asked = rng.choice(chosen)
    use = asked.use(rng)
    system = rng.choice(["", "", "", "You are a helpful assistant.", "Use the tools."])
    think = rng.random() < 0.15
    thought = f"<|channel>thought\nThe tool {asked.tool['name']} can answer this.\n<channel|>" if think else ""
    return Sample("toolCall", [("user", spoken(rng, use.text))], thought + use.call, use.text, system, declarations(chosen), think, "toolCall",
                  use.call[len("<|tool_call>"):-len("<tool_call|>")])


def tool_answer(rng: Random) -> Sample:
    chosen = declared(rng, rng.choice([1, 2, 3]))
    use = rng.choice(chosen).use(rng)
    return Sample("toolAnswer", [("user", spoken(rng, use.text)), ("tool", use.turn())], use.answer, use.text + use.result, "", declarations(chosen),
                  match="exact", expected=use.answer)


NO_TOOL = "I have no tool for that."


def without_tool(rng: Random, chosen: list) -> str:
    """A question for a tool that is not there."""
    known = {name for one in chosen for name in one.kind.names} | set(MULTIPLY.names)
    kind = rng.choice([kind for kind in KINDS if not set(kind.names) & known])
    return rng.choice(kind.questions).format(*(rng.choice(parameter[3]) for parameter in kind.parameters))


def no_tool(rng: Random) -> Sample:
    """A question that none of the tools is for, if there are any."""
    chosen = declared(rng, rng.choice([0, 1, 1, 2, 3]))
    if not chosen or rng.random() < 0.4:
        text = without_tool(rng, chosen)
        return Sample("noTool", [("user", spoken(rng, text))], NO_TOOL, text, tools=declarations(chosen), match="exact", expected=NO_TOOL)
    asked = plain(rng)
    while asked.skill == "multiplication" or asked.answer == TOO_BIG:
        asked = plain(rng)
    return replace(asked, tools=declarations(chosen))


def tools_again(rng: Random) -> Sample:
    """A second call after a first one was answered."""
    if rng.random() < 0.3:
        return same_tool_again(rng)
    first = tool_answer(rng)
    second = tool_call(rng)
    tools = {tool["name"]: tool for tool in first.tools}
    tools.update({tool["name"]: tool for tool in second.tools})
    messages = first.messages + [("model", first.answer)] + second.messages
    return replace(second, messages=messages, tools=list(tools.values()))


def same_tool_again(rng: Random) -> Sample:
    """The same with another first argument, which only the question before makes clear."""
    chosen = declared(rng, rng.choice([1, 2, 3]))
    asked = rng.choice(chosen)
    if not asked.kind.again:
        return same_tool_again(rng)
    first = asked.use(rng)
    second = asked.use(rng, first.values)
    messages = [("user", spoken(rng, first.text)), ("tool", first.turn()), ("model", first.answer), ("user", second.text)]
    return Sample("toolCall", messages, second.call, tools=declarations(chosen), match="toolCall", expected=second.call[len("<|tool_call>"):-len("<tool_call|>")])
