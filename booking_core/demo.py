"""The demo school: the public names."""

from booking_core.operations.demo import load_demo
from booking_core.operations.demo_school import DEMO_ACCOUNTS

__all__ = [
    "DEMO_ACCOUNTS",
    "load_demo",
]
