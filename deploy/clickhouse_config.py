"""The embedded server's configuration: two XML files, made anew at every start, and two passwords, made once.

Who may do what:

- `default` is the session inside the process that holds the listeners open. It can have no password, so nobody
  else gets in under its name: its one session is taken, and its rights end at opening listeners.
- `penstock` writes: everything in the databases `penstock` and `penstock_…`, nothing on the machine.
- `reader` is for people: SELECT in `penstock`, the erasure key apart, within limits that leave the writer its share.
"""

import hashlib
import os
import secrets
from pathlib import Path
from xml.sax.saxutils import escape

import msgspec

from deploy.clickhouse_server import CONFIG_FOLDER, STORE_FOLDER
from schemas.settings import BadSettings

WRITER = "penstock"
READER = "reader"
DATABASE = "penstock"

SERVER_SHARE_OF_MEMORY = 0.5
READER_SHARE_OF_SERVER = 0.5
READER_SECONDS = 300
READER_QUERIES = 16
# Bytes that the server leaves of its disk: on a full one it writes half of a file, or nothing of it, without an error.
KEPT_FREE = 128 * 1024 * 1024
CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")


class Passwords(msgspec.Struct, frozen=True):
    """Of the two users that come over the network."""

    writer: str
    reader: str


def kept_passwords(folder: Path) -> Passwords:
    """The passwords of this data folder, made at the first start. The server cannot read this file. Raises
    `BadSettings` if it is damaged, and `OSError`."""
    file = folder / "passwords.json"
    try:
        return msgspec.json.decode(file.read_bytes(), type=Passwords)
    except FileNotFoundError:
        passwords = Passwords(secrets.token_urlsafe(24), secrets.token_urlsafe(24))
        write_private(file, msgspec.json.encode(passwords))
        return passwords
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadSettings(f"{file} is damaged ({error}): remove it, and the next start makes new ones") from None


def write_config(folder: Path, passwords: Passwords, *, http_port: int, tcp_port: int | None) -> None:
    """Make the server's folders and its two configuration files."""
    for name in (CONFIG_FOLDER, STORE_FOLDER):
        (folder / name).mkdir(mode=0o700, exist_ok=True)
    memory = int(memory_of_machine() * SERVER_SHARE_OF_MEMORY)
    config = _config_xml(folder, http_port, tcp_port, memory)
    users = _users_xml(passwords, int(memory * READER_SHARE_OF_SERVER))
    write_private(folder / CONFIG_FOLDER / "config.xml", config.encode())
    write_private(folder / CONFIG_FOLDER / "users.xml", users.encode())


def write_private(file: Path, content: bytes) -> None:
    """Write a file that only its owner reads: whole or not at all, whenever the machine stops."""
    fresh = file.with_name(f".{file.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    fresh.replace(file)


def memory_of_machine() -> int:
    """Bytes of memory, or of this container's share of it."""
    installed = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    try:
        return min(installed, int(CGROUP_LIMIT.read_text()))
    except (FileNotFoundError, ValueError):  # no container, or "max": no limit
        return installed


def _config_xml(folder: Path, http_port: int, tcp_port: int | None, memory: int) -> str:
    tcp = f"<tcp_port>{tcp_port}</tcp_port>" if tcp_port else ""
    return f"""<clickhouse>
    <listen_host>127.0.0.1</listen_host>
    <http_port>{http_port}</http_port>{tcp}
    <users_config>{escape(str(folder / CONFIG_FOLDER / "users.xml"))}</users_config>
    <max_server_memory_usage>{memory}</max_server_memory_usage>
    <storage_configuration><disks><default>
        <keep_free_space_bytes>{KEPT_FREE}</keep_free_space_bytes></default></disks></storage_configuration>
    <!-- The level is log-level: a local tool passes over logger.level. -->
    <log-level>error</log-level>
    <logger><log>{escape(str(folder / "clickhouse.log"))}</log><size>10M</size><count>2</count></logger>
</clickhouse>
"""


def _users_xml(passwords: Passwords, reader_memory: int) -> str:
    return f"""<clickhouse>
    <profiles>
        <default><allow_python_table_function>0</allow_python_table_function></default>
        <inner><max_sessions_for_user>1</max_sessions_for_user>
            <max_concurrent_queries_for_user>1</max_concurrent_queries_for_user></inner>
        <reader>
            <readonly>2</readonly>
            <allow_python_table_function>0</allow_python_table_function>
            <max_execution_time>{READER_SECONDS}</max_execution_time>
            <max_memory_usage_for_user>{reader_memory}</max_memory_usage_for_user>
            <max_concurrent_queries_for_user>{READER_QUERIES}</max_concurrent_queries_for_user>
            <constraints>
                <allow_python_table_function><const/></allow_python_table_function>
                <max_execution_time><min>1</min><max>{READER_SECONDS}</max></max_execution_time>
                <max_memory_usage_for_user><const/></max_memory_usage_for_user>
                <max_concurrent_queries_for_user><const/></max_concurrent_queries_for_user>
            </constraints>
        </reader>
    </profiles>
    <quotas><default/></quotas>
    <users>
        <default><password/>{_user("inner", _INNER_GRANTS)}</default>
        <{WRITER}>{_hashed(passwords.writer)}{_user("default", _WRITER_GRANTS)}</{WRITER}>
        <{READER}>{_hashed(passwords.reader)}<default_database>{DATABASE}</default_database>
            {_user("reader", _READER_GRANTS)}</{READER}>
    </users>
</clickhouse>
"""


_INNER_GRANTS = ("GRANT SYSTEM LISTEN ON *.*", "GRANT CREATE TEMPORARY TABLE ON *.*", "GRANT READ ON FILE")
_WRITER_GRANTS = (
    f"GRANT SELECT, INSERT, ALTER, CREATE, DROP, UNDROP TABLE, TRUNCATE, OPTIMIZE ON {DATABASE}*.*",
    f"GRANT SHOW, SYSTEM, dictGet ON {DATABASE}*.*",
    "GRANT SELECT ON system.*",
    "GRANT TABLE ENGINE ON *",
    "GRANT CREATE TEMPORARY TABLE ON *.*",
)
# With the key somebody could try names until one has the hash of a deletion.
_READER_GRANTS = (f"GRANT SELECT ON {DATABASE}.*", f"REVOKE SELECT ON {DATABASE}.erasure_key")


def _user(profile: str, grants: tuple[str, ...]) -> str:
    queries = "".join(f"<query>{grant}</query>" for grant in grants)
    return (
        f"<networks><ip>127.0.0.1</ip></networks><profile>{profile}</profile><quota>default</quota>"
        f"<grants>{queries}</grants>"
    )


def _hashed(password: str) -> str:
    return f"<password_sha256_hex>{hashlib.sha256(password.encode()).hexdigest()}</password_sha256_hex>"
