"""Grounds, timetables, students and the booking policy of a school."""
