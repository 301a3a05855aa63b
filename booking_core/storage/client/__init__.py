"""The connection to MongoDB: its handle, deadlines, transactions and errors."""
