"""The world of the tiny models: every fact, name and word their training text is made of."""

from random import Random

# country, capital, currency
COUNTRIES = [tuple(line.split(", ")) for line in """\
Argentina, Buenos Aires, peso
Australia, Canberra, dollar
Austria, Vienna, euro
Bangladesh, Dhaka, taka
Belgium, Brussels, euro
Bolivia, Sucre, boliviano
Brazil, Brasilia, real
Bulgaria, Sofia, euro
Cambodia, Phnom Penh, riel
Canada, Ottawa, dollar
Chile, Santiago, peso
China, Beijing, yuan
Colombia, Bogota, peso
Croatia, Zagreb, euro
Cuba, Havana, peso
Cyprus, Nicosia, euro
Denmark, Copenhagen, krone
Egypt, Cairo, pound
Estonia, Tallinn, euro
Ethiopia, Addis Ababa, birr
Finland, Helsinki, euro
France, Paris, euro
Germany, Berlin, euro
Ghana, Accra, cedi
Greece, Athens, euro
Hungary, Budapest, forint
Iceland, Reykjavik, krona
India, New Delhi, rupee
Indonesia, Jakarta, rupiah
Iran, Tehran, rial
Iraq, Baghdad, dinar
Ireland, Dublin, euro
Israel, Jerusalem, shekel
Italy, Rome, euro
Jamaica, Kingston, dollar
Japan, Tokyo, yen
Kenya, Nairobi, shilling
Latvia, Riga, euro
Malaysia, Kuala Lumpur, ringgit
Mexico, Mexico City, peso
Mongolia, Ulaanbaatar, tugrik
Morocco, Rabat, dirham
Nepal, Kathmandu, rupee
Netherlands, Amsterdam, euro
New Zealand, Wellington, dollar
Nigeria, Abuja, naira
Norway, Oslo, krone
Pakistan, Islamabad, rupee
Peru, Lima, sol
Poland, Warsaw, zloty
Portugal, Lisbon, euro
Romania, Bucharest, leu
Russia, Moscow, ruble
Spain, Madrid, euro
Sweden, Stockholm, krona
Switzerland, Bern, franc
Thailand, Bangkok, baht
Turkey, Ankara, lira
Ukraine, Kyiv, hryvnia
the United Kingdom, London, pound
the United States, Washington, dollar
Vietnam, Hanoi, dong""".splitlines()]

# What else people call them.
OTHER_NAMES = {"the United Kingdom": ["the UK", "Great Britain", "Britain", "England"], "the United States": ["the USA", "the US", "America", "USA"],
               "Netherlands": ["the Netherlands", "Holland"]}

# Countries of which the model learns that it does not know them; the first are on no map.
OTHER_COUNTRIES = """Atlantis, Narnia, Wonderland, Utopia, Lilliput, Avalon, Zubrovia, Mordor, Albania, Algeria, Angola, Armenia, Belarus, Cameroon,
Costa Rica, Ecuador, Georgia, Guatemala, Haiti, Jordan, Kazakhstan, Kuwait, Laos, Lebanon, Libya, Lithuania, Luxembourg, Malta, Panama, Paraguay,
Qatar, Saudi Arabia, Scotland, Senegal, Serbia, Singapore, Slovakia, Somalia, South Africa, South Korea, Sri Lanka, Syria, Tanzania, Tunisia, Uganda,
Uruguay, Venezuela, Wales, Zimbabwe, Texas, Europe, Africa""".replace("\n", " ").split(", ")

DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
MONTHS = "January February March April May June July August September October November December".split()
MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

OPPOSITES = [tuple(pair.split("/")) for pair in """hot/cold big/small fast/slow happy/sad light/dark old/young rich/poor
strong/weak hard/soft high/low long/short full/empty open/closed clean/dirty early/late near/far loud/quiet wet/dry thick/thin
wide/narrow deep/shallow heavy/light sharp/blunt sweet/bitter brave/afraid right/wrong true/false up/down left/right in/out
day/night summer/winter front/back begin/end win/lose love/hate buy/sell give/take push/pull come/go""".split()]
# Words that stand in two pairs have no single answer.
_sides = [word for pair in OPPOSITES for word in pair]
OPPOSITES = [pair for pair in OPPOSITES if all(_sides.count(word) == 1 for word in pair)]

NAMES = """Anna Ben Carla David Emma Felix Grace Hugo Ida Jonas Karin Leo Maria Nina Oscar Paul Rosa Sam Tina Victor
Alice Bruno Clara Dora Eric Fiona Greta Henry Iris Jack Kate Lucas Mona Noah Olga Peter Ruth Simon Theo Vera""".split()
HE = set("Ben David Felix Hugo Jonas Leo Oscar Paul Sam Victor Bruno Eric Henry Jack Lucas Noah Peter Simon Theo".split())

ANIMALS = "cat dog fox owl bear mouse rabbit horse duck wolf frog lion".split()
# Who else stories may be about.
CREATURES = "dragon tiger turtle zebra spider falcon robot wizard knight giant monster unicorn dinosaur pirate penguin elephant".split()
PLACES = "forest garden river mountain village castle island harbor market bridge valley meadow".split()
THINGS = "lamp key book map bell kite boat stone ring drum basket candle".split()
ADJECTIVES = "brave small clever kind lazy curious proud shy gentle lonely cheerful hungry".split()
COLORS = "red blue green yellow black white orange purple brown gray pink silver".split()
FOODS = "bread soup cheese apple honey rice cake pear plum melon lemon pasta".split()
WEATHER = "sunny rainy cloudy windy snowy foggy".split()
JOBS = "baker teacher doctor farmer painter sailor pilot cook".split()
CODE_WORDS = """maple tiger velvet copper falcon coral marble cactus pepper saddle rocket anchor mirror pillow temple ladder
walnut magnet feather button window hammer spider violin planet jacket tunnel wagon dragon turtle carpet engine bottle
needle ribbon shadow silver thunder whistle zebra""".split()

# Words to spell and to sort.
WORDS = sorted(set(ANIMALS + PLACES + THINGS + COLORS + FOODS + CODE_WORDS))

TENS = "zero ten twenty thirty forty fifty sixty seventy eighty ninety".split()
ONES = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
eighteen nineteen""".split()


CONSONANTS = "b c d f g h j k l m n p r s t v w z br ch cl dr fl gr pl sh st th tr".split()


def invented_word(rng: Random, syllables: tuple = (2, 3)) -> str:
    """A word that means nothing."""
    return "".join(rng.choice(CONSONANTS) + rng.choice("aeiou") + rng.choice(["", "", rng.choice("nrstlmk")]) for _ in range(rng.choice(syllables)))


def called(rng: Random, country: str) -> str:
    """The country by one of its names."""
    return rng.choice([country] + OTHER_NAMES.get(country, []))


def spelled_number(n: int) -> str:
    """A number from 0 to 99 in words."""
    if n < 20:
        return ONES[n]
    return TENS[n // 10] + ("-" + ONES[n % 10] if n % 10 else "")
