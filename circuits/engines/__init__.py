"""Engines: what carries the Grover runs out. Nothing is imported until an engine is asked for by name."""

ENGINES = {
    "aer": "circuits.engines.aer:AerEngine",
    "closed_form": "circuits.engines.closed_form:ClosedFormEngine",
}
"""The engines of this distribution: name -> "module:Class"."""
