"""Options of the objectives: what each can be told beside the options every training has."""

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Options(BaseModel):
    """What a person can tell: unknown names are refused, and nothing changes once it is said."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ScoreLearning(Options):
    """Options of the objective `score-learning`."""

    share_weight: float = Field(
        default=1.0,
        ge=0,
        le=100,
        description="Weight of the cross-entropy of the expected grade, as a share of the best one. "
        "Source: mxbai-rerank-v2 / ProRank stage 2, arXiv 2506.03487.",
    )
    pairwise_weight: float = Field(
        default=1.0,
        ge=0,
        le=100,
        description="Weight of RankNet over a query's pairs. Source: DeAR stage 1, arXiv 2508.16998.",
    )
    grade_weight: float = Field(
        default=0.25,
        ge=0,
        le=100,
        description="Weight of the cross-entropy of the grade itself, which makes the likeliest grade the right one.",
    )
    margin_weight: float = Field(
        default=0.0,
        ge=0,
        le=100,
        description="Weight of Margin-MSE: the squared error of differences between expected grades. "
        "Source: arXiv 2010.02666.",
    )
    group_size: int = Field(default=8, ge=1, le=64, description="Most documents of a query compared in one step.")


class RewardWeighted(Options):
    """Options of the objective `reward-weighted-sft`."""

    answers: int = Field(
        default=8, ge=1, le=64, description="Answers sampled for each pair. Source: InteRank, arXiv 2504.03947: 8."
    )
    temperature: float = Field(
        default=1.0, gt=0, le=2, description="Of the sampling; 0 would always give the same answer. Source: InteRank."
    )
    max_tokens: int = Field(
        default=112,
        ge=8,
        le=1024,
        description="Most tokens of a sampled answer; one that is cut off there counts as unreadable.",
    )
    keep_from: float = Field(
        default=0.85,
        ge=0,
        le=1,
        description="Least reward of an answer that is learnt, after a pair's rewards are stretched to 0 to 1. "
        "Source: InteRank.",
    )
    easy_weight: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="Weight of a pair whose grade all samples got right, where one that all got wrong has 1; 0 leaves "
        "such pairs out, as InteRank does.",
    )
    grade_weight: float = Field(default=1.0, ge=0, le=100, description="Weight of the grade in an answer's reward.")
    evidence_weight: float = Field(
        default=0.5, ge=0, le=100, description="Weight of the quotes found in the document in an answer's reward."
    )
    length_weight: float = Field(
        default=0.25, ge=0, le=100, description="Weight of the explanation's length in an answer's reward."
    )
    explanation_words: int = Field(
        default=60, ge=5, le=500, description="Most words of an explanation that is not too long."
    )

    @model_validator(mode="after")
    def _something_counts(self) -> "RewardWeighted":
        if self.grade_weight + self.evidence_weight + self.length_weight == 0:
            raise ValueError("All weights of the reward are 0; give one of them at least.")
        return self


class Warmup(Options):
    """Options of the objective `grpo-warmup`."""

    steps: int = Field(default=50, ge=1, le=100_000, description="Optimizer steps.")
    prompts_per_step: int = Field(default=4, ge=1, le=256, description="Pairs per optimizer step.")
    generations: int = Field(
        default=8,
        ge=2,
        le=64,
        description="Answers sampled for each pair and compared with each other. Source: GRPO, arXiv 2402.03300; "
        "Rank-R1, arXiv 2503.06034: 8.",
    )
    temperature: float = Field(default=1.0, gt=0, le=2, description="Of the sampling. Source: GRPO's is 1.")
    beta: float = Field(
        default=0.001,
        ge=0,
        le=1,
        description="Weight of the distance (KL) to the model the stage began with; 0: it is not measured either. "
        "Source: ERank, arXiv 2509.00520.",
    )
    learning_rate: float = Field(
        default=5e-5,
        gt=0,
        le=0.1,
        description="Peak of AdamW's linear decay. Source: Rank-R1 takes 1e-5 with LoRA, over many more steps.",
    )
    format_weight: float = Field(
        default=0.5, ge=0, le=100, description="Weight of a readable answer. Source: TFRank, arXiv 2508.09539."
    )
    grade_weight: float = Field(
        default=1.0, ge=0, le=100, description="Weight of the grade. Source: TFRank, arXiv 2508.09539."
    )
    vllm_url: str = Field(
        default="",
        max_length=200,
        description="Address of a vLLM server that samples, on a GPU of its own and with weight transfer switched on; "
        "empty: the model being trained samples itself.",
    )

    @model_validator(mode="after")
    def _something_counts(self) -> "Warmup":
        if not any(getattr(self, name) for name in type(self).model_fields if name.endswith("_weight")):
            raise ValueError("All weights of the reward are 0; give one of them at least.")
        return self


class Grpo(Warmup):
    """Options of the objective `grpo-reasoned`."""

    max_tokens: int = Field(
        default=112,
        ge=8,
        le=4096,
        description="Most tokens of an answer; those cut off there are counted and shown, and mostly unreadable.",
    )
    evidence_weight: float = Field(default=0.5, ge=0, le=100, description="Weight of the quotes found in the document.")
    length_weight: float = Field(default=0.25, ge=0, le=100, description="Weight of the explanation's length.")
    explanation_words: int = Field(
        default=60, ge=5, le=500, description="Most words of an explanation that is not too long."
    )
