"""Data sets and distributions: where they come from, and how far their rows lie apart."""

from hybrid_train.data.breast_cancer import breast_cancer
from hybrid_train.data.dataset import Dataset
from hybrid_train.data.digits import digits
from hybrid_train.data.distribution import Distribution, input_bound, make_inputs
from hybrid_train.data.even_polynomial import EvenPolynomial, EvenPolynomials
from hybrid_train.data.examples import Examples, Prepared, Wishes, prepared
from hybrid_train.data.file import from_file, read_examples, read_rows
from hybrid_train.data.preparation import Preparation
from hybrid_train.data.scikit_tables import scikit_table
from hybrid_train.data.separability import Separation, separation
from hybrid_train.data.sphere import sphere
from hybrid_train.data.two_spirals import two_spirals

__all__ = [
    "Dataset",
    "Distribution",
    "EvenPolynomial",
    "EvenPolynomials",
    "Examples",
    "Preparation",
    "Prepared",
    "Separation",
    "Wishes",
    "breast_cancer",
    "digits",
    "from_file",
    "input_bound",
    "make_inputs",
    "prepared",
    "read_examples",
    "read_rows",
    "scikit_table",
    "separation",
    "sphere",
    "two_spirals",
]
