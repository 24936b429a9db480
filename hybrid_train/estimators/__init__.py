"""Estimators for scikit-learn: two-layer networks that touch only the neurons that fire."""

from hybrid_train.estimators.classifier import SparseTwoLayerClassifier
from hybrid_train.estimators.regressor import SparseTwoLayerRegressor

__all__ = ["SparseTwoLayerClassifier", "SparseTwoLayerRegressor"]
