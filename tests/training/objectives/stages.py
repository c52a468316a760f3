"""Running a stage in a folder, and what it reports."""

from training.recipes import StageSetup, TrainConfig


def setup_in(folder, base, parent=None, free_bytes=None):
    """Where a stage reads and writes."""
    return StageSetup(
        base=base,
        parent=parent,
        checkpoints=folder / "checkpoints",
        out=folder / "adapter",
        device="cpu",
        free_bytes=free_bytes,
    )


class Curve:
    """Records the steps, and asks to stop after some."""

    def __init__(self, stop_after=None):
        self.points = []
        self.stop_after = stop_after

    def on_metrics(self, step, of, figures):
        assert step <= of
        self.points.append((step, figures))

    def should_stop(self):
        return self.stop_after is not None and len(self.points) + 1 >= self.stop_after

    def of(self, name):
        """One figure over the steps."""
        return [figures[name] for _, figures in self.points if name in figures]


def run(objective, folder, base, given, config=None, curve=None, parent=None):
    """Train with an objective's module."""
    curve = curve or Curve()
    config = config or TrainConfig(epochs=3, learning_rate=1e-2)
    setup = setup_in(folder, base, parent)
    return objective.train(given, setup, config, on_metrics=curve.on_metrics, should_stop=curve.should_stop)
