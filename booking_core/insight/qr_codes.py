"""QR codes as paths of SVG. Pure."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import segno


@lru_cache(maxsize=32)
def qr_code(address: str) -> dict[str, Any]:
    """The QR code of ``address`` as an SVG ``path``, ``size`` modules wide.

    It is kept: the caller bounds the length of the address.
    """
    rows = [bytes(row) for row in segno.make(address, error="m", micro=False).matrix]
    path = "".join(_runs(y, row) for y, row in enumerate(rows))
    return {"size": len(rows), "path": path, "address": address}


def _runs(y: int, row: bytes) -> str:
    """The SVG path of the dark modules of row ``y``, adjacent ones as one rectangle."""
    found, x = "", 0
    while (x := row.find(1, x)) >= 0:
        end = row.find(0, x)
        width = (len(row) if end < 0 else end) - x
        found += f"M{x} {y}h{width}v1h-{width}z"
        x += width
    return found
