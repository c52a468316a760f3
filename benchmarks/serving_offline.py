"""vLLM's own offline batch, run inside vLLM's environment: one token for each prompt, timed.

Called by `benchmarks.serving`: reads {"options", "prompts", "choices"} from the file it is given, prints seconds.
"""

import json
import sys
import time
from pathlib import Path


def main() -> None:
    """Measure and print."""
    from vllm import LLM, SamplingParams

    given = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    llm = LLM(**given["options"])
    sampling = SamplingParams(max_tokens=1, temperature=0.0, logprobs=20)
    prompts = [{"prompt_token_ids": ids} for ids in given["prompts"]]
    llm.generate(prompts[:1], sampling, use_tqdm=False)
    started = time.perf_counter()
    llm.generate(prompts[1:], sampling, use_tqdm=False)
    print(f"seconds {time.perf_counter() - started}")


if __name__ == "__main__":
    main()
