"""How far a long piece of work is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MigrationProgress:
    """A migration has ``done`` so many of ``total`` bookings in one of its ``steps``."""

    step: int
    steps: int
    done: int
    total: int
