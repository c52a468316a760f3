"""The only reader of the environment. Every setting is a WHYRANK_* variable; the README lists them."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


def revealed(secret: SecretStr | None) -> str | None:
    """The secret itself, for whom it is meant: a server's header, a process's environment."""
    return secret.get_secret_value() if secret else None


class Settings(BaseSettings):
    """Where things are and which model is used."""

    # A variable that is set to nothing counts as not set: that is how Compose and unit files take one back.
    model_config = SettingsConfigDict(
        env_prefix="WHYRANK_", extra="ignore", env_ignore_empty=True, hide_input_in_errors=True
    )

    home: Path = Field(
        default_factory=lambda: Path.home() / ".local" / "share" / "whyrank",
        description="Folder of everything that changes: database, indexes, models, jobs.",
    )
    database_url: SecretStr | None = Field(
        default=None,
        description="A PostgreSQL database, e.g. postgresql://user:password@host/whyrank; empty: SQLite in the home.",
    )
    model: str = Field(
        default="qwen2.5-coder-0.5b-instruct",
        description="Base model: a name `whyrank model list` shows, a local folder, or a hub id.",
    )
    lm_url: str | None = Field(
        default=None,
        description="An OpenAI-compatible server (vLLM) to rank with, e.g. http://127.0.0.1:8000/v1; "
        "empty: the model runs in this process.",
    )
    lm_api_key: SecretStr | None = Field(default=None, description="Key for that server.")
    teacher_url: str | None = Field(
        default=None, description="An OpenAI-compatible server whose model teaches, e.g. https://api.example.org/v1."
    )
    teacher_model: str | None = Field(default=None, description="Name of that model on the server.")
    teacher_api_key: SecretStr | None = Field(default=None, description="Key for that server, and for no other.")
    vllm_home: Path | None = Field(
        default=None, description="Folder of vLLM's own environment; empty: `vllm` in WHYRANK_HOME."
    )
    device: str = Field(default="auto", description="`cpu`, `cuda` or `auto` for the model in process.")
    threads: int = Field(default=0, ge=0, description="CPU threads of the model; 0: all cores.")
    batch_tokens: int = Field(
        default=4096, ge=256, description="Most tokens (padding included) the model reads in one batch."
    )
    document_tokens: int = Field(
        default=320,
        ge=32,
        description="Tokens of a document the model sees; longer ones are cut at a word end.",
    )
    explanation_tokens: int = Field(default=96, ge=8, description="Most tokens of a generated explanation.")
    retriever: str = Field(
        default="auto",
        description="`lucene`, `bm25s`, or `auto`: Lucene where Java starts, else bm25s, said so.",
    )
    port: int = Field(default=8501, ge=1, le=65535, description="Port of the app.")
    address: str = Field(
        default="127.0.0.1",
        min_length=1,
        description="Address the app listens on; another than this machine's own asks for a login.",
    )
    hosts: str = Field(
        default="",
        description="Names people reach the app by, parted by commas, besides 127.0.0.1, localhost and the login's.",
    )
    secrets: Path = Field(
        default=Path(__file__).parents[1] / ".streamlit" / "secrets.toml",
        description="TOML file whose [auth] section configures the login (OpenID Connect).",
    )
    people: str = Field(
        default="",
        description="Who may sign in, parted by commas: addresses, `@example.org` for a domain, subjects, or `*`.",
    )
    admins: str = Field(default="", description="Who may sign in and is an admin, written as in WHYRANK_PEOPLE.")
    unauthenticated: bool = Field(
        default=False,
        description="Listen on an address others can reach without a login or a key: they may do everything.",
    )

    api_key: SecretStr | None = Field(
        default=None, description="Key that `whyrank api` asks for; several, parted by commas, while one is replaced."
    )
    api_address: str = Field(
        default="127.0.0.1",
        min_length=1,
        description="Address of `whyrank api`; another than this machine's own asks for a key.",
    )
    api_port: int = Field(default=8502, ge=1, le=65535, description="Port of `whyrank api`.")
    api_documents: int = Field(default=200, ge=1, le=1000, description="Most documents of a request to `whyrank api`.")
    api_waiting: int = Field(
        default=8,
        ge=0,
        le=1000,
        description="Requests that may wait for the model; the next one is told when to return.",
    )
    log: Literal["json", "text"] | None = Field(
        default=None,
        description="How app, worker, jobs and `whyrank api` write their logs; empty: `whyrank api` json, others text.",
    )
    ray_address: str = Field(
        default="",
        description="A Ray cluster that jobs run on, e.g. http://127.0.0.1:8265; empty: on the worker's machine.",
    )
    ray_gpus: float = Field(default=0.0, ge=0, description="GPUs that Ray sets aside for a job.")

    @field_validator(
        "database_url", "lm_url", "lm_api_key", "teacher_url", "teacher_model", "teacher_api_key", mode="before"
    )
    @classmethod
    def _nothing_is_none(cls, given: object) -> object:
        """White space is no address and no key either, so that `is None` is all that anybody has to ask."""
        text = given.get_secret_value() if isinstance(given, SecretStr) else given
        return None if isinstance(text, str) and not text.strip() else given

    @field_validator("lm_url", "teacher_url", "ray_address")
    @classmethod
    def _holds_no_password(cls, address: str | None) -> str | None:
        """These addresses are shown: by `whyrank doctor`, in jobs' logs, among a Ray job's variables."""
        if "@" in (address or "").partition("://")[2].partition("/")[0]:
            raise ValueError("the address has a name or a password in it; give it bare, and a key by its own setting")
        return address

    def in_scratch(self, home: Path) -> "Settings":
        """The same in another home, and in a database file of its own: what is tried out or measured there never comes
        into a team's database."""
        return self.model_copy(update={"home": home, "database_url": None})

    @property
    def database_path(self) -> Path:
        """The SQLite file; copies of a PostgreSQL database are laid beside it."""
        return self.home / "whyrank.db"

    @property
    def vllm_path(self) -> Path:
        """The environment of vLLM."""
        return self.vllm_home or self.home / "vllm"

    @property
    def served_path(self) -> Path:
        """What `whyrank serve` runs, while it runs."""
        return self.home / "vllm.json"

    @property
    def models_path(self) -> Path:
        """Converted base models, a folder each."""
        return self.home / "models"

    @property
    def indexes_path(self) -> Path:
        """Search indexes, a folder per collection."""
        return self.home / "indexes"

    @property
    def jobs_path(self) -> Path:
        """Per job: log, snapshot, checkpoints."""
        return self.home / "jobs"

    @property
    def answers_path(self) -> Path:
        """Teachers' answers, kept so that nothing is asked twice: a folder per collection."""
        return self.home / "answers"

    @property
    def runs_path(self) -> Path:
        """TREC runs that were given for collections."""
        return self.home / "runs"

    @property
    def versions_path(self) -> Path:
        """Adapters of trained versions, a folder each."""
        return self.home / "versions"
