"""The rules of an upload that an index of one's own may relax: then they warn where PyPI refuses."""

from __future__ import annotations

from headrace.index.model import Refusal

RELAXABLE = {
    "local-version": "a version with a local part",
    "classifier": "an unknown or deprecated classifier",
    "direct-dependency": "a dependency that is a URL",
    "description": "a description that does not render",
    "platform-tag": "a wheel for a platform that PyPI does not know",
    "release-closed": "a new file for a release that is older than two weeks",
    "file-size": "a file that is larger than the limit",
    "project-size": "files of a project that together are larger than the limit",
}


class Judge:
    """Refuses one upload, or remembers a warning where the rule is among `relaxed`."""

    def __init__(self, relaxed: frozenset[str] = frozenset()) -> None:
        self._relaxed = relaxed
        self.warnings: list[str] = []

    def refuse(self, rule: str, text: str, status: int = 400) -> None:
        """Raises Refusal, or returns where the rule only warns.

        >>> judge = Judge(frozenset({"local-version"}))
        >>> judge.refuse("local-version", "no local versions")
        >>> judge.warnings
        ['no local versions']
        """
        if rule not in self._relaxed:
            raise Refusal(rule, text, status)
        if text not in self.warnings:
            self.warnings.append(text)
