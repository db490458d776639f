"""Where the master key comes from: a file, a variable of the environment, or a key-management service.

The master key wraps the root secret and the data keys, and nothing else: so it can be changed without changing a name or an event.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from hub.log.durable import sync_folder, write_all
from hub.log.kms import Kms, VaultTransit
from schemas.errors import Broken

MASTER_BYTES = 32
MASTER_FILE = "master.key"
_COMING = ".new"
"""Beside the file while the master key is changed: the key that is coming."""


@dataclass(frozen=True, slots=True, repr=False)
class Kek:
    """A master key (key-encryption key). `held` = how the key store keeps it, where a service guards it; None elsewhere."""

    key: bytes
    held: bytes | None = None


class Master(Protocol):
    """A place of the master key. Whatever is not there or cannot be read is refused: HUB-5001, HUB-5002, HUB-5077."""

    def first(self) -> Kek:
        """Give the master key of a key store that is being made; make it where the place can and holds none."""

    def candidates(self, held: bytes | None) -> Sequence[bytes]:
        """Give the keys that may be the one of an existing key store, the likeliest first; never make one."""

    def following(self, old: bytes) -> Kek:
        """Give the key that comes after `old`, durable already, while `old` is still found. Raises Broken (HUB-5076) when it is the same."""

    def settle(self, key: bytes) -> None:
        """Take note that the key store is wrapped by `key` now: what the place holds beside it is let go."""


def read_master(path: Path) -> bytes:
    """Read the master key of a file (64 hex digits); raises Broken, HUB-5002 when it is missing, HUB-5001 when it is no such key."""
    try:
        return _hex(path.read_text(encoding="ascii"))
    except FileNotFoundError as fault:
        raise Broken("HUB-5002", where=path.name) from fault
    except (OSError, UnicodeDecodeError) as fault:
        raise Broken("HUB-5001", where=path.name) from fault


def _hex(text: str) -> bytes:
    try:
        found = bytes.fromhex(text.strip())
    except ValueError as fault:
        raise Broken("HUB-5001") from fault
    if len(found) != MASTER_BYTES:
        raise Broken("HUB-5001")
    return found


@dataclass(frozen=True, slots=True)
class FileMaster:
    """A file of 64 hex digits, for the hub's user alone."""

    path: Path

    @property
    def coming(self) -> Path:
        """Give the file of the key that is coming."""
        return self.path.with_name(self.path.name + _COMING)

    def first(self) -> Kek:
        """Read the file, or make it; of two processes that make it at once both get the same key."""
        with suppress(FileExistsError):
            if not self.path.exists():
                self._write(self.path, os.urandom(MASTER_BYTES), instead=False)
        return Kek(read_master(self.path))

    def candidates(self, held: bytes | None) -> Sequence[bytes]:
        """Give the file's key, and the one that was coming when a change was interrupted."""
        del held
        found = [read_master(p) for p in (self.path, self.coming) if p.exists()]
        if not found:
            raise Broken("HUB-5002", where=self.path.name)
        return found

    def following(self, old: bytes) -> Kek:
        """Give the file's key when it is another; else draw one, and keep it beside until `settle`."""
        if self.path.exists() and (found := read_master(self.path)) != old:
            return Kek(found)
        key = os.urandom(MASTER_BYTES)
        self._write(self.coming, key, instead=True)
        return Kek(key)

    def settle(self, key: bytes) -> None:
        """Put the key that was coming in the place of the old one, when it is the one in use."""
        if self.coming.exists() and read_master(self.coming) == key:
            self.coming.replace(self.path)
            sync_folder(self.path.parent)

    def _write(self, path: Path, key: bytes, *, instead: bool) -> None:
        """Write a whole key or none. Without `instead` a file that is there is left alone (FileExistsError)."""
        path.parent.mkdir(parents=True, exist_ok=True)
        made = path.with_name(f"{path.name}.{os.getpid()}-{os.urandom(4).hex()}")
        handle = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            try:
                write_all(handle, f"{key.hex()}\n".encode("ascii"))
            finally:
                os.close(handle)
            if instead:
                made.replace(path)
            else:
                _place(made, path)
        finally:
            made.unlink(missing_ok=True)
        sync_folder(path.parent)


def _place(made: Path, path: Path) -> None:
    """Give a file its name unless the name is taken (FileExistsError)."""
    try:
        os.link(made, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if path.exists():
            raise FileExistsError from None
        made.rename(path)


@dataclass(frozen=True, slots=True)
class GivenMaster:
    """A key that was handed over as text (a variable of the environment, by its `name`): 64 hex digits, or None when there is none."""

    name: str
    text: str | None = field(repr=False)

    def first(self) -> Kek:
        """Give it."""
        return Kek(self._read())

    def candidates(self, held: bytes | None) -> Sequence[bytes]:
        """Give it."""
        del held
        return (self._read(),)

    def following(self, old: bytes) -> Kek:
        """Give it, unless it is the old one: the hub cannot change its own environment."""
        if (key := self._read()) == old:
            raise Broken("HUB-5076", where=self.name)
        return Kek(key)

    def settle(self, key: bytes) -> None:
        """There is nothing to let go."""

    def _read(self) -> bytes:
        if not self.text:
            raise Broken("HUB-5002", where=self.name)
        return _hex(self.text)


@dataclass(frozen=True, slots=True, repr=False)
class KmsMaster:
    """A key that a service guards; wrapped by it, it lies in the key store."""

    kms: Kms

    def first(self) -> Kek:
        """Draw a key and let the service wrap it."""
        key = os.urandom(MASTER_BYTES)
        return Kek(key, self.kms.wrap(key))

    def candidates(self, held: bytes | None) -> Sequence[bytes]:
        """Let the service unwrap what the key store holds."""
        if held is None:
            raise Broken("HUB-5003")  # the key store was wrapped by a key of another place
        key = self.kms.unwrap(held)
        if len(key) != MASTER_BYTES:
            raise Broken("HUB-5077", where="TSUNAGU_MASTER")
        return (key,)

    def following(self, old: bytes) -> Kek:
        """Draw a new key, under the newest version of the service's own."""
        del old
        return self.first()

    def settle(self, key: bytes) -> None:
        """There is nothing to let go: the key store holds it."""


def master_at(text: str, *, folder: Path, environ: Mapping[str, str], setting: str = "TSUNAGU_MASTER") -> Master:
    """Read a place: `file:` (master.key in `folder`), `file:/path`, `env:NAME`, `vault:https://host:port/mount/keyname`.

    `environ` gives the variable named, and for Vault VAULT_TOKEN and VAULT_CACERT. A place of no such form raises Broken (HUB-5012);
    a key that is missing there is refused when it is wanted.
    """
    kind, _, rest = text.partition(":")
    if kind == "file":
        return FileMaster(Path(rest) if rest else folder / MASTER_FILE)
    if kind == "env" and rest:
        return GivenMaster(rest, environ.get(rest))
    if kind == "vault":
        try:
            return KmsMaster(VaultTransit.at(rest, environ.get("VAULT_TOKEN", ""), environ.get("VAULT_CACERT", "")))
        except ValueError as fault:
            raise Broken("HUB-5012", where=setting) from fault
    raise Broken("HUB-5012", where=setting)
