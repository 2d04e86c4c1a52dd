"""What the embedded brain does without tools: manners, honesty, time, repeating, spelling, counting, stories."""

from __future__ import annotations

import pytest

from realtime_agent.engine.brain import count_tokens
from realtime_agent.engine.brain.smalltalk import LOST, agent_name
from realtime_agent.engine.parts import IDLE_HINT, BrainRequest, BrainUsage, Message, TextDelta
from tests.brain_talk import LIGHT, NOW, TIMER, WEATHER, Reply, ask, reply_to, talk

RULES = "rule-based assistant"


@pytest.mark.parametrize(
    ("heard", "answer"),
    [
        ("hello", "Hello. I am Ada. How can I help you?"),
        ("Hi there!", "Hello. I am Ada. How can I help you?"),
        ("hey ada", "Hello. I am Ada. How can I help you?"),
        ("good morning", "Good morning. I am Ada. How can I help you?"),
        ("ada", "Yes, I am listening."),
        ("how are you", "I am well, thank you. What can I do for you?"),
        ("nice to meet you", "Nice to meet you too. What can I do for you?"),
        ("can you hear me", "Yes, I can hear you."),
        ("thanks a lot", "You are welcome."),
        ("Great, thank you very much.", "You are welcome."),
        ("goodbye", "Goodbye. It was good to talk with you."),
        ("Good-bye.", "Goodbye. It was good to talk with you."),
        ("OK thank you, goodbye.", "Goodbye. It was good to talk with you."),
        ("good night", "Goodbye. It was good to talk with you."),
        ("never mind", "All right, never mind."),
        ("stop", "All right."),
        ("um", "I am listening."),
        ("what's your name", "My name is Ada."),
        ("do you speak French?", "I only understand and speak English."),
        ("you are funny", "Thank you. What else can I do for you?"),
        ("sorry", "No problem at all."),
    ],
)
async def test_it_has_manners(heard: str, answer: str) -> None:
    assert (await ask(heard)).text == answer


@pytest.mark.parametrize("heard", ["who are you", "what are you", "are you a real person",
"are you a language model", "Are you ChatGPT?", "what can you do", "help"])  # fmt: skip
async def test_it_says_plainly_that_it_is_rules_and_no_language_model(heard: str) -> None:
    text = (await ask(heard)).text
    assert RULES in text
    assert "not a language model" in text


async def test_asked_what_it_can_do_it_names_the_tools_in_words() -> None:
    text = (await ask("what can you do", (WEATHER, TIMER))).text
    assert "get the current weather for a city; set a countdown timer." in text
    assert "tell the time" in text
    assert "get_weather" not in text
    assert "With my tools" not in (await ask("what can you do", (WEATHER,), tool_choice="none")).text


async def test_what_it_does_not_understand_it_says_and_not_always_in_the_same_words() -> None:
    first = await ask("why is the sky blue")
    again = await talk("why is the sky blue", "why is the grass green")
    assert first.text in LOST
    assert again.text in LOST
    assert again.text != first.text


@pytest.mark.parametrize(
    ("heard", "answer"),
    [
        ("what time is it", "It is 3:20 PM."),
        ("whats the time", "It is 3:20 PM."),
        ("can you tell me what time it is please", "It is 3:20 PM."),
        ("What's the date today?", "Today is Wednesday, November 18, 2026."),
        ("what day is it", "Today is Wednesday, November 18, 2026."),
        ("What days of to-day", "Today is Wednesday, November 18, 2026."),
        ("what day is it tomorrow", "Tomorrow will be Thursday, November 19, 2026."),
        ("what date was yesterday", "Yesterday was Tuesday, November 17, 2026."),
        ("what date is next friday", "It will be Friday, November 27, 2026."),
        ("what year is it", "It is the year 2026."),
        ("hey ada what time is it", "It is 3:20 PM."),
    ],
)
async def test_it_knows_the_time_and_the_day(heard: str, answer: str) -> None:
    assert (await ask(heard, ())).text == answer


@pytest.mark.parametrize(
    ("heard", "answer"),
    [
        ("say after me the quick brown fox", "The quick brown fox."),
        ("Say, after me, the quick brown fox.", "The quick brown fox."),
        ("please repeat after me: I like it!", "I like it."),
        ("say after me turn on the light", "Turn on the light."),
        ("say hello", "Hello."),
        ("could you say the word banana", "Banana."),
        ("spell necessary", "Necessary is spelled N, E, C, E, S, S, A, R, Y."),
        ("How do you spell rhythm?", "Rhythm is spelled R, H, Y, T, H, M."),
        ("spell weather", "Weather is spelled W, E, A, T, H, E, R."),
        ("repeat that", "I have not said anything yet."),
    ],
)
async def test_it_repeats_and_spells_whatever_the_words_would_mean_otherwise(heard: str, answer: str) -> None:
    reply = await ask(heard)
    assert (reply.text, reply.calls) == (answer, [])


@pytest.mark.parametrize("heard", ["repeat that", "Say that again, please.", "what did you say", "pardon",
"I didn't hear you.", "again"])  # fmt: skip
async def test_it_repeats_its_last_words_when_asked(heard: str) -> None:
    assert (await talk("what time is it", heard)).text == "It is 3:20 PM."


async def test_it_counts_in_sentences_of_ten() -> None:
    reply = await ask("count to twenty")
    assert reply.text.startswith("One, two, three")
    assert reply.text.endswith("nineteen, twenty.")
    assert len(reply.deltas) == 2
    assert (await ask("count from 8 to 11")).text == "Eight, nine, ten, eleven."
    assert (await ask("count down from three")).text == "Three, two, one, zero."
    assert (await ask("Count of twenty.")).text == reply.text
    assert "200 numbers at most" in (await ask("count to nine hundred")).text
    assert "between zero and" in (await ask("count to one million")).text


async def test_a_story_is_long_and_comes_sentence_by_sentence() -> None:
    reply = await ask("tell me a story")
    assert len(reply.text) > 400
    assert len(reply.deltas) > 5
    assert all(delta.rstrip().endswith((".", "?", "!")) for delta in reply.deltas)


async def test_the_next_story_is_another_one() -> None:
    assert (await talk("tell me a story", "tell me another story")).text != (await talk("tell me a story")).text
    assert (await talk("tell me a joke", "tell me a joke")).text != (await talk("tell me a joke")).text


async def test_say_written_by_hand_is_obeyed_too() -> None:
    assert (await reply_to(BrainRequest("Say word for word: Good evening.", []))).text == "Good evening."


async def test_a_person_who_has_been_silent_for_long_is_asked_whether_they_are_still_there() -> None:
    silence = [Message("system", IDLE_HINT), Message("user", "")]
    begun = [Message("user", "what time is it"), Message("assistant", "It is noon.")]
    first = await reply_to(BrainRequest("You are Ada.", [*begun, *silence], (LIGHT,)))
    assert first.text == "Are you still there?"
    asked = [*begun, *silence, Message("assistant", first.text)]
    second = await reply_to(BrainRequest("You are Ada.", [*asked, *silence], (LIGHT,)))
    assert second.text == "I am still here. Just speak when you need me."
    back = [*asked, Message("user", "yes, hello")]
    assert (await reply_to(BrainRequest("You are Ada.", back, (LIGHT,)))).text not in (first.text, second.text)
    silent_again = [*back, Message("assistant", "Hello."), *silence]
    assert (await reply_to(BrainRequest("You are Ada.", silent_again, (LIGHT,)))).text == first.text


async def test_a_turn_without_words_that_no_silence_explains_was_not_caught() -> None:
    heard = [Message("system", IDLE_HINT), Message("user", ""), Message("assistant", "Are you still there?")]
    reply = await reply_to(BrainRequest("You are Ada.", [*heard, Message("user", "")]))
    assert reply.text == "Sorry, I did not catch that."


async def test_with_nothing_said_yet_it_greets() -> None:
    assert (await reply_to(BrainRequest("You are Ada.", []))).text == "Hello. I am Ada. How can I help you?"
    assert (await reply_to(BrainRequest("", []))).text == "Hello. How can I help you?"


async def test_nothing_understood_is_answered() -> None:
    assert (await ask("")).text == "Sorry, I did not catch that."
    assert (await ask(" ... ")).text == "Sorry, I did not catch that."


@pytest.mark.parametrize(
    ("instructions", "name"),
    [
        ("You are Ada, a helpful assistant.", "Ada"), ("Your name is Max.", "Max"), ("Call yourself Robin!", "Robin"),
        ("You're Mary Ann. Be kind.", "Mary Ann"), ("You are a helpful assistant.", ""), (
        "You are an English teacher", ""),
        ("You are Helpful.", ""), ("", ""), ("Speak briefly. You are called Otto", "Otto"),
    ],
)  # fmt: skip
def test_the_name_is_taken_from_the_instructions(instructions: str, name: str) -> None:
    assert agent_name(instructions) == name


async def test_a_system_message_counts_as_instructions() -> None:
    request = BrainRequest("", [Message("system", "Your name is Otto."), Message("user", "what is your name")])
    assert (await reply_to(request)).text == "My name is Otto."


async def test_usage_comes_last_and_grows_with_the_text() -> None:
    from realtime_agent.engine.brain import EmbeddedBrain

    brain = EmbeddedBrain(now=lambda: NOW)
    events = [event async for event in brain.reply(BrainRequest("", [Message("user", "tell me a story")]))]
    text = "".join(event.text for event in events if isinstance(event, TextDelta))
    usage = events[-1]
    assert isinstance(usage, BrainUsage)
    assert usage.output_tokens == count_tokens(text)
    assert 0 < usage.input_tokens < usage.output_tokens


def test_tokens_are_about_as_many_as_words() -> None:
    assert count_tokens("") == 0
    assert count_tokens("Hello there.") == 3
    assert count_tokens("internationalization") == 4


async def test_greeting_words_before_a_request_are_stepped_over() -> None:
    reply: Reply = await ask("Hello Ada, can you turn off the bedroom light?")
    assert reply.calls == [("set_light", {"room": "bedroom", "on": False})]
