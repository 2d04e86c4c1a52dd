"""A runtime for realtime voice agents."""
