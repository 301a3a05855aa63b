"""Booking slots, deciding on requests, closing grounds, boards and lists."""
