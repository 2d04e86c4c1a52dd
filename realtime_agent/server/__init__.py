"""The server end of the Realtime protocol.

Pure machines, one a file, without asyncio and clock:

| file             | decides                                                                     |
|------------------|-----------------------------------------------------------------------------|
| session.py       | what happens with each client event and each answer of the engine           |
| configuration.py | the session's configuration: defaults, merging, refusals (readers.py)       |
| input_buffer.py  | audio that is not committed yet, on a time line of samples                  |
| vad_turns.py     | where turns begin, pause and end (turn_end.py: whether words sound finished)|
| idle.py          | when silence has lasted too long                                            |
| hearing.py       | partial and final transcripts                                               |
| listening.py     | joins these: audio in, turns and commits out                                |
| conversation.py  | the items, in order; truncation (items.py reads a client's items)           |
| responses.py     | who may speak, and how each response ends                                   |
| output.py        | what one response puts out, in order                                        |
| requests.py      | a client's items and responses                                              |

and their asyncio shell: runner.py, with transcriber.py around the ear and speaking.py around brain and voice. Audio
formats, limits and costs of what is heard are measured in samples; the time on the wall decides only about idleness.
"""
