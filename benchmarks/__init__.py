"""Measurements: each script prints figures and the ratios of what ran side by side in one go."""
