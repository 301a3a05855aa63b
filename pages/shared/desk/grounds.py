"""The desk's section for grounds."""

from pages.shared.services import Services


def show(shared: Services) -> None:
    """Draws the section."""
