"""A service that lists services and runs from SQLite, as a team would write it: `list_fastapi.py FOLDER SERVICES RUNS`."""

import os
import sqlite3
import sys
import threading

import uvicorn
from fastapi import FastAPI

path = os.path.join(sys.argv[1], "peer.db")
services, runs = int(sys.argv[2]), int(sys.argv[3])
with sqlite3.connect(path) as seed:
    seed.executescript(
        "PRAGMA journal_mode = WAL;"
        "CREATE TABLE services (id TEXT PRIMARY KEY, team TEXT, offer TEXT, environment TEXT, state TEXT, why TEXT, drifted INTEGER, held INTEGER, units INTEGER);"
        "CREATE TABLE runs (seq INTEGER PRIMARY KEY, id TEXT UNIQUE, service TEXT, kind TEXT, state TEXT, created_at TEXT, updated_at TEXT, why TEXT);"
    )
    seed.executemany(
        "INSERT INTO services VALUES (?, ?, 'database-postgres', 'production', 'ready', NULL, 0, 0, 1)",
        ((f"service-{n:06}", f"team-{n % 100:03}") for n in range(services)),
    )
    seed.executemany(
        "INSERT INTO runs VALUES (?, ?, ?, 'create', 'succeeded', '2026-01-01T00:00:00Z', '2026-01-01T00:00:04Z', NULL)",
        ((n + 1, f"run-{n:07}", f"service-{n % services:06}") for n in range(runs)),
    )
seed.close()

app = FastAPI()
local = threading.local()


def rows(text: str, arguments: tuple) -> list[dict]:
    if not hasattr(local, "database"):
        local.database = sqlite3.connect(path)
        local.database.row_factory = sqlite3.Row
    return [dict(row) for row in local.database.execute(text, arguments)]


@app.get("/services")
def list_services(after: str = "", limit: int = 50) -> dict:
    items = rows("SELECT * FROM services WHERE id > ? ORDER BY id LIMIT ?", (after, limit))
    return {"items": items, "next": items[-1]["id"] if items else None}


@app.get("/runs")
def list_runs(before: int = 1 << 60, limit: int = 50) -> dict:
    items = rows("SELECT * FROM runs WHERE seq < ? ORDER BY seq DESC LIMIT ?", (before, limit))
    return {"items": items, "next": items[-1]["seq"] if items else None}


uvicorn.run(app, host="127.0.0.1", port=0, log_level="info", access_log=False)
