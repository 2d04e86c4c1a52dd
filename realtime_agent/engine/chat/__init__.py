"""A brain behind any OpenAI-compatible `/chat/completions`: `ChatBrain` in `brain.py`."""
