"""The stemmer Lucene's English analysis uses: M. F. Porter, "An algorithm for suffix stripping", Program 14(3), 1980,
with the two changes its author made later (`-bli` for `-abli`, and `-logi`). Other Porter stemmers leave those out,
or treat letters beyond a-z in another way; equal stems are what makes both backends find the same documents.
"""

_STEP_2 = {
    "a": (("ational", "ate"), ("tional", "tion")),
    "c": (("enci", "ence"), ("anci", "ance")),
    "e": (("izer", "ize"),),
    "l": (("bli", "ble"), ("alli", "al"), ("entli", "ent"), ("eli", "e"), ("ousli", "ous")),
    "o": (("ization", "ize"), ("ation", "ate"), ("ator", "ate")),
    "s": (("alism", "al"), ("iveness", "ive"), ("fulness", "ful"), ("ousness", "ous")),
    "t": (("aliti", "al"), ("iviti", "ive"), ("biliti", "ble")),
    "g": (("logi", "log"),),
}
"""By the last letter but one."""
_STEP_3 = {
    "e": (("icate", "ic"), ("ative", ""), ("alize", "al")),
    "i": (("iciti", "ic"),),
    "l": (("ical", "ic"), ("ful", "")),
    "s": (("ness", ""),),
}
"""By the last letter."""
_STEP_4 = {
    "a": ("al",),
    "c": ("ance", "ence"),
    "e": ("er",),
    "i": ("ic",),
    "l": ("able", "ible"),
    "n": ("ant", "ement", "ment", "ent"),
    "o": ("ion", "ou"),
    "s": ("ism",),
    "t": ("ate", "iti"),
    "u": ("ous",),
    "v": ("ive",),
    "z": ("ize",),
}
"""By the last letter but one."""


def stem(word: str) -> str:
    """The stem of a lower-case word; words of one or two letters stay as they are."""
    if len(word) <= 2:
        return word
    word = _step_1b(_step_1a(word))
    if word.endswith("y") and _has_vowel(word[:-1]):
        word = word[:-1] + "i"
    word = _replace(word, _STEP_2.get(word[-2:-1], ()))
    word = _replace(word, _STEP_3.get(word[-1:], ()))
    return _step_5(_step_4(word))


def _consonants(word: str) -> list[bool]:
    """Per letter: is it a consonant? A `y` is one at the start and after a vowel."""
    flags: list[bool] = []
    for letter in word:
        flags.append(not (flags and flags[-1]) if letter == "y" else letter not in "aeiou")
    return flags


def _measure(word: str) -> int:
    """Porter's m: how often a vowel is followed by a consonant."""
    flags = _consonants(word)
    return sum(1 for before, after in zip(flags, flags[1:], strict=False) if after and not before)


def _has_vowel(word: str) -> bool:
    return not all(_consonants(word))


def _ends_double(word: str) -> bool:
    return len(word) > 1 and word[-1] == word[-2] and _consonants(word)[-1]


def _ends_short(word: str) -> bool:
    """Consonant, vowel, consonant other than w, x, y: Porter's *o, where an `e` was lost (hop-ing, hope)."""
    return len(word) > 2 and _consonants(word)[-3:] == [True, False, True] and word[-1] not in "wxy"


def _step_1a(word: str) -> str:
    if word.endswith("sses"):
        return word[:-2]
    if word.endswith("ies"):
        return word[:-2]
    return word[:-1] if word.endswith("s") and word[-2] != "s" else word


def _step_1b(word: str) -> str:
    if word.endswith("eed"):
        return word[:-1] if _measure(word[:-3]) > 0 else word
    ending = next((ending for ending in ("ed", "ing") if word.endswith(ending)), None)
    if ending is None or not _has_vowel(word[: -len(ending)]):
        return word
    word = word[: -len(ending)]
    if word.endswith(("at", "bl", "iz")):
        return word + "e"
    if _ends_double(word):
        return word if word[-1] in "lsz" else word[:-1]
    return word + "e" if _measure(word) == 1 and _ends_short(word) else word


def _replace(word: str, rules: tuple[tuple[str, str], ...]) -> str:
    for ending, replacement in rules:
        if word.endswith(ending):
            kept = word[: -len(ending)]
            return kept + replacement if _measure(kept) > 0 else word
    return word


def _step_4(word: str) -> str:
    for ending in _STEP_4.get(word[-2:-1], ()):
        kept = word[: -len(ending)]
        if word.endswith(ending) and (ending != "ion" or kept.endswith(("s", "t"))):
            return kept if _measure(kept) > 1 else word
    return word


def _step_5(word: str) -> str:
    measure = _measure(word)
    if word.endswith("e") and (measure > 1 or (measure == 1 and not _ends_short(word[:-1]))):
        word = word[:-1]
    if word.endswith("l") and measure > 1 and _ends_double(word):
        word = word[:-1]
    return word
