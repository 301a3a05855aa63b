"""Bookings and closures as they are stored."""
