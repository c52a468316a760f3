"""What the README says a client does, done as written."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from tests.app.api.conftest import KEY

README = Path(__file__).parents[3] / "README.md"


@pytest.mark.parametrize(
    ("mark", "command"), [("curl", ["bash", "-euc"]), ("python", [sys.executable, "-c"])], ids=["curl", "python"]
)
def test_the_readmes_clients_are_answered(serve, beans, mark, command):
    if mark == "curl" and shutil.which("curl") is None:
        pytest.skip("there is no curl on this machine")
    served = serve(api_key=SecretStr(KEY))
    found = re.search(rf"<!-- {mark} -->\n```\w+\n(.+?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert found and "127.0.0.1:8502" in found[1]
    code = found[1].replace("127.0.0.1:8502", f"127.0.0.1:{served.port}")
    environment = {**os.environ, "WHYRANK_API_KEY": KEY}
    done = subprocess.run([*command, code], env=environment, capture_output=True, text=True, check=True, timeout=60)
    assert "relevance_score" in done.stdout
