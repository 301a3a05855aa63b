"""Usage figures, the audit of every change, and exports."""
