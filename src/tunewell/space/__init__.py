"""What may be tuned: parameters with their scales, tiers and conditions, and the space they span."""
