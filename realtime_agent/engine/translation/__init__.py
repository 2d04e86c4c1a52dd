"""Translators: a part that an engine may have besides ear, brain and voice."""
