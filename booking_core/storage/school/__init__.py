"""Grounds, timetables, students and settings as they are stored."""
