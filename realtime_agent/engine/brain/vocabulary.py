"""The tables of words that the brain knows."""

from __future__ import annotations


def _words(text: str) -> list[str]:
    return text.split()


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
create add make new
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
    "bring thing string spring red bed need speed feed hundred always status"
))  # fmt: skip

LANGUAGES = frozenset(_words(
    "english french german spanish italian portuguese chinese mandarin japanese hindi dutch russian arabic korean "
    "polish turkish swedish danish norwegian finnish greek hebrew czech hungarian ukrainian romanian thai vietnamese "
    "indonesian latin catalan irish welsh bengali urdu persian swahili"
))  # fmt: skip
