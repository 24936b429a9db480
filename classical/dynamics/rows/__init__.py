"""Row lists evaluated from the vectors: for many examples that resemble each other."""
