"""The papers' predictions as functions, each named for what it gives."""
