"""Whole databases as files, and the record of when one was written."""
