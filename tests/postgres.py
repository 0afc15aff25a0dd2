"""A PostgreSQL server of the tests' own: on loopback, in a temporary folder, stopped afterwards."""

from __future__ import annotations

import glob
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

PASSWORD = "canary-7f3a@:/?#"  # signs that mean something in a URL; must never be seen anywhere
_OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",  # the power does not fail in a test
    "max_connections": "20",
    "shared_buffers": "32MB",
}


def found() -> Path | None:
    """Folder of the server's programs."""
    asked = [_first_line("pg_config", "--bindir"), os.path.dirname(shutil.which("postgres") or "")]
    places = [*asked, *sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True), "/usr/local/pgsql/bin"]
    return next((Path(place) for place in places if place and (Path(place) / "initdb").is_file()), None)


def _first_line(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return ""


def programs() -> Path:
    """Folder of the server's programs; installs them where it may, else skips the test and says why."""
    if found() is None and os.geteuid() == 0 and shutil.which("apt-get"):
        quiet = {"capture_output": True, "check": False, "env": os.environ | {"DEBIAN_FRONTEND": "noninteractive"}}
        subprocess.run(["apt-get", "update"], timeout=300, **quiet)
        subprocess.run(["apt-get", "install", "-y", "--no-install-recommends", "postgresql"], timeout=600, **quiet)
    place = found()
    if place is None:
        pytest.skip("no PostgreSQL server: neither pg_config, PATH nor /usr/lib/postgresql has initdb")
    return place


class Server:
    """A server with a database `crm`; `postgres` may do everything."""

    def __init__(self, folder: Path) -> None:
        self._programs, self._data, self._log = programs(), folder / "data", folder / "log"
        # The server refuses to run as root: then it runs as the user that its package has made.
        self._as = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        if self._as:
            try:
                shutil.chown(folder, "postgres")
            except LookupError:
                pytest.skip("no PostgreSQL server: it does not run as root, and there is no user postgres")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._call(
            "initdb",
            "-A",
            "scram-sha-256",
            "-U",
            "postgres",
            "--no-sync",
            "-E",
            "UTF8",
            "--locale=C",
            f"--pwfile={_password_file(folder)}",
        )
        self.start()
        self.run("create database crm", database="postgres")

    def _call(self, program: str, *arguments: str) -> None:
        command = [*self._as, str(self._programs / program), "-D", str(self._data), *arguments]
        # To a file: a server that inherits a pipe would keep it open for ever.
        with self._log.with_name("calls").open("a+") as output:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False, timeout=60, cwd="/"
            )
            output.seek(0)
            assert done.returncode == 0, output.read()

    def start(self) -> None:
        options = " ".join(f"-c {key}='{value}'" for key, value in _OPTIONS.items())
        self._call("pg_ctl", "-w", "-l", str(self._log), "-o", f"-p {self.port} {options}", "start")

    def stop(self, mode: str = "immediate") -> None:
        self._call("pg_ctl", "-w", "-m", mode, "stop")

    def restart(self) -> None:
        self.stop("fast")
        self.start()

    def is_running(self) -> bool:
        return (self._data / "postmaster.pid").exists()

    def url(self, user: str = "postgres", database: str = "crm") -> str:
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def psql(self, database: str = "crm") -> list[str]:
        marks = ["-X", "-q", "-A", "-t", "-F", "\x1f", "-v", "ON_ERROR_STOP=1"]
        return [str(self._programs / "psql"), *marks, self.url(database=database)]

    def environment(self) -> dict[str, str]:
        return os.environ | {"PGPASSWORD": PASSWORD, "PGOPTIONS": "-c client_min_messages=warning"}

    def run(self, *statements: str, database: str = "crm") -> list[list[str]]:
        """Run SQL as `postgres`; rows as texts."""
        done = subprocess.run(
            self.psql(database),
            input=";\n".join(statements) + ";\n",
            capture_output=True,
            text=True,
            check=False,
            env=self.environment(),
        )
        assert done.returncode == 0, done.stderr
        return [line.split("\x1f") for line in done.stdout.splitlines()]

    def copy(self, table: str, file: Path) -> None:
        """Fill a table with a CSV file."""
        self.run(f"\\copy {table} from '{file}' with (format csv, header)")


def _password_file(folder: Path) -> Path:
    file = folder / "password"
    file.write_text(PASSWORD)
    file.chmod(0o644)
    return file


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A server for all tests of a session, started when the first asks for it."""
    folder = Path(tempfile.mkdtemp(prefix="crmkit-postgres-"))
    try:
        made = Server(folder)
        try:
            yield made
        finally:
            if made.is_running():
                made.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
