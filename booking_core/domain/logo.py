"""The school's logo."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Logo:
    """A PNG, its size in pixels, and ``digest``, which differs for another content."""

    png: bytes = field(repr=False)
    width: int
    height: int
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", hashlib.sha256(self.png).hexdigest()[:32])
