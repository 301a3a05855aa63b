"""The sections of the Admin screen: one module each, with a function ``show(shared)``."""
