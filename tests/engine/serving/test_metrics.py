"""Figures of a running vLLM, from its own text."""

from engine.serving import metrics

TEXT = """
# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="m"} 3.0
vllm:num_requests_running{engine="1",model_name="m"} 2.0
vllm:num_requests_waiting{engine="0",model_name="m"} 4.0
vllm:num_requests_waiting_by_reason{engine="0",model_name="m",reason="capacity"} 4.0
vllm:kv_cache_usage_perc{engine="0",model_name="m"} 0.25
vllm:prefix_cache_queries_total{engine="0",model_name="m"} 200.0
vllm:prefix_cache_queries_created{engine="0",model_name="m"} 1.7952915127875767e+09
vllm:prefix_cache_hits_total{engine="0",model_name="m"} 150.0
vllm:prompt_tokens_total{engine="0",model_name="a{b} c"} 200.0
vllm:generation_tokens_total{engine="0",model_name="m"} 1.2e+02
broken {line} here
vllm:prompt_tokens_total{engine="0"} not-a-number
"""


def test_engines_are_summed_and_rates_made():
    found = metrics.read(TEXT)
    assert (found.running, found.waiting) == (5, 4)
    assert (found.prompt_tokens, found.generated_tokens) == (200, 120)
    assert (found.cache_hit_rate, found.cache_used) == (0.75, 0.25)


def test_nothing_asked_yet_has_no_rate():
    assert metrics.read("vllm:num_requests_running 0.0\n").cache_hit_rate is None


def test_another_servers_text_is_none():
    assert metrics.read("<html>vllm:num_requests_running</html>") is None
    assert metrics.read("") is None
