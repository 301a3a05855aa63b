"""Collections, indexes and validators, and the migrations to them."""
