"""Bodies: compressed by a dictionary that is kept for ever, and by none in the first release."""

from __future__ import annotations

import os
from collections.abc import Iterator
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

import orjson
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from hub.log.keys import DataKey, Keyring
from hub.log.seal import DICTIONARIES, open_body, seal_body
from schemas.errors import Broken
from tests.hub.world import an_encounter

PINNED = {1: "c427b89df82ce0732bcb44017ab6cbf5692a00ca3ec0002b1ffdc028f7d3705b"}
STREAM, EVENT = bytes(16), bytes(range(16))


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DataKey]:
    keys = Keyring(tmp_path_factory.mktemp("keys") / "keys.db", os.urandom(32))
    yield keys.of(bytes(16), "main")
    keys.close()


@given(text=st.binary(max_size=5_000))
def test_any_bytes_come_back_as_they_were(key: DataKey, text: bytes) -> None:
    assert open_body(key, seal_body(key, text, stream=STREAM, event=EVENT), stream=STREAM, event=EVENT) == text


def _sealed(key: DataKey, frame: bytes) -> bytes:
    """Seal a frame as a release sealed it (hub.log.seal, first lines)."""
    nonce = os.urandom(12)
    return nonce + key.body.encrypt(nonce, frame, b"tsunagu/1/body\0" + STREAM + EVENT + key.key_id)


def test_a_body_of_the_first_release_has_no_dictionary_and_opens(key: DataKey) -> None:
    frame = zstandard.ZstdCompressor(level=1).compress("山田".encode())
    assert open_body(key, _sealed(key, frame), stream=STREAM, event=EVENT).decode() == "山田"


def test_a_dictionary_of_a_later_release_is_named_not_guessed(key: DataKey) -> None:
    samples = [os.urandom(20) + b"resourceType Patient" * 9 for _ in range(400)]
    later = zstandard.train_dictionary(2_000, samples, dict_id=77)
    frame = zstandard.ZstdCompressor(dict_data=later).compress(b"resourceType Patient" * 9)
    with pytest.raises(Broken) as refused:
        open_body(key, _sealed(key, frame), stream=STREAM, event=EVENT)
    assert refused.value.issues[0].rule == "HUB-5004"


def test_no_dictionary_that_bodies_were_sealed_with_ever_changes() -> None:
    held = {n: sha256(files("hub.log").joinpath(f"data/{name}").read_bytes()).hexdigest() for n, name in DICTIONARIES.items()}
    assert held == PINNED
    for number, name in DICTIONARIES.items():
        assert zstandard.ZstdCompressionDict(files("hub.log").joinpath(f"data/{name}").read_bytes()).dict_id() == number


def test_a_resource_takes_less_room_than_without_a_dictionary(key: DataKey) -> None:
    text = orjson.dumps(an_encounter())
    assert len(seal_body(key, text, stream=STREAM, event=EVENT)) < len(zstandard.ZstdCompressor(level=1).compress(text)) * 0.7


def test_the_dictionary_is_there_for_whoever_installs_the_package() -> None:
    root = Path(str(files("hub.log")))
    assert all((root / "data" / name).is_file() for name in DICTIONARIES.values())
