"""Transcription sessions: what is said, written down; how early, and how sure (`delay`)."""
