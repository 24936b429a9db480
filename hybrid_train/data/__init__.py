"""Data sets: where they come from, and how far their rows lie apart."""

from hybrid_train.data.breast_cancer import breast_cancer
from hybrid_train.data.dataset import Dataset
from hybrid_train.data.digits import digits
from hybrid_train.data.file import from_file
from hybrid_train.data.separability import Separation, separation
from hybrid_train.data.sphere import sphere

__all__ = ["Dataset", "Separation", "breast_cancer", "digits", "from_file", "separation", "sphere"]
