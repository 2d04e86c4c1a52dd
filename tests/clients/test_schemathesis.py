"""Schemathesis: whatever the OpenAPI document allows, and much that it forbids, is answered as the document says."""

from __future__ import annotations

import asyncio

from tests.clients.environments import environment
from tests.clients.served import ServerProcess

_KEY = "a-key-for-schemathesis"
_DEADLINE_S = 200.0


async def test_the_openapi_document_is_true_and_nothing_that_is_sent_breaks_the_server() -> None:
    home = await asyncio.to_thread(environment, "schemathesis")
    with ServerProcess("--api-key", _KEY) as server:
        program = await asyncio.create_subprocess_exec(
            str(home / "bin" / "schemathesis"), "run", f"http://127.0.0.1:{server.port}/openapi.json",
            "--header", f"Authorization: Bearer {_KEY}", "--max-examples", "40", "--no-color",
            "--generation-deterministic",
            # An engine takes less than the protocol allows (languages, voices), and the schema is the protocol's.
            "--exclude-checks", "positive_data_acceptance",
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, cwd=home,
        )  # fmt: skip
        async with asyncio.timeout(_DEADLINE_S):
            printed, _ = await program.communicate()
    assert program.returncode == 0, printed.decode()[-4000:]
