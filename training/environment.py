"""The settings as the variables a job's process reads them from."""

from pathlib import Path

from pydantic import SecretStr

from data.settings import Settings

THREADS = {"OMP_WAIT_POLICY": "passive"}
"""Threads that wait for each other asleep rather than spinning: beside the app on the same cores, the same work takes
half the processor time (measured with 2 threads on 2 busy cores)."""


def variables(settings: Settings, *, secrets: bool) -> dict[str, str]:
    """WHYRANK_* variables with absolute paths; `secrets`: keys and passwords are among them."""
    values = settings.model_dump(exclude_none=True)
    values["home"] = settings.home.resolve()
    if Path(settings.model).is_dir():
        values["model"] = Path(settings.model).resolve()
    hidden = {name for name, value in values.items() if isinstance(value, SecretStr)}
    shown = {name: str(value) for name, value in values.items() if name not in hidden}
    if secrets:
        shown.update({name: values[name].get_secret_value() for name in hidden})
    return {f"WHYRANK_{name.upper()}": value for name, value in shown.items()}
