"""What the arithmetic oracle costs a fault-tolerant machine: in closed form at any size, and counted from circuits."""

from circuits.arithmetic.fixed_point import Variant
from circuits.resources.counting import count_circuit
from circuits.resources.oracle import OracleResources, estimate
from circuits.resources.pairs import PairResources, pair_resources
from circuits.resources.physical import MODELS, PhysicalCost, logical_counts, physical_cost
from circuits.resources.search import SearchResources, crossovers, search_resources

__all__ = [
    "MODELS",
    "OracleResources",
    "PairResources",
    "PhysicalCost",
    "SearchResources",
    "Variant",
    "count_circuit",
    "crossovers",
    "estimate",
    "logical_counts",
    "pair_resources",
    "physical_cost",
    "search_resources",
]
