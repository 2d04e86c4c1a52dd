"""The sessions of a server as pure machines, without asyncio and clock; one subject a file.

| file             | decides                                                                      |
|------------------|------------------------------------------------------------------------------|
| session.py       | what happens with each client event and each answer of the engine            |
| configuration.py | the session's configuration: defaults, merging, refusals (readers.py)        |
| input_buffer.py  | audio that is not committed yet, on a time line of samples                   |
| vad_turns.py     | where turns begin, pause and end (turn_end.py: how finished they sounded)    |
| idle.py          | when silence has lasted too long                                             |
| hearing.py       | partial and final transcripts (partial_pace.py: how often)                   |
| listening.py     | joins these: audio in, turns and commits out                                 |
| conversation.py  | the items, in order; truncation (items.py reads a client's items)            |
| responses.py     | who may speak, and how each response ends                                    |
| output.py        | what one response puts out, in order                                         |
| requests.py      | a client's items and responses                                               |
| context.py       | what the brain is told (truncation.py: how much of a long conversation)      |
| transcription/   | the session that only writes down                                            |
| translation/     | the session that says it in another language                                 |

Audio formats, limits and costs of what is heard are measured in samples; the time on the wall decides only about
idleness.
"""
