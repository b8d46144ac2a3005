"""Short stories: one hero, one wish, one place, one ending, told so that everything that is named stays what it is."""

from random import Random

from facts import ADJECTIVES, ANIMALS, CODE_WORDS, COLORS, CREATURES, HE, NAMES, PLACES, THINGS, WEATHER, invented_word
from sample import Sample


def story(rng: Random) -> Sample:
    animal, adjective, place = rng.choice(rng.choice([ANIMALS, CREATURES])), rng.choice(ADJECTIVES), rng.choice(PLACES)
    name, friend = rng.sample(NAMES, 2)
    thing, color = rng.choice(THINGS), rng.choice(COLORS)
    he, his, him = ("he", "his", "him") if name in HE else ("she", "her", "her")
    hero = f"{adjective} {animal}"
    article = "an" if adjective[0] in "aeiou" else "a"
    ask = rng.randrange(8)
    if ask == 0:
        about = f"{article} {hero}"
    elif ask == 1:
        about = f"{article} {hero} in the {place}"
    elif ask == 2:
        about = f"{'an' if animal[0] in 'aeiou' else 'a'} {animal} named {name}"
    elif ask == 3:
        about = f"{article} {hero} and a {thing}"
    elif ask == 4:
        about = f"{'an' if animal[0] in 'aeiou' else 'a'} {animal}"
    else:
        thing = rng.choice([thing, rng.choice([word for word in CODE_WORDS if word not in CREATURES]), invented_word(rng)])
        about = f"{rng.choice(['a', 'the'])} {thing}"
    if ask == 7:
        about = name
    text = rng.choice([f"Tell me a short story about {about}.", f"Tell me a story about {about}.", f"Write a short story about {about}.", f"Write a story about {about}.",
                       f"Can you tell a story about {about}?", f"I want a story about {about}.", f"Make up a story about {about}.", f"Please tell me a story about {about}."])
    if ask == 6:
        text = rng.choice(["Tell me a story.", "Tell me a short story.", "Tell a story.", "Write a story.", "Write a short story.", "I want to hear a story.",
                           "Do you know a story?", "Can you tell me a story?", "A story, please.", "Please tell me a story."])
    opening = rng.choice([f"Once upon a time there was {article} {hero} named {name}.", f"Long ago {article} {hero} named {name} lived in the {place}.",
                          f"There was once {article} {hero}. The name of the {animal} was {name}."])
    trouble = rng.choice([f"One {rng.choice(WEATHER)} day {name} lost {his} {color} {thing} in the {place}.",
                          f"One {rng.choice(WEATHER)} morning {name} went to the {place} to find a {color} {thing}.",
                          f"{name} wanted a {color} {thing} more than anything else, so {he} walked to the {place}."])
    meeting = rng.choice([f"There {he} met {friend}, who wanted to help {him}.", f"In the {place} {he} met a friend named {friend}.",
                          f"{friend} saw {him} and asked: \"Why are you here?\""])
    search = rng.choice([f"They looked for the {thing} all day.", f"Together they looked under every stone for the {thing}.", f"{name} and {friend} looked everywhere."])
    found = rng.choice([f"At last they found the {color} {thing} near an old tree.", f"In the evening {friend} found the {color} {thing} by the water.",
                        f"Then {name} saw the {color} {thing} in the grass."])
    ending = rng.choice([f"{name} was very happy and thanked {friend}.", f"{name} took the {thing} home, and the two stayed friends.",
                         f"From that day on {name} and {friend} were best friends."])
    moral = rng.choice(["", "", " The end.", " And so the day ended well."])
    answer = " ".join([opening, trouble, meeting, search, found, ending]) + moral
    return Sample("story", [("user", text)], answer, match="contains", expected={2: name, 4: animal, 5: thing, 6: ".", 7: name}.get(ask, hero))


def short_sentence(rng: Random) -> str:
    """One sentence of a long document in which nothing matters."""
    name, friend = rng.sample(NAMES, 2)
    kind = rng.randrange(8)
    if kind == 0:
        return f"{name} walked to the {rng.choice(PLACES)} with a {rng.choice(ADJECTIVES)} {rng.choice(ANIMALS)}."
    if kind == 1:
        return f"The {rng.choice(ANIMALS)} slept near the {rng.choice(PLACES)} all day."
    if kind == 2:
        return f"It was a {rng.choice(WEATHER)} day, and {name} stayed at home."
    if kind == 3:
        return f"{name} gave {friend} a {rng.choice(COLORS)} {rng.choice(THINGS)}."
    if kind == 4:
        return f"In the {rng.choice(PLACES)} there was an old {rng.choice(THINGS)}."
    if kind == 5:
        return f"{name} and {friend} looked for a {rng.choice(THINGS)} in the {rng.choice(PLACES)}."
    if kind == 6:
        return f"The {rng.choice(ADJECTIVES)} {rng.choice(ANIMALS)} was {rng.choice(COLORS)}."
    return f"{name} had {rng.randrange(2, 99)} {rng.choice(['apples', 'books', 'stones', 'coins'])} and a {rng.choice(THINGS)}."
