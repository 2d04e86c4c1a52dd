"""Stock OpenAI clients, unmodified, against `realtime-agent serve`."""

import pytest

pytest.register_assert_rewrite("tests.clients.expectations", "tests.clients.wire_tap")
