"""Everything that speaks MongoDB. It stores and finds; it has no rules of its own."""
