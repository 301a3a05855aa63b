"""The MongoDB server that the application starts for itself."""
