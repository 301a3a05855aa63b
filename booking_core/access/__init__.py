"""Accounts, sessions, sign-in and delegated decisions."""
