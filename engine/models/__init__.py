"""Where a base model's weights come from: packages, a local folder, or a hub. Importing this loads no model library."""

from engine.models.fetching import fetch
from engine.models.folders import base_sha256, check_folder, listing, local, resolve
from engine.models.packaged import BASES, Base, Part

__all__ = ["BASES", "Base", "Part", "base_sha256", "check_folder", "fetch", "listing", "local", "resolve"]
