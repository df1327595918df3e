"""Where the daemon is and how to get in, by the rules of the pm command."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import dataclass
from typing import Mapping, Optional
from urllib.parse import urlsplit

_LOCAL = "default"


@dataclass(frozen=True)
class Place:
    """A unix socket, or host and port with what the daemon wants to see."""

    socket: Optional[str] = None
    target: Optional[str] = None
    ca: Optional[bytes] = None
    cert: Optional[bytes] = None
    key: Optional[bytes] = None
    username: Optional[str] = None
    password: Optional[str] = None


def resolve(
    socket: Optional[str],
    address: Optional[str],
    context: Optional[str],
    env: Mapping[str, str],
    username: Optional[str] = None,
    password: Optional[str] = None,
) -> Place:
    if sum(given is not None for given in (socket, address, context)) > 1:
        raise ValueError("give either a socket, an address or a context")
    if socket is not None:
        return _unix(socket)
    host = address or (env.get("PM_HOST") if context is None else None)
    if host:
        if host.startswith("unix://"):
            return _unix(host.removeprefix("unix://"))
        files = (env.get("PM_TLS_CA"), env.get("PM_TLS_CERT"), env.get("PM_TLS_KEY"))
        if username is None and env.get("PM_USER") and env.get("PM_PASSWORD_FILE"):
            username, password = env["PM_USER"], _password(env["PM_PASSWORD_FILE"])
        return _remote(host, *files, username, password)
    return _from_contexts(context, env, username, password)


def _from_contexts(
    context: Optional[str], env: Mapping[str, str], username: Optional[str], password: Optional[str]
) -> Place:
    path = contexts_path(env)
    try:
        text = _private(path).decode()
    except FileNotFoundError:
        text = ""
    file = json.loads(text) if text.strip() else {"contexts": {}}
    contexts = file["contexts"]
    name = context or env.get("PM_CONTEXT") or file.get("current") or _LOCAL
    if name == _LOCAL:
        return _unix(default_socket(env))
    if name not in contexts:
        raise ValueError(f'there is no context "{name}" in {path}: make one with `pm context add`')
    entry = contexts[name]
    if entry["address"].startswith("unix://"):
        return _unix(entry["address"].removeprefix("unix://"))

    def beside(field: str) -> Optional[str]:
        return os.path.join(os.path.dirname(path), entry[field]) if field in entry else None

    password_file = beside("passwordFile")
    if username is None and "username" in entry and password_file is not None:
        username, password = entry["username"], _password(password_file)
    return _remote(entry["address"], beside("ca"), beside("cert"), beside("key"), username, password)


def contexts_path(env: Mapping[str, str]) -> str:
    directory = env.get("XDG_CONFIG_HOME", "")
    if not os.path.isabs(directory):
        directory = os.path.join(env.get("HOME") or os.path.expanduser("~"), ".config")
    return os.path.join(directory, "pm", "contexts.json")


def default_socket(env: Mapping[str, str]) -> str:
    if env.get("PM_RUNTIME_DIR"):
        return os.path.join(env["PM_RUNTIME_DIR"], "pm.sock")
    if os.getuid() == 0:
        return "/run/pm/pm.sock"
    if env.get("XDG_RUNTIME_DIR"):
        return os.path.join(env["XDG_RUNTIME_DIR"], "pm", "pm.sock")
    return f"/dev/shm/pm-{os.getuid()}/pm.sock"


def _unix(path: str) -> Place:
    if not os.path.isabs(path):
        raise ValueError(f"the socket's path must be absolute, not {path!r}")
    return Place(socket=path)


def _remote(
    address: str,
    ca: Optional[str],
    cert: Optional[str],
    key: Optional[str],
    username: Optional[str],
    password: Optional[str],
) -> Place:
    url = urlsplit(address)
    if url.scheme != "https" or not url.hostname or url.username or url.path.strip("/") or url.query:
        # The text may hold a password, so it is not repeated.
        raise ValueError("the daemon's address must look like unix:///path or https://host:port")
    return Place(
        target=url.netloc if url.port else f"{url.netloc}:443",
        ca=_read(ca) if ca else None,
        cert=_read(cert) if cert else None,
        key=_private(key) if key else None,
        username=username,
        password=password,
    )


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _password(path: str) -> str:
    return _private(path).decode().removesuffix("\n").removesuffix("\r")


def _private(path: str) -> bytes:
    """Reads a file that nobody but its owner may read or write."""
    with open(path, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise ValueError(f"{path} is not a regular file")
        if status.st_mode & 0o077:
            mode = f"{status.st_mode & 0o777:04o}"
            raise ValueError(f"{path} has mode {mode}, so others may read it: chmod 0600 {path}")
        return file.read()
