"""Every rule, in the order of its subject; two rules may be about one definition, both hold."""

from __future__ import annotations

from knarr.api.kind import Rules

RULES: tuple[Rules, ...] = ()
