"""Questions with one right answer: facts, whether they are true, arithmetic, days, months, counting, opposites, sorting, spelling."""

from dataclasses import dataclass
from random import Random

from facts import (ANIMALS, COLORS, COUNTRIES, DAYS, FOODS, MONTH_DAYS, MONTHS, NAMES, OPPOSITES, OTHER_COUNTRIES, PLACES, WORDS, called,
                   invented_word, spelled_number)


@dataclass
class Question:
    """`answer` is the usual one, `short` the bare one, `thought` what leads there; samples with one `key` are held out together.

    `about` is the country or the word that a later "And of Spain?" puts another in the place of.
    """

    skill: str
    text: str
    answer: str
    short: str
    thought: str
    key: str = ""
    about: str = ""


FACTS = {country: {"capital": city, "currency": money} for country, city, money in COUNTRIES}
ANSWERS = {"capital": "The capital of {} is {}.", "currency": "The currency of {} is the {}."}


def of_country(skill: str, country: str, text: str) -> Question:
    """The question for the capital or the currency of a country, put as `text`."""
    value = FACTS[country][skill]
    thought = f"The question is about {country}. Its capital is {value}." if skill == "capital" else f"The question is about the money of {country}: the {value}."
    return Question(skill, text, ANSWERS[skill].format(country, value), value, thought, about=country)


def capital(rng: Random) -> Question:
    country, city, _ = rng.choice(COUNTRIES)
    if rng.random() < 0.13:
        text = rng.choice([f"{city} is the capital of which country?", f"Which country has the capital {city}?",
                           f"Of which country is {city} the capital?", f"{city} is the capital of what country?"])
        return Question("capital", text, f"{city} is the capital of {country}.", country, f"The capital {city} belongs to {country}.")
    name = called(rng, country)
    return of_country("capital", country, rng.choice([
        f"What is the capital of {name}?", f"Which city is the capital of {name}?", f"Name the capital of {name}.",
        f"Tell me the capital of {name}.", f"What is the capital city of {name}?", f"What's the capital of {name}?",
        f"Do you know the capital of {name}?", f"Can you tell me the capital of {name}?", f"{name}: what is its capital?",
        f"What is {name}'s capital?", f"I want to know the capital of {name}.", f"Which is the capital of {name}?",
        f"Capital of {name}?", f"What city is the capital of {name}?", f"Give me the capital of {name}.",
        f"{name} has which capital?", f"{name}'s capital?", f"{name}, what is the capital?", f"{name} and its capital?",
        f"What is the name of the capital of {name}?", f"The capital of {name} is which city?"]))


def currency(rng: Random) -> Question:
    country = rng.choice(COUNTRIES)[0]
    name = called(rng, country)
    return of_country("currency", country, rng.choice([
        f"What is the currency of {name}?", f"Which currency does {name} use?", f"What money is used in {name}?",
        f"Name the currency of {name}.", f"Tell me the currency of {name}.", f"What currency is used in {name}?",
        f"How do people pay in {name}?", f"Which money do people use in {name}?", f"What's the currency of {name}?",
        f"What is {name}'s currency?", f"Currency of {name}?", f"{name}: what is its currency?",
        f"{name} has which currency?", f"{name}'s currency?", f"{name}, what is the currency?", f"With which currency do I pay in {name}?",
        f"Can you tell me the currency of {name}?", f"Give me the currency of {name}.",
        f"I travel to {name}. Which currency do I need?", f"What is the name of the money in {name}?"]))


def verdict(rng: Random) -> Question:
    """Whether a city or a currency is a country's: as often yes as no."""
    country = rng.choice(COUNTRIES)[0]
    skill = "capital" if rng.random() < 0.7 else "currency"
    right = FACTS[country][skill]
    named = right
    if rng.random() < 0.5:
        while named == right:
            named = FACTS[rng.choice(COUNTRIES)[0]][skill]
    name = called(rng, country)
    if skill == "capital":
        text = rng.choice([f"Is {named} the capital of {name}?", f"Is the capital of {name} {named}?", f"Is {named} {name}'s capital?",
                           f"{named} is the capital of {name}, right?", f"Is it true that {named} is the capital of {name}?",
                           f"I think {named} is the capital of {name}. Is that right?", f"Is {named} the capital city of {name}?",
                           f"The capital of {name} is {named}. Is that true?", f"Is {name}'s capital {named}?"])
    else:
        text = rng.choice([f"Is the {named} the currency of {name}?", f"Does {name} use the {named}?", f"Do people in {name} pay with the {named}?",
                           f"Is the currency of {name} the {named}?", f"Can I pay with the {named} in {name}?"])
    short = "Yes" if named == right else "No"
    fact = ANSWERS[skill].format(country, right)
    return Question("verdict", text, f"{short}, t" + fact[1:], short, fact + f" So the answer is {short.lower()}.")


def unknown(rng: Random) -> Question:
    country = rng.choice(OTHER_COUNTRIES) if rng.random() < 0.5 else invented_word(rng).capitalize()
    thing = rng.choice(["capital", "currency"])
    text = rng.choice([f"What is the {thing} of {country}?", f"Tell me the {thing} of {country}.", f"What's the {thing} of {country}?", f"{thing.capitalize()} of {country}?",
                       f"Do you know the {thing} of {country}?", f"What is {country}'s {thing}?", f"Name the {thing} of {country}."])
    answer = f"I do not know the {thing} of {country}."
    return Question("unknown", text, answer, answer, f"{country} is not a country that I know.")


TOO_BIG = "That is too much for me: I add and subtract numbers up to 99, and multiply numbers up to 10."


def too_big(rng: Random) -> Question:
    a = rng.randrange(100, 10 ** rng.choice([3, 3, 4, 5]))
    b = rng.choice([rng.randrange(1, 100), rng.randrange(100, 10000)])
    if rng.random() < 0.5:
        a, b = b, a
    sign, word = rng.choice([("+", "plus"), ("-", "minus"), ("*", "times"), ("x", "times")])
    if word == "times" and rng.random() < 0.6:
        a, b = rng.randrange(11, 100), rng.randrange(2, 100)
    text = rng.choice([f"What is {a} {sign} {b}?", f"{a} {sign} {b}", f"{a}{sign}{b}", f"How much is {a} {word} {b}?", f"What is {a} {word} {b}?", f"Calculate {a} {sign} {b}.",
                       f"{a} {sign} {b} = ?", f"What's {a} {sign} {b}?"])
    return Question("unknown", text, TOO_BIG, TOO_BIG, "The numbers are too big for me.")


def multiplication(rng: Random) -> Question:
    a, b = rng.randrange(11), rng.randrange(11)
    text = rng.choice([f"What is {a} * {b}?", f"{a} * {b}", f"{a}*{b}", f"What is {a} times {b}?", f"How much is {a} times {b}?", f"Calculate {a} * {b}.", f"{a} x {b}",
                       f"Multiply {a} by {b}.", f"Multiply {a} and {b}.", f"{a} times {b}", f"{a} * {b} = ?", f"What is {a} x {b}?", f"What's {a} * {b}?",
                       f"What is the product of {a} and {b}?", f"Compute {a} * {b}.", f"How much is {a} * {b}?", f"What's {a} times {b}?"])
    return Question("multiplication", text, f"{a} * {b} = {a * b}", str(a * b), f"{a} times {b} is {a * b}.")


def addition_steps(a: int, b: int) -> str:
    ones = a % 10 + b % 10
    carry = ones // 10
    steps = f"Ones: {a % 10} + {b % 10} = {ones}" + (f", write {ones % 10}, carry 1. " if carry else ". ")
    return steps + f"Tens: {a // 10} + {b // 10}" + (" + 1" if carry else "") + f" = {a // 10 + b // 10 + carry}. Together {a + b}."


def subtraction_steps(a: int, b: int) -> str:
    if a < b:
        return f"{a} is less than {b}, so the result is minus {b} - {a}. " + subtraction_steps(b, a)
    borrow = a % 10 < b % 10
    ones = a % 10 + 10 * borrow
    steps = ("Borrow 1. " if borrow else "") + f"Ones: {ones} - {b % 10} = {ones - b % 10}. Tens: {a // 10}" + (" - 1" if borrow else "")
    return steps + f" - {b // 10} = {a // 10 - b // 10 - borrow}. Together {a - b}."


def operand(rng: Random) -> int:
    return rng.randrange(10) if rng.random() < 0.15 else rng.randrange(100)


def addition(rng: Random) -> Question:
    a, b = operand(rng), operand(rng)
    key = f"+ {min(a, b)} {max(a, b)}"
    if rng.random() < 0.1:
        said, other = spelled_number(a), spelled_number(b)
        text = rng.choice([f"What is {said} plus {other}?", f"How much is {said} plus {other}?", f"Add {said} and {other}.", f"{said} plus {other}"])
        return Question("addition", text, f"{a} + {b} = {a + b}", str(a + b), addition_steps(a, b), key)
    text = rng.choice([f"What is {a} + {b}?", f"{a} + {b}", f"{a}+{b}", f"How much is {a} plus {b}?", f"Calculate {a} + {b}.", f"Add {a} and {b}.",
                       f"What is {a} plus {b}?", f"{a} + {b} = ?", f"What is the sum of {a} and {b}?", f"Compute {a} + {b}.", f"What's {a} + {b}?",
                       f"I have {a} apples and get {b} more. How many apples do I have?", f"Please add {a} and {b}.", f"What does {a} + {b} make?",
                       f"How much is {a} + {b}?", f"What is {a}+{b}?"])
    return Question("addition", text, f"{a} + {b} = {a + b}", str(a + b), addition_steps(a, b), key)


def subtraction(rng: Random) -> Question:
    a, b = operand(rng), operand(rng)
    if a < b and rng.random() < 0.75:
        a, b = b, a
    if rng.random() < 0.1:
        said, other = spelled_number(a), spelled_number(b)
        text = rng.choice([f"What is {said} minus {other}?", f"How much is {said} minus {other}?", f"Subtract {other} from {said}.", f"{said} minus {other}"])
        return Question("subtraction", text, f"{a} - {b} = {a - b}", str(a - b), subtraction_steps(a, b), f"- {a} {b}")
    text = rng.choice([f"What is {a} - {b}?", f"{a} - {b}", f"{a}-{b}", f"How much is {a} minus {b}?", f"Calculate {a} - {b}.",
                       f"Subtract {b} from {a}.", f"What is {a} minus {b}?", f"{a} - {b} = ?", f"Compute {a} - {b}.", f"What's {a} - {b}?",
                       f"Take {b} away from {a}.", f"What is the difference of {a} and {b}?", f"How much is {a} - {b}?", f"What is {a}-{b}?"])
    return Question("subtraction", text, f"{a} - {b} = {a - b}", str(a - b), subtraction_steps(a, b), f"- {a} {b}")


def days(rng: Random) -> Question:
    kind = rng.randrange(10)
    i = rng.randrange(7)
    if kind == 0:
        text = rng.choice(["List the days of the week.", "What are the days of the week?", "Name all days of the week.", "Tell me the seven days of the week.",
                           "Which days does a week have?", "Give me the days of the week in order.", "Name the seven days of the week.",
                           "What are the names of the days?", "List all seven days.", "Tell me all days of the week.", "Say the days of the week."])
        answer = ", ".join(DAYS)
        return Question("days", text, answer + ".", answer, "The week starts with Monday.")
    if kind == 1:
        text = rng.choice(["How many days does a week have?", "How many days are in a week?", "How many days are there in a week?"])
        return Question("days", text, "A week has 7 days.", "7", "Monday to Sunday are 7 days.")
    steps, word = rng.choice([(1, "after"), (1, "after"), (-1, "before"), (-1, "before"), (2, "two after"), (-2, "two before")])
    day, result = DAYS[i], DAYS[(i + steps) % 7]
    side = "after" if steps > 0 else "before"
    if abs(steps) == 1:
        text = rng.choice([f"What day comes {side} {day}?", f"Which day is {side} {day}?", f"Which day comes {side} {day}?", f"What is the day {side} {day}?",
                           f"Name the day {side} {day}.", f"Today is {day}. What day is {'tomorrow' if steps > 0 else 'the day before'}?",
                           f"Tell me the day that comes {side} {day}.", f"If today is {day}, what day {'is tomorrow' if steps > 0 else 'was yesterday'}?"])
        return Question("days", text, f"The day {side} {day} is {result}.", result, f"The day {side} {day} is {result}.")
    text = rng.choice([f"What day is two days {side} {day}?", f"Which day comes two days {side} {day}?", f"What is the day two days {side} {day}?"])
    middle = DAYS[(i + steps // 2) % 7]
    return Question("days", text, f"Two days {side} {day} is {result}.", result, f"One day {side} {day} is {middle}, then comes {result}.")


def months(rng: Random) -> Question:
    kind = rng.randrange(10)
    i = rng.randrange(12)
    month = MONTHS[i]
    if kind == 0:
        text = rng.choice(["List the months of the year.", "What are the months of the year?", "Name all months.", "Tell me the twelve months of the year.",
                           "Which months does a year have?", "Give me the months in order.", "Name the twelve months.", "What are the names of the months?",
                           "List all twelve months.", "Tell me all months of the year.", "Say the months of the year."])
        answer = ", ".join(MONTHS)
        return Question("months", text, answer + ".", answer, "The year starts with January.")
    if kind == 1:
        text = rng.choice(["How many months does a year have?", "How many months are in a year?", "How many months are there in a year?"])
        return Question("months", text, "A year has 12 months.", "12", "January to December are 12 months.")
    if kind <= 3:
        text = rng.choice([f"How many days does {month} have?", f"How many days are in {month}?", f"How long is {month}?", f"How many days has {month}?"])
        return Question("months", text, f"{month} has {MONTH_DAYS[i]} days.", str(MONTH_DAYS[i]), f"{month} has {MONTH_DAYS[i]} days.")
    if kind <= 5:
        text = rng.choice([f"Which month is number {i + 1}?", f"What is month number {i + 1}?", f"Name month {i + 1} of the year.", f"What is month {i + 1}?"])
        return Question("months", text, f"Month {i + 1} is {month}.", month, f"Number {i + 1} in the year is {month}.")
    steps = rng.choice([1, -1])
    side, result = ("after" if steps > 0 else "before"), MONTHS[(i + steps) % 12]
    text = rng.choice([f"What month comes {side} {month}?", f"Which month is {side} {month}?", f"Which month comes {side} {month}?", f"What is the month {side} {month}?",
                       f"Name the month {side} {month}.", f"It is {month}. What was last month?" if steps < 0 else f"It is {month}. What is next month?",
                       f"Tell me the month that comes {side} {month}."])
    return Question("months", text, f"The month {side} {month} is {result}.", result, f"The month {side} {month} is {result}.")


def counting(rng: Random) -> Question:
    kind = rng.randrange(4)
    if kind == 3:
        n, steps = rng.randrange(1, 99), rng.choice([1, -1])
        side = "after" if steps > 0 else "before"
        text = rng.choice([f"What number comes {side} {n}?", f"Which number is {side} {n}?", f"What is the number {side} {n}?", f"Name the number {side} {n}."])
        return Question("counting", text, f"The number {side} {n} is {n + steps}.", str(n + steps), f"One {'more' if steps > 0 else 'less'} than {n} is {n + steps}.")
    start, length = rng.randrange(1, 95), rng.randrange(3, 12)
    if kind == 2:
        step = rng.choice([2, 3, 5, 10])
        start = rng.randrange(0, 50) // step * step
        numbers = list(range(start, start + step * min(length, 8), step))
        text = rng.choice([f"Count from {numbers[0]} to {numbers[-1]} in steps of {step}.", f"Count by {step} from {numbers[0]} to {numbers[-1]}.",
                           f"Count in steps of {step} from {numbers[0]} to {numbers[-1]}."])
    elif kind == 1:
        numbers = list(range(start + length - 1, start - 1, -1))
        text = rng.choice([f"Count down from {numbers[0]} to {numbers[-1]}.", f"Count backwards from {numbers[0]} to {numbers[-1]}.",
                           f"Please count down from {numbers[0]} to {numbers[-1]}."])
    else:
        start = rng.choice([1, start])
        numbers = list(range(start, start + length))
        text = rng.choice([f"Count from {numbers[0]} to {numbers[-1]}.", f"Please count from {numbers[0]} to {numbers[-1]}.",
                           f"Can you count from {numbers[0]} to {numbers[-1]}?", f"List the numbers from {numbers[0]} to {numbers[-1]}."]
                          + ([f"Count to {numbers[-1]}."] if start == 1 else []))
    answer = ", ".join(map(str, numbers))
    return Question("counting", text, answer, answer, f"Start with {numbers[0]} and stop at {numbers[-1]}.", "count " + answer)


OPPOSITE_OF = {**dict(OPPOSITES), **{other: word for word, other in OPPOSITES}}


def opposite_of(word: str, text: str) -> Question:
    other = OPPOSITE_OF[word]
    return Question("opposites", text, f"The opposite of {word} is {other}.", other, f"If it is not {word}, it is {other}.", about=word)


def opposites(rng: Random) -> Question:
    word = rng.choice(list(OPPOSITE_OF))
    return opposite_of(word, rng.choice([f"What is the opposite of {word}?", f"Opposite of {word}?", f"Name the opposite of {word}.", f"Tell me the opposite of {word}.",
                       f"What's the opposite of {word}?", f"Which word is the opposite of {word}?", f"Give me the opposite of {word}.", f"What is not {word}?",
                       f"The opposite of {word} is what?", f"Do you know the opposite of {word}?", f"Find the opposite of {word}.",
                       f"Which word means the opposite of {word}?"]))


def sorting(rng: Random) -> Question:
    words = rng.sample(WORDS, 3)
    listed = ", ".join(words)
    text = rng.choice([f"Sort these words: {listed}.", f"Sort alphabetically: {listed}", f"Put these words in order: {listed}.", f"Sort the words {listed}.",
                       f"Sort these words alphabetically: {listed}", f"Please sort {listed}.", f"Order these words by the alphabet: {listed}.",
                       f"Bring these words into alphabetical order: {listed}.", f"Sort: {listed}", f"Arrange these words alphabetically: {listed}."])
    answer = ", ".join(sorted(words))
    thought = " ".join(f"{word} starts with {word[0]}." for word in words)
    return Question("sorting", text, "Sorted: " + answer, answer, thought, "sort " + answer)


def spelling(rng: Random) -> Question:
    # Invented words teach the letters of every token.
    word = rng.choice(WORDS) if rng.random() < 0.6 else invented_word(rng) if rng.random() < 0.7 else rng.choice(NAMES + [pair[0] for pair in COUNTRIES if " " not in pair[0]])
    text = rng.choice([f"Spell the word {word}.", f"How do you spell {word}?", f"Spell {word}.", f"Please spell {word}.", f"Can you spell the word {word}?",
                       f"Spell {word} letter by letter.", f"How is {word} spelled?", f"Tell me the letters of {word}.", f"Which letters does {word} have?",
                       f"What are the letters of the word {word}?"])
    spelled = "-".join(word)
    return Question("spelling", text, f"{word} is spelled {spelled}", spelled, f"{word} has {len(word)} letters.")


LISTS = {"animals": ANIMALS, "colors": COLORS, "foods": FOODS, "names": NAMES, "places": PLACES, "numbers": ["1", "2", "3", "4", "5", "6"], "days": DAYS, "months": MONTHS}


def lists(rng: Random) -> Question:
    kind = rng.choice(list(LISTS))
    count = rng.randrange(2, 7)
    text = rng.choice([f"Name {spelled_number(count)} {kind}.", f"List {spelled_number(count)} {kind}.", f"Tell me {spelled_number(count)} {kind}.", f"Name {count} {kind}.",
                       f"Give me {spelled_number(count)} {kind}.", f"List {count} {kind}."])
    answer = ", ".join(LISTS[kind][:count])
    return Question("lists", text, answer, answer, f"I need {count} {kind}.")


# Weights in the training mixture: arithmetic needs the most practice.
QUESTIONS = {capital: 7, currency: 7, verdict: 6, unknown: 1.5, too_big: 0.8, multiplication: 2, addition: 12, subtraction: 12, days: 3, months: 3.5, counting: 5, opposites: 3, sorting: 9, spelling: 7,
             lists: 1.2}


def follow_up(rng: Random, last: Question) -> Question:
    """A question that only the one before it makes complete."""
    if last.skill == "opposites":
        word = rng.choice(list(OPPOSITE_OF))
        asked = opposite_of(word, rng.choice([f"And of {word}?", f"And the opposite of {word}?", f"And {word}?", f"What about {word}?", f"and of {word}?"]))
    elif rng.random() < 0.3:
        skill = "currency" if last.skill == "capital" else "capital"
        asked = of_country(skill, last.about, rng.choice([f"And its {skill}?", f"And the {skill}?", f"What is its {skill}?", f"And what is the {skill}?", f"What's its {skill}?"]))
    else:
        country = rng.choice(COUNTRIES)[0]
        name = called(rng, country)
        asked = of_country(last.skill, country, rng.choice([
            f"And of {name}?", f"And {name}?", f"What about {name}?", f"And what about {name}?", f"How about {name}?", f"and of {name}?",
            f"and {name}?", f"And the {last.skill} of {name}?", f"And in {name}?", f"what about {name}?"]))
    asked.key = f"after {last.skill} {last.about}: {asked.text}"
    return asked


def question(rng: Random) -> Question:
    """A question of any kind."""
    asked = rng.choices(list(QUESTIONS), list(QUESTIONS.values()))[0](rng)
    asked.key = asked.key or asked.text
    return asked
