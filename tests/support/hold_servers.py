"""A program that opens the embedded servers, says where they are, and keeps them until its end."""

from __future__ import annotations

import sys

from core.settings import process_environ
from embedded.session import open_servers

if __name__ == "__main__":
    with open_servers(process_environ()) as record:
        sys.stdout.write(f"{record.owner_pid} {record.database_url} {record.redis_url}\n")
        sys.stdout.flush()
        sys.stdin.read()
