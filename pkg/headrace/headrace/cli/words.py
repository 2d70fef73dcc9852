"""The words of a call as they may be kept: secret values taken out."""

from __future__ import annotations

from collections.abc import Sequence


def without_secrets(arguments: Sequence[str]) -> list[str]:
    """The same call, with secrets taken from the environment: this list may be shown and stored.

    >>> without_secrets(["run", "--secret", "A=1", "--secret=B=2", "--secret", "C", "--var", "D=4"])
    ['run', '--secret', 'A', '--secret=B', '--secret', 'C', '--var', 'D=4']
    """
    words: list[str] = []
    for word in arguments:
        if words and words[-1] == "--secret":
            word = word.partition("=")[0]
        elif word.startswith("--secret="):
            word = "=".join(word.split("=")[:2])
        words.append(word)
    return words
