"""The verbs of `tsunagu`. Environment and standard streams are seen here and nowhere else."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from hub.cli.logs import to_standard_error
from hub.cli.telling import tell
from hub.settings import Settings
from schemas.errors import Refusal


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; give the exit status: 0 done, 1 not done, 2 wrong use."""
    asked = _parser().parse_args(arguments)
    to_standard_error()
    os.umask(0o077)  # data, keys and tokens are for the hub's own user alone
    try:
        status: int = asked.run(asked)
    except Refusal as refusal:
        tell(refusal)
        return 1
    except KeyboardInterrupt:
        return 130
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tsunagu", description="つなぐ：医療と介護をつなぐ地域のハブ / a hub between medicine and care")
    verbs = parser.add_subparsers(required=True, metavar="VERB")

    serve = verbs.add_parser("serve", help="ハブを動かす / run the hub (settings: TSUNAGU_…)")
    serve.set_defaults(run=_serve)

    demo = verbs.add_parser("demo", help="架空の地域でハブを動かす / run the hub with an invented region")
    demo.add_argument("--port", type=int, default=0, help="0 = 8080、使われていれば空いているもの / 8080, or a free one")
    demo.add_argument("--data", type=Path, help="置き場所（なければ一時フォルダー） / where to keep it (a temporary folder otherwise)")
    demo.add_argument("--json", action="store_true", help="準備ができたら JSON を1行 / one line of JSON when it answers")
    demo.add_argument("--story", action="store_true", help="物語を最後まで演じて終わる / play the story and end")
    demo.add_argument("--seed", type=int, default=1, help="架空の人々の種 / seed of the invented people")
    demo.set_defaults(run=_demo)

    hand = verbs.add_parser("import", help="ファイルやフォルダーを渡す / hand in a file or a folder")
    hand.add_argument("path", type=Path)
    _at(hand)
    hand.set_defaults(run=_import)

    replay = verbs.add_parser(
        "replay", help="記録から表を作り直し、行ごとに比べる / rebuild all tables from the log and compare them row for row"
    )
    replay.add_argument("--data", type=Path, help="TSUNAGU_DATA")
    replay.add_argument(
        "--view", action="append", default=[], help="表のまとまりの名前（くり返し可。なければ全部） / name of a view; all without it"
    )
    replay.add_argument(
        "--swap", action="store_true", help="作り直したものと入れ替える（ハブを止めて） / put what was made in its place (hub stopped)"
    )
    replay.set_defaults(run=_replay)

    verify = verbs.add_parser("verify", help="記録が書き換えられていないことを確かめる / check that the log was not changed")
    verify.add_argument("--data", type=Path, help="TSUNAGU_DATA")
    verify.add_argument(
        "file",
        type=Path,
        nargs="?",
        help="export-log・証明・署名された書類（PDF・JSON）のファイル（なければデータベース） / an exported log, a proof, a signed document",
    )
    verify.add_argument(
        "--key",
        action="append",
        default=[],
        help="署名の公開鍵、またはそのファイル（なければデータの中のもの） / public key of the log, or a file of keys",
    )
    verify.add_argument("--witness", action="append", default=[], help="立会いの公開鍵、またはそのファイル / key of a witness, or a file")
    verify.add_argument("--quorum", type=int, help="いちばん新しい先頭に要る立会いの数 / witnesses that the newest head needs")
    verify.add_argument("--outside", type=Path, action="append", default=[], help="外で保管した署名 / signed heads kept elsewhere")
    verify.set_defaults(run=_verify)

    export = verbs.add_parser("export-log", help="記録と署名をファイルに書き出す / write the log and its signed heads to a file")
    export.add_argument("file", type=Path)
    export.add_argument("--data", type=Path, help="TSUNAGU_DATA")
    export.set_defaults(run=_export_log)

    token = verbs.add_parser("token", help="組織のトークンを発行する（ハブを止めて） / make a token for an organization (hub stopped)")
    token.add_argument("organization")
    token.add_argument("--revoke", action="store_true", help="その組織のトークンをすべて使えなくする / take all of its tokens back")
    token.set_defaults(run=_token)

    invite = verbs.add_parser("invite", help="利用者を招待する（ハブを止めて） / invite a user to make a passkey (hub stopped)")
    invite.add_argument("user", help="登録簿の利用者の番号 / id of a user in the register")
    invite.add_argument("--revoke", action="store_true", help="パスキーと招待をすべて使えなくする / take all passkeys and invitations back")
    invite.set_defaults(run=_invite)

    rotate = verbs.add_parser("rotate-key", help="主鍵を替える（ハブを止めて） / change the master key (hub stopped)")
    rotate.add_argument("--data", type=Path, help="TSUNAGU_DATA")
    rotate.add_argument(
        "--to", default="", help="新しい主鍵の置き場所（TSUNAGU_MASTER と同じ書き方） / place of the new one, written as TSUNAGU_MASTER is"
    )
    rotate.set_defaults(run=_rotate)

    status = verbs.add_parser("status", help="動いているハブの様子を見る / how the running hub is (1 = something stands)")
    _at(status)
    status.set_defaults(run=_status)

    follower = verbs.add_parser(
        "follower", help="止まった仕事をもう一度動かす・とばす / let a follower that stands try again, or pass an event by"
    )
    follower.add_argument("what", choices=("retry", "skip"))
    follower.add_argument("name")
    follower.add_argument("--reason", default="", help="とばす理由（記録に残ります） / why it is passed by: recorded")
    _at(follower)
    follower.set_defaults(run=_follower)

    erase = verbs.add_parser(
        "erase", help="人の情報を消去する（提供を止め、期限が来たら鍵を消す） / erase a person: stop provision, then destroy the keys"
    )
    erase.add_argument("person", nargs="?", default="", help="Patient/tsu-… か、画面の番号 / Patient/tsu-… or the officer's reference")
    erase.add_argument("--basis", default="", help="根拠の符号（JP-35-5 など） / code of the ground")
    erase.add_argument("--reason", default="", help="理由（記録に残ります） / why: recorded")
    erase.add_argument("--now", action="store_true", help="期限を待たずに鍵を消す / destroy the keys before their day")
    erase.add_argument("--lift", action="store_true", help="提供の停止を取りやめる / take the restriction back")
    erase.add_argument("--list", action="store_true", help="消去の一覧 / the erasures that were asked for")
    _at(erase)
    erase.set_defaults(run=_erase)

    authenticator = verbs.add_parser("authenticator", help="緊急開示の確認コードの鍵を表示する / show a user's one-time-code secret")
    authenticator.add_argument("user")
    authenticator.set_defaults(run=_authenticator)
    return parser


def _settings(data: Path | None = None) -> Settings:
    return Settings.read({**os.environ, "TSUNAGU_DATA": str(data)} if data else os.environ)


def _serve(_: argparse.Namespace) -> int:
    from hub.cli.serving import serve

    return serve(_settings())


def _demo(asked: argparse.Namespace) -> int:
    from hub.cli.demo import demo

    if asked.story:
        from hub.demo.story import tell

        return tell(seed=asked.seed)
    return demo(port=asked.port, data=asked.data, as_json=asked.json, seed=asked.seed)


def _import(asked: argparse.Namespace) -> int:
    from hub.cli.handing import hand_in

    return hand_in(asked.path, *_where(asked))


def _erase(asked: argparse.Namespace) -> int:
    from hub.cli.erasing import erase, listed

    if asked.list:
        return listed(*_where(asked))
    if not asked.person or asked.lift is bool(asked.basis or asked.now):
        print("PERSON と、--basis（--now も）か --lift が要ります / give PERSON and --basis (and --now), or --lift", file=sys.stderr)
        return 2
    if asked.now and not asked.reason.strip():  # before provision is stopped for nothing but that
        print("--now には --reason が要ります / --now needs --reason", file=sys.stderr)
        return 2
    return erase(*_where(asked), asked.person, asked.basis, asked.reason, at_once=asked.now, lift=asked.lift)


def _at(parser: argparse.ArgumentParser) -> None:
    """Let a verb that asks a running hub be told where it is."""
    parser.add_argument("--to", default="", help="ハブの住所（TSUNAGU_BASE） / address of the hub")
    parser.add_argument("--token", default="", help="組織のトークン（TSUNAGU_TOKEN） / the organization's token")


def _where(asked: argparse.Namespace) -> tuple[str, str]:
    """Give the address of the hub and the token."""
    base = asked.to or os.environ.get("TSUNAGU_BASE", "http://127.0.0.1:8080")
    return base.rstrip("/"), asked.token or os.environ.get("TSUNAGU_TOKEN", "")


def _status(asked: argparse.Namespace) -> int:
    from hub.cli.status import status

    return status(*_where(asked))


def _follower(asked: argparse.Namespace) -> int:
    from hub.cli.status import retry, skip

    if asked.what == "retry":
        return retry(*_where(asked), asked.name)
    return skip(*_where(asked), asked.name, asked.reason)


def _data(asked: argparse.Namespace) -> Path:
    found: Path = asked.data or _settings().data
    return found


def _replay(asked: argparse.Namespace) -> int:
    from hub.assemble import DATABASE
    from hub.cli.replaying import replace, replay

    settings = _settings(asked.data)
    database = settings.database or settings.data / DATABASE
    work = replace if asked.swap else replay
    return work(database, data=settings.data, keys=settings.keys, region=settings.region, rules=settings.rules, views=asked.view)


def _verify(asked: argparse.Namespace) -> int:
    from hub.cli.proving import verify

    settings = _settings(asked.data)
    return verify(
        asked.file, data=settings.data, database=settings.database, keys=asked.key, witnesses=asked.witness, quorum=asked.quorum,
        outside=asked.outside,
    )  # fmt: skip


def _export_log(asked: argparse.Namespace) -> int:
    from hub.cli.proving import export

    settings = _settings(asked.data)
    return export(asked.file, data=settings.data, database=settings.database)


def _token(asked: argparse.Namespace) -> int:
    from hub.cli.tokens import token

    return token(_settings(), asked.organization, revoke=asked.revoke)


def _invite(asked: argparse.Namespace) -> int:
    from hub.cli.inviting import invite

    return invite(_settings(), asked.user, revoke=asked.revoke)


def _rotate(asked: argparse.Namespace) -> int:
    from hub.log.master import master_at
    from hub.log.unlocking import rotate

    settings = _settings(asked.data)
    following = master_at(asked.to, folder=settings.data, environ=os.environ, setting="--to") if asked.to else settings.keys.master
    count = rotate(settings.keys, following)
    print(f"主鍵を替え、データ鍵 {count:,} 本を包み直しました / the master key was changed, {count:,} data keys wrapped anew")
    if asked.to:
        print("TSUNAGU_MASTER を --to と同じにしてから始めてください / set TSUNAGU_MASTER to the place named by --to before you start")
    print("新しい主鍵の写しを、別の場所に置いてください / put a copy of the new master key in another place")
    return 0


def _authenticator(asked: argparse.Namespace) -> int:
    from hub.log.unlocking import open_keys
    from hub.region import read_region
    from schemas.errors import NotFound

    settings = _settings()
    if asked.user not in read_region(settings.region).users:
        raise NotFound("HUB-5015")
    secrets, keys = open_keys(settings.keys, begun=True)
    keys.close()
    print(secrets.totp_seed(asked.user))
    return 0


if __name__ == "__main__":
    sys.exit(main())
