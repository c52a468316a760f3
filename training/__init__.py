"""From judgments to a better model: examples, splits, objectives, jobs, versions, the gate."""
