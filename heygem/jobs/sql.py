"""The table of jobs, and the longer commands on it."""

SCHEMA_VERSION = 1

SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    idempotency_key TEXT UNIQUE,
    state TEXT NOT NULL CHECK (state IN ('pending', 'running', 'succeeded', 'failed', 'canceled')),
    priority INTEGER NOT NULL,
    engine TEXT NOT NULL,
    audio_path TEXT NOT NULL,
    template_path TEXT NOT NULL,
    options TEXT NOT NULL,
    title TEXT NOT NULL,
    audio_name TEXT NOT NULL,
    template_name TEXT NOT NULL,
    created_at REAL NOT NULL,
    started_at REAL,
    finished_at REAL,
    heartbeat_at REAL,
    stage TEXT NOT NULL DEFAULT '',
    stage_started_at REAL,
    done INTEGER NOT NULL DEFAULT 0,
    total INTEGER NOT NULL DEFAULT 0,
    attempt INTEGER NOT NULL DEFAULT 0,
    deaths INTEGER NOT NULL DEFAULT 0,
    engine_errors TEXT NOT NULL DEFAULT '{}',
    cancel_requested INTEGER NOT NULL DEFAULT 0,
    pinned INTEGER NOT NULL DEFAULT 0,
    error_code TEXT NOT NULL DEFAULT '',
    error_message TEXT NOT NULL DEFAULT '',
    error_details TEXT NOT NULL DEFAULT '{}',
    output_path TEXT,
    output_sha256 TEXT NOT NULL DEFAULT '',
    timings TEXT NOT NULL DEFAULT '{}'
);
CREATE INDEX IF NOT EXISTS jobs_in_line ON jobs (state, priority DESC, sequence);
"""

CLAIM = """
UPDATE jobs SET state = 'running', attempt = attempt + 1, started_at = :now, heartbeat_at = :now,
    stage = '', stage_started_at = NULL, done = 0, total = 0
WHERE sequence = (SELECT sequence FROM jobs WHERE state = 'pending' ORDER BY priority DESC, sequence LIMIT 1)
RETURNING *
"""
HEARTBEAT = """
UPDATE jobs SET heartbeat_at = :now, done = :done, total = :total,
    stage_started_at = CASE WHEN stage = :stage THEN stage_started_at ELSE :now END, stage = :stage
WHERE id = :id AND state = 'running'
RETURNING cancel_requested
"""
INPUTS_IN_USE = """
SELECT audio_path, template_path FROM jobs WHERE state IN ('pending', 'running') OR finished_at >= :since
"""
CANCEL = """
UPDATE jobs SET cancel_requested = 1, finished_at = CASE state WHEN 'pending' THEN :now END,
    state = CASE state WHEN 'pending' THEN 'canceled' ELSE state END
WHERE id = :id AND state IN ('pending', 'running')
"""
