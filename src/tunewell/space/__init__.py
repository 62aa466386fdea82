"""The space of what may be tuned: parameters with their scales, tiers and conditions, and what they span together."""

from tunewell.space.params import Choice, Float, Int, Param
from tunewell.space.space import Space
from tunewell.space.values import Params, Value

__all__ = ["Choice", "Float", "Int", "Param", "Params", "Space", "Value"]
