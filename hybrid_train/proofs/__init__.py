"""Proofs that answers are complete: how they are recorded, and the checker, which shares no code with the finders."""
