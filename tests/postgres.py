"""A PostgreSQL server of the tests' own: in a temporary folder, reached by its socket, gone at the end."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import sqlalchemy as sa
from pydantic import SecretStr

USER = "whyrank"
# What a server needs to survive a power cut takes most of a test's time; processes are killed, machines are not.
FAST = ("fsync=off", "full_page_writes=off", "max_connections=200", "listen_addresses=")


def missing() -> str | None:
    """Why there can be no server; None where there can."""
    if find_spec("psycopg") is None:
        return "psycopg is not installed (requirements-dev.lock)"
    if _binary("initdb") is None or _binary("postgres") is None:
        return "PostgreSQL's server is not installed: apt-get install postgresql"
    if os.getuid() == 0 and shutil.which("setpriv") is None:
        return "PostgreSQL does not run as root, and there is no setpriv to be somebody else"
    return None


class Server:
    """A running server."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def url(self, name: str) -> SecretStr:
        """A database of it, as WHYRANK_DATABASE_URL names one."""
        return SecretStr(f"postgresql://{USER}:a-secret@/{name}?host={self._folder}")

    def create(self, template: str = "template0") -> str:
        """A new database; returns its name."""
        name = f"t{uuid.uuid4().hex}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def drop(self, name: str) -> None:
        """Drop a database, with whoever is connected to it."""
        self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def execute(self, statement: str, name: str = "postgres") -> list[tuple]:
        """Run a statement that stands outside of a transaction."""
        engine = sa.create_engine(plain(self.url(name)), poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            result = connection.exec_driver_sql(statement)
            return [tuple(row) for row in result] if result.returns_rows else []


def plain(url: SecretStr) -> str:
    """The URL for SQLAlchemy, for looking into a database past the store."""
    return url.get_secret_value().replace("postgresql://", "postgresql+psycopg://", 1)


@contextmanager
def serving() -> Iterator[Server]:
    """Start a server, and stop it at the end."""
    # A folder of its own below /tmp: a socket's path is short, and another user must get in.
    folder = Path(tempfile.mkdtemp(prefix="whyrank-pg-"))
    other = _other_user()
    if other:
        os.chown(folder, *other)
    as_other = ["setpriv", f"--reuid={other[0]}", f"--regid={other[1]}", "--clear-groups"] if other else []
    data, log = folder / "data", (folder / "log").open("wb")
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    given = {"cwd": folder, "env": environment, "stdout": log, "stderr": log}
    made = [_binary("initdb"), "-D", data, "-U", USER, "--auth=trust", "--encoding=UTF8", "--no-sync"]
    server = None
    try:
        # A language's own order of words, as many servers have: the store must not depend on it.
        icu = ["--locale-provider=icu", "--icu-locale=en-US"]
        if subprocess.run([*as_other, *made, *icu], **given).returncode:
            shutil.rmtree(data, ignore_errors=True)
            subprocess.run([*as_other, *made], **given, check=True)
        options = [part for option in (*FAST, f"unix_socket_directories={folder}") for part in ("-c", option)]
        server = subprocess.Popen([*as_other, _binary("postgres"), "-D", data, *options], **given)
        _wait(server, folder)
        yield Server(folder)
    finally:
        if server is not None:
            server.send_signal(signal.SIGQUIT)
            server.wait(30)
        log.close()
        shutil.rmtree(folder, ignore_errors=True)


def _wait(server: subprocess.Popen, folder: Path) -> None:
    engine = sa.create_engine(plain(Server(folder).url("postgres")), poolclass=sa.NullPool)
    give_up = time.monotonic() + 60
    while True:
        try:
            engine.connect().close()
            return
        except sa.exc.OperationalError:
            if server.poll() is not None or time.monotonic() > give_up:
                raise RuntimeError((folder / "log").read_text(errors="replace")) from None
            time.sleep(0.05)


def _binary(name: str) -> str | None:
    """Debian keeps the server's programs off the PATH."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return shutil.which(name, path=os.pathsep.join([*map(str, folders), os.environ.get("PATH", "")]))


def _other_user() -> tuple[int, int] | None:
    if os.getuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid
