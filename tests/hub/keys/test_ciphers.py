"""The ciphers give what their standards say, and a machine without one of them is refused at the start."""

from __future__ import annotations

import pytest
from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESGCMSIV
from hypothesis import given
from hypothesis import strategies as st

from hub.log.seal import open_body, open_cell, seal_body, seal_cell
from hub.log.wrapping import Wrapping, check_ciphers, commitment
from schemas.errors import Broken

KEY, NONCE, TEXT = bytes(range(32)), bytes(range(12)), b'{"code":"85354-9"}'
AAD = b'{"agg":"00000000-0000-0000-0000-000000000001","dek":"p-001#1","field":"state","topic":"hub.events:ObservationReceived","ver":7}'


def test_aes_256_gcm_gives_the_vector() -> None:
    sealed = bytes.fromhex("3c20b574a180e021af79a2b884dd5554a1abd496dae1dfedddb7684eed335ac6d231")
    assert AESGCM(KEY).encrypt(NONCE, TEXT, AAD) == sealed
    assert AESGCM(KEY).decrypt(NONCE, sealed, AAD) == TEXT


def test_aes_256_gcm_siv_gives_the_vectors() -> None:
    sealed = bytes.fromhex("8ddabc63c53f3aaec8ef7c653cf978b8130a0f00a00abd55a43ea6b93d816700f8c5")
    assert AESGCMSIV(KEY).encrypt(NONCE, TEXT, AAD) == sealed
    rfc_8452 = AESGCMSIV(b"\1" + bytes(31)).encrypt(b"\3" + bytes(11), b"", b"")
    assert rfc_8452.hex() == "07f5f4169bbf55a8400cd47ea6fd400f"


@pytest.mark.parametrize("cipher", [AESGCM, AESGCMSIV])
@pytest.mark.parametrize("wrong", [AAD.replace(b'"ver":7', b'"ver":8'), AAD.replace(b"p-001#1", b"p-001#2"), b"", None])
def test_another_version_or_key_id_beside_it_opens_nothing(cipher: type[AESGCM], wrong: bytes | None) -> None:
    sealed = cipher(KEY).encrypt(NONCE, TEXT, AAD)
    with pytest.raises(InvalidTag):
        cipher(KEY).decrypt(NONCE, sealed, wrong)


def test_a_machine_without_gcm_siv_is_refused_by_name() -> None:
    def lacking(_: bytes) -> AESGCMSIV:
        raise UnsupportedAlgorithm("AES-GCM-SIV")

    for broken in (lacking, AESGCM):  # not there; there, and not what it says
        with pytest.raises(Broken, match="HUB-5074"):
            check_ciphers(broken)
    check_ciphers()


@given(st.binary(max_size=200), st.binary(min_size=16, max_size=16), st.integers(0, 10_000))
def test_a_wrapped_key_opens_in_its_own_row_alone_and_no_changed_bit_goes_unseen(secret: bytes, owner: bytes, bit: int) -> None:
    wrapping, key_id = Wrapping.of(KEY), commitment(secret)
    wrapped = wrapping.wrap(key_id, owner, "main", secret)
    assert wrapping.unwrap(key_id, owner, "main", wrapped) == secret
    flipped = bytearray(wrapped)
    flipped[bit // 8 % len(wrapped)] ^= 1 << bit % 8
    for where in ((key_id, owner, "audit", wrapped), (owner, key_id, "main", wrapped), (key_id, owner, "main", bytes(flipped))):
        with pytest.raises(Broken, match="HUB-5071"):
            wrapping.unwrap(*where)
    with pytest.raises(Broken, match="HUB-5071"):
        Wrapping.of(bytes(32)).unwrap(key_id, owner, "main", wrapped)


def test_a_wrapped_root_is_no_wrapped_key_and_another_master_key_opens_neither() -> None:
    wrapping, root = Wrapping.of(KEY), bytes(range(32, 64))
    wrapped = wrapping.wrap_root(root)
    assert wrapping.unwrap_root(wrapped) == root
    assert Wrapping.of(bytes(32)).unwrap_root(wrapped) is None
    assert wrapping.unwrap_root(wrapping.wrap(commitment(root), b"", "", root)) is None
    assert wrapping.unwrap_root(b"") is None


def test_equal_cells_in_one_place_are_equal_bytes_and_bodies_never_are() -> None:
    from hub.log.keys import DataKey

    key = DataKey(commitment(KEY), bytes(16), "main", 1, KEY, AESGCM(KEY), AESGCMSIV(KEY))
    assert seal_cell(key, TEXT, column="c", row=b"r") == seal_cell(key, TEXT, column="c", row=b"r")
    assert seal_cell(key, TEXT, column="c", row=b"r") != seal_cell(key, TEXT, column="c", row=b"s")
    assert open_cell(key, seal_cell(key, TEXT, column="c", row=b"r"), column="c", row=b"r") == TEXT
    bodies = {seal_body(key, TEXT, stream=bytes(16), event=bytes(16)) for _ in range(100)}
    assert len(bodies) == 100
    assert {open_body(key, b, stream=bytes(16), event=bytes(16)) for b in bodies} == {TEXT}
