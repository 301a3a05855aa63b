"""Ratios that must hold, each measured beside its own yardstick in one run: ``make bench``."""
