"""What a running vLLM says of itself (`/metrics`, in Prometheus' text form)."""

import re
from dataclasses import dataclass

_LINE = re.compile(r"(vllm:\w+)(?:\{.*\})? (\S+)(?: \d+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Counts since the start, but for what is running and waiting now."""

    running: int
    waiting: int
    prompt_tokens: int
    generated_tokens: int
    cache_hit_rate: float | None
    """Share of prompt tokens found in the prefix cache, 0 to 1; None: none was looked for yet."""
    cache_used: float
    """Share of the memory for keys and values in use, 0 to 1."""


def read(text: str) -> Figures | None:
    """The figures in a text, summed over engines; None where it is not vLLM's."""
    sums: dict[str, float] = {}
    for line in text.splitlines():
        if match := _LINE.fullmatch(line):
            try:
                sums[match[1]] = sums.get(match[1], 0.0) + float(match[2])
            except ValueError:
                continue
    if "vllm:num_requests_running" not in sums:
        return None
    asked = sums.get("vllm:prefix_cache_queries_total", 0.0)
    return Figures(
        running=int(sums["vllm:num_requests_running"]),
        waiting=int(sums.get("vllm:num_requests_waiting", 0)),
        prompt_tokens=int(sums.get("vllm:prompt_tokens_total", 0)),
        generated_tokens=int(sums.get("vllm:generation_tokens_total", 0)),
        cache_hit_rate=sums.get("vllm:prefix_cache_hits_total", 0.0) / asked if asked else None,
        cache_used=sums.get("vllm:kv_cache_usage_perc", 0.0),
    )
