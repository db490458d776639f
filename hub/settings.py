"""The hub's settings, read once from the environment by `hub.cli`; nobody else sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from hub.kafka.options import Options
from hub.log.master import master_at
from hub.log.unlocking import KeyPlace
from hub.log.witnesses import ORIGIN, Witness, parse_witnesses
from schemas.errors import Broken


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting as the operator writes it."""

    name: str
    default: str
    help_ja: str
    help_en: str


SETTINGS: tuple[Setting, ...] = (
    Setting(
        "TSUNAGU_DATA", "data", "データベースと鍵を置くフォルダー。バックアップの対象", "folder of the database and the keys; back it up"
    ),
    Setting(
        "TSUNAGU_DATABASE",
        "",
        "PostgreSQL の URL（postgresql://…）。空ならデータフォルダーの SQLite",
        "URL of a PostgreSQL database (postgresql://…); empty = SQLite in the data folder",
    ),
    Setting(
        "TSUNAGU_PROCESSES",
        "1",
        "ハブのプロセスの数。2 以上は PostgreSQL が要る",
        "number of hub processes; two or more need PostgreSQL",
    ),
    Setting(
        "TSUNAGU_REGION", "region.json", "地域の登録簿（組織・利用者）のファイル", "file of the region's register (organizations, users)"
    ),
    Setting(
        "TSUNAGU_RULES",
        "",
        "地域の定めのフォルダー（日付つきの JSON）。空ならプログラムに付いているもの",
        "folder of the region's own dated rules (JSON); empty = those that come with the program",
    ),
    Setting(
        "TSUNAGU_MASTER",
        "file:",
        "主鍵の置き場所。file:（TSUNAGU_DATA の master.key）、file:/道、env:変数名、vault:https://ホスト:ポート/マウント/鍵名",
        "place of the master key: file: (master.key in TSUNAGU_DATA), file:/path, env:NAME, vault:https://host:port/mount/keyname",
    ),
    Setting(
        "TSUNAGU_KEYS",
        "",
        "鍵の保管場所にする PostgreSQL（postgresql://…、記録とは別のデータベース）。空なら TSUNAGU_DATA の keys.db",
        "postgresql://… to keep the data keys in, a database of its own; empty = keys.db in TSUNAGU_DATA",
    ),
    Setting("TSUNAGU_LISTEN", "127.0.0.1:8080", "受け付けるアドレスとポート", "address and port to listen on"),
    Setting(
        "TSUNAGU_BASE",
        "http://127.0.0.1:8080",
        "外から見た住所（末尾の / なし）。プロキシの外側のもの",
        "public address without a trailing slash, as seen outside a proxy",
    ),
    Setting(
        "TSUNAGU_WATCH",
        "",
        "見張るフォルダー（中は組織コードごと）。空なら見張らない",
        "folder to watch, with one folder an organization code inside; empty = none",
    ),
    Setting(
        "TSUNAGU_ADAPTERS",
        "hospital,visiting_nurse,care_manager",
        "使うアダプターの名前（コンマ区切り）",
        "names of the adapters to use, comma separated",
    ),
    Setting(
        "TSUNAGU_ORIGIN",
        ORIGIN,
        "記録に署名する名前（ほかと重ならないもの。始めたら変えない）",
        "name under which the log is signed: nobody else's, never changed",
    ),
    Setting(
        "TSUNAGU_WITNESSES",
        "",
        "立会い（鍵、送り先、読める組織コードを空白で。コンマ区切り）",
        "witnesses: key, address to push to, code of the organization that may read; comma separated",
    ),
    Setting(
        "TSUNAGU_KAFKA",
        "",
        "Kafka の宛先（host:port、コンマ区切り）。空なら Kafka を使わない",
        "Kafka's bootstrap servers (host:port, comma separated); empty = no Kafka",
    ),
    Setting(
        "TSUNAGU_KAFKA_SECURITY",
        "PLAINTEXT",
        "Kafka との通信（PLAINTEXT、SSL、SASL_PLAINTEXT、SASL_SSL）",
        "how Kafka is spoken to (PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL)",
    ),
    Setting(
        "TSUNAGU_KAFKA_SASL",
        "",
        "SASL の方式と利用者（SCRAM-SHA-512:tsunagu）",
        "mechanism and user of SASL (SCRAM-SHA-512:tsunagu)",
    ),
    Setting(
        "TSUNAGU_KAFKA_PASSWORD",
        "",
        "SASL のパスワードだけを書いたファイル",
        "file that holds the password of SASL and nothing else",
    ),
    Setting(
        "TSUNAGU_KAFKA_CA",
        "",
        "Kafka の証明書を確かめる認証局のファイル。空なら OS のもの",
        "file of the authorities that Kafka's certificate is checked by; empty = the system's",
    ),
    Setting(
        "TSUNAGU_KAFKA_CERT",
        "",
        "Kafka に見せるハブの証明書のファイル",
        "file of the certificate that the hub shows to Kafka",
    ),
    Setting(
        "TSUNAGU_KAFKA_KEY",
        "",
        "その証明書の秘密鍵のファイル",
        "file of that certificate's private key",
    ),
    Setting(
        "TSUNAGU_KAFKA_REPLICAS",
        "3",
        "ハブが作るトピックの複製の数。0 ならハブは作らない",
        "copies of the topics that the hub makes; 0 = the hub makes none",
    ),
    Setting(
        "TSUNAGU_KEEP_REFUSED",
        "30",
        "受け取れなかった送信の内容を保管する日数",
        "days for which the content of refused messages is kept",
    ),
    Setting(
        "TSUNAGU_KEY_BACKUP_DAYS",
        "14",
        "鍵の写しを残す日数。消去した方に、写しがなくなる日を答えるため",
        "days for which copies of the key store are kept: by then an erasure is complete",
    ),
    Setting(
        "TSUNAGU_NOW",
        "",
        "時計の始まり（ISO 8601）。デモと試験だけ。空なら実際の時刻",
        "start of the clock (ISO 8601), for demos and tests alone; empty = real time",
    ),
)


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings as values."""

    data: Path
    keys: KeyPlace
    database: str
    processes: int
    region: Path
    rules: Path | None
    host: str
    port: int
    base: str
    watch: Path | None
    adapters: tuple[str, ...]
    origin: str
    witnesses: tuple[Witness, ...]
    kafka: Options | None
    keep_refused: timedelta
    key_backups: timedelta
    starts: datetime | None = None

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Settings:
        """Read them; raise Broken (HUB-5012) naming the setting that is wrong, never its value."""
        text = {s.name: environ.get(s.name, s.default) for s in SETTINGS}
        host, _, port = text["TSUNAGU_LISTEN"].rpartition(":")
        if not host or not port.isdigit() or int(port) > 65_535:
            raise Broken("HUB-5012", where="TSUNAGU_LISTEN")
        if text["TSUNAGU_DATABASE"] and not text["TSUNAGU_DATABASE"].startswith(("postgresql://", "postgres://")):
            raise Broken("HUB-5012", where="TSUNAGU_DATABASE")
        if not text["TSUNAGU_PROCESSES"].isdigit() or not 1 <= int(text["TSUNAGU_PROCESSES"]) <= (64 if text["TSUNAGU_DATABASE"] else 1):
            raise Broken("HUB-5012", where="TSUNAGU_PROCESSES")
        if not text["TSUNAGU_BASE"].startswith(("http://", "https://")):
            raise Broken("HUB-5012", where="TSUNAGU_BASE")
        if text["TSUNAGU_KEYS"] and not text["TSUNAGU_KEYS"].startswith(("postgresql://", "postgres://")):
            raise Broken("HUB-5012", where="TSUNAGU_KEYS")
        data = Path(text["TSUNAGU_DATA"])
        master = master_at(text["TSUNAGU_MASTER"], folder=data, environ=environ)
        return cls(
            data=data,
            keys=KeyPlace.under(data, store=text["TSUNAGU_KEYS"], master=master),
            database=text["TSUNAGU_DATABASE"],
            processes=int(text["TSUNAGU_PROCESSES"]),
            region=Path(text["TSUNAGU_REGION"]),
            rules=Path(text["TSUNAGU_RULES"]) if text["TSUNAGU_RULES"] else None,
            host=host,
            port=int(port),
            base=text["TSUNAGU_BASE"].rstrip("/"),
            watch=Path(text["TSUNAGU_WATCH"]) if text["TSUNAGU_WATCH"] else None,
            adapters=tuple(n.strip() for n in text["TSUNAGU_ADAPTERS"].split(",") if n.strip()),
            origin=_origin(text["TSUNAGU_ORIGIN"]),
            witnesses=_witnesses(text["TSUNAGU_WITNESSES"]),
            kafka=Options.read(text),
            keep_refused=_days(text, "TSUNAGU_KEEP_REFUSED"),
            key_backups=_days(text, "TSUNAGU_KEY_BACKUP_DAYS"),
            starts=_moment(text["TSUNAGU_NOW"]),
        )


def _days(text: Mapping[str, str], name: str) -> timedelta:
    if not text[name].isdigit() or int(text[name]) > 36_500:
        raise Broken("HUB-5012", where=name)
    return timedelta(days=int(text[name]))


def _origin(text: str) -> str:
    if not text or "+" in text or any(c.isspace() for c in text):
        raise Broken("HUB-5012", where="TSUNAGU_ORIGIN")
    return text


def _witnesses(text: str) -> tuple[Witness, ...]:
    try:
        return parse_witnesses(text)
    except ValueError as fault:
        raise Broken("HUB-5012", where="TSUNAGU_WITNESSES") from fault


def _moment(text: str) -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as fault:
        raise Broken("HUB-5012", where="TSUNAGU_NOW") from fault
    if found.tzinfo is None:
        raise Broken("HUB-5012", where="TSUNAGU_NOW")
    return found
