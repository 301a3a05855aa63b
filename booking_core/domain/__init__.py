"""Values, rules and errors of the domain. Pure: no I/O, no database."""
