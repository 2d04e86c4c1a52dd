"""Names of languages: ISO 639-3 codes, as Apertium has them, and English names, by their ISO 639-1 codes. Pure data."""

from __future__ import annotations

_THREE_LETTERS = {
    "afr": "af", "arg": "an", "ast": "ast", "bel": "be", "bul": "bg", "cat": "ca", "ces": "cs", "cym": "cy",
    "dan": "da", "deu": "de", "eng": "en", "epo": "eo", "eus": "eu", "fin": "fi", "fra": "fr", "gle": "ga",
    "glg": "gl", "hbs": "sh", "hin": "hi", "ind": "id", "isl": "is", "ita": "it", "kaz": "kk", "mkd": "mk",
    "mlt": "mt", "nld": "nl", "nno": "nn", "nob": "nb", "oci": "oc", "pol": "pl", "por": "pt", "ron": "ro",
    "rus": "ru", "sme": "se", "slv": "sl", "spa": "es", "srd": "sc", "swe": "sv", "tat": "tt", "tur": "tr",
    "ukr": "uk", "urd": "ur",
}  # fmt: skip
_NAMES = {
    "ca": "Catalan", "de": "German", "en": "English", "eo": "Esperanto", "es": "Spanish", "fr": "French",
    "it": "Italian", "ja": "Japanese", "nl": "Dutch", "pl": "Polish", "pt": "Portuguese", "ru": "Russian",
    "uk": "Ukrainian", "zh": "Chinese",
}  # fmt: skip


def short_code(code: str) -> str:
    """The language of a code in any of its usual forms: `spa`, `es-ES` and `ES` are `es`."""
    language = code.strip().lower().replace("_", "-").split("-")[0]
    return _THREE_LETTERS.get(language, language)


def language_name(code: str) -> str:
    """What English calls it; the code itself where we do not know."""
    return _NAMES.get(short_code(code), code)
