import pytest
from transformers import Qwen2Config

from training import memory

SMALL = Qwen2Config(hidden_size=896, intermediate_size=4864, num_hidden_layers=24)
PARAMETERS = 630_000_000
GIB = 2**30


def test_the_estimate_is_what_was_measured():
    assert memory.needed_bytes(SMALL, PARAMETERS, 938) == pytest.approx(7.6e9, rel=0.05)


def test_activations_are_kept_only_where_they_fit():
    assert not memory.is_tight(SMALL, PARAMETERS, 938, 12 * GIB)
    assert memory.is_tight(SMALL, PARAMETERS, 938, 4 * GIB)
    assert not memory.is_tight(SMALL, PARAMETERS, 938, None)


def test_the_system_says_what_is_free():
    free = memory.free_bytes()
    assert free is None or 0 < free < 2**50
