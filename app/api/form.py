"""What `POST /v1/rerank` takes and gives: the form of Cohere and Jina, and what WhyRank adds to it.

Fields it does not know are ignored, as their clients send some. What it adds: `collection` and `explain` in the
request; `grade`, `probabilities`, `explanation`, `cut` and `unreadable` per result; `model_version`, `collection`,
`method` and `highest_grade` in the answer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr, ValidationError

from data.errors import SettingsError
from data.records import RankedDocument

CHAMPION = "champion"
QUERY_CHARACTERS = 2000
TITLE_CHARACTERS = 500
"""A title is not cut to the token budget, so a longer one is refused."""
_SAID = 3
"""Mistakes told of one body."""


class BodyError(SettingsError):
    """The body of a request is not in the form."""


class Given(BaseModel):
    """A document as an object."""

    model_config = ConfigDict(frozen=True)

    text: StrictStr
    title: Annotated[StrictStr, Field(max_length=TITLE_CHARACTERS)] = ""


class Wanted(BaseModel):
    """The body of a request."""

    model_config = ConfigDict(frozen=True)

    query: Annotated[StrictStr, Field(max_length=QUERY_CHARACTERS, pattern=r"\S")]
    documents: Annotated[tuple[StrictStr | Given, ...], Field(min_length=1)]
    model: StrictStr = CHAMPION
    collection: StrictStr | None = None
    top_n: Annotated[StrictInt, Field(ge=1)] | None = None
    return_documents: StrictBool = False
    explain: StrictBool = False

    @property
    def given(self) -> tuple[Given, ...]:
        """The documents, in the order of the request."""
        return tuple(d if isinstance(d, Given) else Given(text=d) for d in self.documents)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What the model read and wrote for a request."""

    prompt: int = 0
    completion: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reranked:
    """The answer to a request, before it is JSON."""

    index_of: Mapping[str, int]
    """doc_id -> place in the request, from 0."""
    documents: tuple[RankedDocument, ...]
    """Best first, all of them."""
    version: str
    """Name of the version that ranked."""
    collection: str | None
    method: str
    highest_grade: int
    tokens: Tokens


def parse(body: bytes, *, most_documents: int) -> Wanted:
    """Read a body; raises BodyError with what is wrong in it, never with its texts."""
    try:
        wanted = Wanted.model_validate_json(body)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False, include_context=False)
        said = "; ".join(dict.fromkeys(f"{_place(each['loc'])}: {_words(each['msg'])}" for each in found[:_SAID]))
        raise BodyError(
            f"The body can't be used: {said}.",
            mend='Send JSON like {"query": "...", "documents": ["...", {"title": "...", "text": "..."}], "top_n": 3}.',
        ) from None
    if len(wanted.documents) > most_documents:
        raise BodyError(
            f"{len(wanted.documents)} documents are too many.",
            mend=f"Send at most {most_documents} (WHYRANK_API_DOCUMENTS), the best of the first stage.",
        )
    return wanted


def answer(wanted: Wanted, reranked: Reranked, *, request_id: str) -> dict[str, Any]:
    """The answer as JSON takes it: the best `top_n` results, best first."""
    tokens = reranked.tokens
    given = wanted.given if wanted.return_documents else ()
    return {
        "id": request_id,
        "object": "list",
        "model": wanted.model,
        "model_version": reranked.version,
        "collection": reranked.collection,
        "method": reranked.method,
        "highest_grade": reranked.highest_grade,
        "results": [_result(reranked, document, given) for document in reranked.documents[: wanted.top_n]],
        "meta": {
            "api_version": {"version": "1"},
            "billed_units": {"search_units": 1},
            "tokens": {"input_tokens": tokens.prompt, "output_tokens": tokens.completion},
        },
        "usage": {
            "prompt_tokens": tokens.prompt,
            "completion_tokens": tokens.completion,
            "total_tokens": tokens.prompt + tokens.completion,
        },
    }


def _result(reranked: Reranked, document: RankedDocument, given: Sequence[Given]) -> dict[str, Any]:
    index = reranked.index_of[document.doc_id]
    result: dict[str, Any] = {
        "index": index,
        # The expected grade, from 0 to 1; of a document whose answer can't be read, between its neighbours'.
        "relevance_score": document.score / reranked.highest_grade,
        "grade": document.grade,
        "probabilities": _named(document.probabilities),
        "explanation": document.explanation,
        "cut": document.cut,
        "unreadable": document.unreadable,
    }
    if given:
        result["document"] = given[index].model_dump(exclude_defaults=True)
    return result


def _named(probabilities: Mapping[int, float] | None) -> dict[str, float] | None:
    return None if probabilities is None else {str(grade): p for grade, p in probabilities.items()}


def _place(path: Sequence[int | str]) -> str:
    """Where in the body: the names and places, without the types that pydantic tried there."""
    return ".".join(str(part) for part in path if not str(part).startswith(("Given", "constrained-", "str"))) or "JSON"


def _words(message: str) -> str:
    """Pydantic's words; of broken JSON only that it is."""
    return "the JSON is broken" if message.startswith("Invalid JSON") else message
