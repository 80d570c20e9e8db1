"""Requests without credentials: whether they are somebody's (KEP-4633)."""

from __future__ import annotations

from knarr.apiserver.configfiles import ConfigFile


class Condition(ConfigFile, frozen=True, kw_only=True):
    """A path that anonymous requests are for."""

    path: str = ""


class Anonymous(ConfigFile, frozen=True, kw_only=True):
    """Whether requests without credentials are somebody's; with conditions, those alone that meet one."""

    enabled: bool = False
    conditions: tuple[Condition, ...] = ()

    def lets_in(self, path: str) -> bool:
        """Whether a request for this path may be nobody's."""
        return self.enabled and (not self.conditions or any(condition.path == path for condition in self.conditions))


ANYBODY = Anonymous(enabled=True)
