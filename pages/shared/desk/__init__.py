"""The sections of the admin's desk, a module each with a function ``show(shared)``."""
