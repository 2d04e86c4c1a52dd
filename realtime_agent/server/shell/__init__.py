"""The asyncio shell of a server-side session: `runner.py` performs what the core decides.

`transcriber.py` is around the ear, `speaking.py` around brain and voice, `interpreting.py` around translator and voice,
`judging.py` around the judge of turn ends; `inbox.py` holds what a client sent.
"""
