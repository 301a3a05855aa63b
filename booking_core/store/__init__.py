"""The database: connection, schema, reference data, documents. All else in the core calls this.

``database`` connects and translates driver errors, ``schema`` owns indexes and validators,
``documents`` turns values into documents and back, ``reference`` holds grounds, timetables and
students, ``ledger`` reads and writes bookings.
"""
