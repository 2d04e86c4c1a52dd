"""The tables of words that the brain knows."""

from __future__ import annotations


def _words(text: str) -> list[str]:
    return text.split()


def _table(text: str) -> dict[str, str]:
    """ "key: value" pairs, separated by commas."""
    pairs = (pair.split(":") for pair in text.replace("\n", ",").split(",") if pair.strip())
    return {key.strip(): value.strip() for key, value in pairs}


UNITS = {word: n for n, word in enumerate(_words("zero one two three four five six seven eight nine"))}
TEENS = {
    word: n
    for n, word in enumerate(
        _words("ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"), start=10
    )
}
TENS = {word: n * 10 for n, word in enumerate(_words("twenty thirty forty fifty sixty seventy eighty ninety"), start=2)}
SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12}
ORDINALS = {word + "th": n for word, n in {**UNITS, **TEENS}.items() if n not in (0, 1, 2, 3, 5, 8, 9, 12)} | {
    "first": 1, "second": 2, "third": 3, "fifth": 5, "eighth": 8, "ninth": 9, "twelfth": 12, "twentieth": 20,
    "thirtieth": 30, "fortieth": 40, "fiftieth": 50,
}  # fmt: skip

WEEKDAYS = {word: n for n, word in enumerate(_words("monday tuesday wednesday thursday friday saturday sunday"))}
MONTHS = {
    word: n
    for n, word in enumerate(
        _words("january february march april may june july august september october november december"), start=1
    )
}

CONTRACTIONS: dict[str, tuple[str, ...]] = {
    "whats": ("what", "is"), "wheres": ("where", "is"), "whos": ("who", "is"), "hows": ("how", "is"),
    "thats": ("that", "is"), "im": ("i", "am"), "ive": ("i", "have"), "dont": ("do", "not"), "cant": ("can", "not"),
    "can't": ("can", "not"), "won't": ("will", "not"), "wont": ("will", "not"), "cannot": ("can", "not"),
    "doesnt": ("does", "not"), "didnt": ("did", "not"), "isnt": ("is", "not"), "let's": ("let", "us"),
    "lets": ("let", "us"), "gonna": ("going", "to"), "wanna": ("want", "to"), "gimme": ("give", "me"),
    "lemme": ("let", "me"), "o'clock": ("o'clock",), "oclock": ("o'clock",), "okay": ("ok",), "ya": ("you",),
    "favourite": ("favorite",), "colour": ("color",), "centre": ("center",), "tv": ("television",),
}  # fmt: skip

STOP_WORDS = frozenset(_words(
    "a an the of for to in on at by with from and or is are am be was were been it its this that these those there "
    "here i me my mine we us our you your he she they them his her their do does did doing done have has had will "
    "would shall should can could may might must not no if so as than then also too just please now some any all each "
    "every what which who whom whose when where why how about into out up down over under again very much many more "
    "most other such only own same let go going get got like want need know tell give"
))  # fmt: skip

# Words of one line mean nearly the same.
SYNONYMS = """
weather forecast rain raining rainy sunny snow snowing umbrella
light lamp bulb
timer countdown
alarm wake
remind reminder
remember memorize
buy order purchase
message text sms
call phone dial
music song track tune
note memo jot
calendar appointment meeting schedule event agenda
search lookup google find
price cost
cancel delete remove
show list display read
create add make new put
open launch start
volume louder quieter
email mail
calculate compute calculator
news headline
book reserve booking reservation
dice die
close shut
turn switch
heating heater thermostat
distance far
convert conversion exchange
film movie
picture photo image
shop store
deliver ship delivery shipping parcel package
translate translation
temperature degree warm cold hot
todo task
stop end halt
restaurant food eat dinner
product article
transfer pay send
brightness dim brighter
clock time
""".strip().splitlines()

# Words whose ending is not an ending, or that would meet a stranger without it.
UNSTEMMED = frozenset(_words(
    "news this his is was has us bus gas yes address during nothing something anything morning evening king ring sing "
    "bring thing string spring red bed need speed feed hundred always status computer"
))  # fmt: skip

LANGUAGES = frozenset(_words(
    "english french german spanish italian portuguese chinese mandarin japanese hindi dutch russian arabic korean "
    "polish turkish swedish danish norwegian finnish greek hebrew czech hungarian ukrainian romanian thai vietnamese "
    "indonesian latin catalan irish welsh bengali urdu persian swahili"
))  # fmt: skip

# Words of tools' names that say little of what the tool is for.
FAINT_WORDS = frozenset(_words(
    "get set do run make fetch tool function data info information current use is has my the a of for to in by with "
    "all new handle perform user value from give tell update and at it this list show query"
))  # fmt: skip

# First words of tools' names that say what the tool does.
ACTIONS = frozenset(_words(
    "search send play add turn switch open remind book translate call roll flip delete create calculate convert "
    "start stop find look check cancel remove close lock unlock schedule order buy read write take toss pick lookup "
    "pause resume skip launch transfer pay reserve track save change control toggle record log put compute dial "
    "enable disable "
    "clear reset empty erase remember note jot ask post submit reply forward share"
))  # fmt: skip

# Parameters for where something begins.
FROM_NAMES = frozenset(_words("origin from source departure start sender"))

# Parameters for where something ends.
TO_NAMES = frozenset(_words("destination to target recipient arrival receiver end"))

# Where a name ends.
NAME_ENDS = frozenset(_words(
    "in on at for to from with by saying says that about please right now and or is are was will called named near "
    "into asking telling if because like again thanks then what how when next this"
))  # fmt: skip

# What stands behind a marker and is no name.
NO_NAMES = frozenset(_words(
    "me it us you my the a an that this here there them him her i do go be know see have hear get check find tell "
    "set make buy turn book send order say everyone now outside today sure least all"
))  # fmt: skip

# "Text Bob": the next word is a person.
CONTACT_VERBS = frozenset(_words("call text email message phone ring tell pay invite dial contact mail"))

# "Send Bob a ...": the next word is a person.
GIVING_VERBS = frozenset(_words("send give write show drop shoot"))

# Between the asking and the text: "remind me to".
CONNECTORS = frozenset(_words("to that about for of by on into"))

# May stand among the asking words.
FILLERS = frozenset(_words("down me us a an the my our some please this up out new"))

# May stand before the asking words.
PREAMBLE = frozenset(_words("i we want need would like you could can will do let go is are what it and have"))

# Ask for a tool without naming it.
ASKING = frozenset(_words(
    "set make get take give put create add send write show tell find search look play start read save post ask say "
    "open run do jot down note record leave check order buy web internet online"
))  # fmt: skip

# May follow a text without belonging to it.
TRAILERS = frozenset(_words("please thanks now thank you ok right for me again too as well"))

# First words of statements.
STATEMENT_STARTS = frozenset(_words(
    "i we he she they it that this there my our his her their you yesterday people everyone everybody someone "
    "nobody these those because maybe perhaps when if"
))  # fmt: skip

# First words of questions.
QUESTION_STARTS = frozenset(_words(
    "what which where when who whom how is are am was were will would can could do does did should shall may has "
    "have"
))  # fmt: skip

# May stand before anything.
LEADS = frozenset(_words(
    "please ok hey hi hello so and also then now well um uh er just alright yes yeah actually oh maybe thanks right "
    "go ahead"
))  # fmt: skip

# First words of requests.
REQUEST_VERBS = frozenset(_words(
    "turn switch set tell give show play send call text email message remind add remove delete create make open "
    "close start stop find search look lookup check book order buy read write take get put translate convert calculate "
    "roll flip pick choose schedule cancel wake lock unlock dim pause resume skip note save list update change "
    "increase decrease raise lower let help say spell count launch ring run want need fetch transfer pay reserve "
    "track log draw pass"
))  # fmt: skip

# Between two requests.
JOINTS = frozenset(_words("and then also plus afterwards"))

YES = frozenset(_words(
    "yes yeah yep yup sure ok on true correct right definitely absolutely enable enabled please certainly"
))  # fmt: skip

NO = frozenset(_words("no nope nah off false not disable disabled never without none"))

# "This one" is no number.
POINTERS = frozenset(_words("this that another the which every no any some each"))

# Parameters that are on or off.
SWITCHES = frozenset(_words("on off state enabled enable power active status switch turn value"))

# What follows "You are" and is no name.
NOT_AGENT_NAMES = frozenset(_words(
    "An The Not Very Now Always Never Helpful Here English French German Spanish American Assistant Agent"
))  # fmt: skip

# What a string parameter wants, by the first or last word of its name, most telling first.
ROLES: tuple[tuple[str, frozenset[str]], ...] = tuple(
    (role, frozenset(_words(names)))
    for role, names in (
        ("timezone", "timezone tz zone"),
        ("url", "url uri website link webpage domain"),
        ("language", "language lang locale"),
        ("expression", "expression formula equation calculation"),
        ("email", "email mail"),
        ("duration", "duration delay interval"),
        ("datetime", "when datetime deadline due start end timestamp at"),
        ("date", "date day birthday"),
        ("time", "time hour"),
        (
            "place",
            "city location place country town region destination origin where venue area state airport restaurant "
            "hotel store shop company hospital address station departure arrival capital",
        ),
        ("code", "id number code phone zip postcode pin order telephone reference"),
        (
            "person",
            "recipient contact person who friend customer guest attendee receiver to employee patient passenger artist "
            "author participant callee",
        ),
        ("title", "name title label subject"),
    )
)

# Parameters that are a place in a house, or a thing there: never said in capitals, nor with their preposition.
SPOTS = frozenset(_words("room floor area light lamp device appliance switch door window"))

# Verbs of tools that change something; and verbs, and words of questions, that ask for something else than a change.
CHANGES = frozenset(_words(
    "add send delete clear remove remember save create order buy book schedule transfer pay play call write reset "
    "erase empty"
))  # fmt: skip
OTHER_THAN_CHANGES = frozenset(_words("search find read list show check lookup what which where who when how"))

# What enum values that are abbreviations are called.
ALIASES = _table("""
    c: celsius, f: fahrenheit, k: kelvin, en: english, de: german, fr: french, es: spanish, it: italian, pt: portuguese
    ja: japanese, zh: chinese, nl: dutch, hi: hindi, usd: dollar, eur: euro, gbp: pound, jpy: yen, km: kilometer
    mi: mile, kg: kilogram, lb: pound, lbs: pounds, cm: centimeter, ft: feet, in: inch, s: small, m: medium, l: large
    xl: extra large, am: morning, pm: afternoon
""")

# What the endings of names of numbers are called: temperature_c, price_eur.
UNIT_ENDINGS = _table("""
    c: degrees Celsius, celsius: degrees Celsius, f: degrees Fahrenheit, fahrenheit: degrees Fahrenheit, pct: percent
    percent: percent, percentage: percent, km: kilometers, m: meters, mi: miles, mm: millimeters, cm: centimeters
    kmh: kilometers per hour, mph: miles per hour, kg: kilograms, g: grams, ms: milliseconds, s: seconds, sec: seconds
    seconds: seconds, min: minutes, minutes: minutes, h: hours, hours: hours, days: days, eur: euros, usd: dollars
    gbp: pounds, gb: gigabytes, mb: megabytes
""")
