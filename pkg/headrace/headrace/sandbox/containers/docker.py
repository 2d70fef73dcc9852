"""docker: a daemon, most often root's, that everybody of a group may ask for everything."""

from __future__ import annotations

from headrace.sandbox.containers.commands import Commands


class Docker(Commands):
    def pull(self, image: str, config: str = "") -> list[str]:
        words = self._words("pull", image)
        return [words[0], "--config", config, *words[1:]] if config else words
