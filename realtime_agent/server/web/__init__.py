"""The server on the network: `app.py` is the ASGI application, `listener.py` the socket it listens on.

Who may come in is decided before anything of a session exists: `door.py`, with `keys.py`, `origins.py`, `limits.py`.
"""
