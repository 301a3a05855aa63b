"""The desk's section for health."""

from pages.shared.services import Services


def show(shared: Services) -> None:
    """Draws the section."""
