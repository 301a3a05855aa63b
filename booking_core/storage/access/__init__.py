"""Accounts, sessions and delegations as they are stored."""
