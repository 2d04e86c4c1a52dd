"""Short texts of our own, long enough to be interrupted."""

from __future__ import annotations

STORIES: tuple[str, ...] = (
    "Once there was a lighthouse keeper who talked to the sea. Every evening she climbed the stairs, lit the lamp, "
    "and told "
    "the waves what she had done that day. The sea never answered. One winter night a storm broke the lamp, and a "
    "small "
    "fishing boat was still far from the harbour. The keeper had no light, so she did what she always did, and "
    "talked. "
    "She called out about the weather, the price of bread, and the cat that slept on the stove. The fishermen heard "
    "a voice "
    "where the light should have been, and steered by it. They came in safely just before midnight. Since then the "
    "people of "
    "that harbour say that a light is good, but that a voice will do.",
    "A clockmaker once built a clock that could only tell the truth. When people asked it the time, it told them, "
    "to the "
    "second. When they asked whether they were late, it said yes, nearly always. Soon nobody wanted it in the "
    "house. The "
    "clockmaker took it home and thought for a week. Then she added one small wheel. Now, when someone was late, "
    "the clock "
    "told the truth just as before, and then it added that there was still time for a cup of tea. It was never "
    "wrong, and "
    "it was never alone again.",
    "Three friends crossed a forest and found a door standing between two trees, with no wall around it. The first "
    "friend "
    "walked around the door and found nothing. The second friend looked through the keyhole and saw the forest on "
    "the other "
    "side. The third friend knocked. Come in, said a voice. She opened the door, walked through, and stood where "
    "she would "
    "have stood anyway. But from that day on, she noticed every path that she had walked past before. When the "
    "others asked "
    "what was behind the door, she said, the same forest, only now I was invited.",
)

JOKES: tuple[str, ...] = (
    "Why did the microphone break up with the speaker? There was too much feedback.",
    "I asked the clock for a second opinion. It gave me sixty in a minute.",
    "Why do rules never get lost? Because they always follow themselves.",
)

FACTS: tuple[str, ...] = (
    "Light needs about eight minutes and twenty seconds to travel from the sun to the earth.",
    "A day on Venus is longer than a year on Venus.",
    "Octopuses have three hearts.",
)

POEM = (
    "A voice went out to find an ear, and found one in the hall. It said, I hope that you can hear. The ear said, "
    "not at all. But stay a while, and say it twice, and slowly, word by word. The voice said, that is good advice. "
    "The ear said, now I heard."
)
