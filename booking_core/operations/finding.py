"""The result of one examination of the installation."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one examination. ``remedy`` is empty where nothing is wrong.

    ``missing``: the thing to examine does not exist, which is no fault.
    """

    name: str
    detail: str
    remedy: str = ""
    missing: bool = False

    @property
    def ok(self) -> bool:
        return not self.remedy
