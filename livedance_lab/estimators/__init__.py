"""Estimators: images in, landmarks out. Importing this package loads no model runtime."""

from livedance_lab.estimators.base import Estimate, Estimator, HandEstimate, factory, register

__all__ = ["Estimate", "Estimator", "HandEstimate", "factory", "register"]
