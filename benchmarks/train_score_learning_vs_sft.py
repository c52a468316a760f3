"""Pairs per minute of score-learning against TRL's SFTTrainer as one would call it: the same pairs in the same steps.

Both train a LoRA adapter of the same rank on the same base in float32, eight documents of a query a step; TRL is given
each pair as a conversational prompt and completion. The first step of each, which allocates, does not count. Which
grade a pair has makes no difference to the time: the best hit gets the highest, the others the lowest.
"""

import statistics
import tempfile
import time
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
from trl import SFTConfig, SFTTrainer

from benchmarks import claims
from benchmarks.figure import Figure, give
from data.records import AssessorKind
from data.scales import TREC_DL
from data.settings import Settings
from engine import models
from engine.lm.tokens import Tokens
from engine.retrieval import memory
from training.examples import Example, example
from training.objectives import packed, score_learning
from training.recipes import StageSetup, TrainConfig
from training.rows import Row
from training.stopping import never
from training.wording import Wording

STEPS = 3
PAIRS = 8
"""Documents a step, all of one query."""
AT_ONCE = 4
"""Of these in one forward pass of TRL's: eight took more than 24 GB, gradients are added up."""
LORA_RANK = 16


def main() -> None:
    """Measure and print."""
    settings = Settings()
    base = models.resolve(settings.model, settings.models_path)
    threads = settings.threads or 2
    torch.set_num_threads(threads)
    name, examples = pairs(base, settings.document_tokens)
    ours = seconds_per_step(score_learning_steps(base, examples))
    theirs = seconds_per_step(sft_steps(base, examples))
    give(
        Figure(
            name="train_score_learning_vs_sft",
            figure=60 * PAIRS / ours,
            unit="pairs per minute",
            ratio=theirs / ours,
            goal="ratio >= 1.5",
            note=f"{name}, {PAIRS} documents of a query a step, median of {STEPS} steps, LoRA rank {LORA_RANK}, "
            f"{threads} threads, float32; TRL's SFTTrainer {60 * PAIRS / theirs:.1f} pairs per minute",
        )
    )


def pairs(base: Path, document_tokens: int) -> tuple[str, list[Example]]:
    """The collection's name, and each step's documents one after the other."""
    collection = claims.load()
    clip = Tokens(AutoTokenizer.from_pretrained(base)).clip
    folder = Path(tempfile.mkdtemp())
    memory.build(collection.documents, folder)
    search = memory.Bm25sRetriever(folder)
    by_id = {document.doc_id: document for document in collection.documents}
    wording = Wording(scale=TREC_DL, guidelines="")
    found = []
    for query in collection.queries[: STEPS + 1]:
        for rank, hit in enumerate(search.search(query.text, PAIRS), start=1):
            document = by_id[hit.doc_id]
            row = Row(
                query_id=query.query_id,
                doc_id=hit.doc_id,
                grade=TREC_DL.highest if rank == 1 else 0,
                explanation=None,
                source=AssessorKind.HUMAN,
                explanation_source=None,
                assessor_id="benchmark",
            )
            text = clip(document.text, document_tokens).text
            found.append(
                example(row, query=query.text, title=document.title, text=text, wording=wording, form="verdict-first")
            )
    return collection.name, found


def score_learning_steps(base: Path, examples: Sequence[Example]) -> list[float]:
    """When each step ended, in seconds."""
    folder = Path(tempfile.mkdtemp())
    ends: list[float] = []

    def on_metrics(step: int, of: int, figures: Mapping[str, float]) -> None:
        ends.append(time.perf_counter())

    score_learning.train(
        examples,
        StageSetup(base=base, parent=None, checkpoints=folder / "checkpoints", out=folder / "adapter", device="cpu"),
        TrainConfig(recipe="correct", epochs=1, batch_size=PAIRS, lora_rank=LORA_RANK, explanation_weight=0),
        on_metrics=on_metrics,
        should_stop=never,
    )
    return ends


def sft_steps(base: Path, examples: Sequence[Example]) -> list[float]:
    """When each step ended, in seconds."""
    ends: list[float] = []

    class Clock(TrainerCallback):
        def on_step_end(self, *_: Any, **__: Any) -> None:
            ends.append(time.perf_counter())

    rows = [
        {
            "prompt": [{"role": m.role, "content": m.content} for m in one.messages[:-1]],
            "completion": [{"role": "assistant", "content": one.messages[-1].content + one.completion}],
        }
        for one in examples
    ]
    with warnings.catch_warnings():
        # PEFT and TRL read a name that transformers 5 renamed.
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
        trainer = SFTTrainer(
            model=AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32),
            processing_class=AutoTokenizer.from_pretrained(base),
            train_dataset=Dataset.from_list(rows),
            callbacks=[Clock()],
            peft_config=packed.lora(TrainConfig(lora_rank=LORA_RANK)),
            args=SFTConfig(
                output_dir=tempfile.mkdtemp(),
                num_train_epochs=1,
                per_device_train_batch_size=AT_ONCE,
                gradient_accumulation_steps=PAIRS // AT_ONCE,
                max_length=None,
                completion_only_loss=True,
                use_cpu=True,
                bf16=False,
                gradient_checkpointing=None,  # TRL sets this deprecated name to True
                activation_checkpointing=False,
                save_strategy="no",
                report_to="none",
                disable_tqdm=True,
                logging_strategy="no",
            ),
        )
        trainer.train()
    return ends


def seconds_per_step(ends: Sequence[float]) -> float:
    """Median time between the ends of steps."""
    return statistics.median(later - earlier for earlier, later in zip(ends, ends[1:], strict=False))


if __name__ == "__main__":
    main()
