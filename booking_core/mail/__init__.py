"""Mail: what it says, when it is due, and the server that takes it."""
