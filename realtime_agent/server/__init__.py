"""The server end of the Realtime protocol.

| folder   | what it holds                                                                                        |
|----------|------------------------------------------------------------------------------------------------------|
| core     | pure machines, the time an argument: what every client event and every answer of the engine leads to |
| shell    | asyncio around them: ear, brain and voice at work for one session                                    |
| web      | HTTP and WebSocket: the door, keys, limits, endpoints, the listener                                  |
| kinds.py | the kinds of session that a server can hold, and how each is made                                    |
"""
