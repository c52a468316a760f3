"""Options of the objectives: what each can be told beside the options every training has."""

from pydantic import BaseModel, ConfigDict, Field


class ScoreLearning(BaseModel):
    """Options of the objective `score-learning`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

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
