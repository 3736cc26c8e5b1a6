"""The tables, how older ones become them, and the longer commands on them."""

_JOBS = """
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
)
"""
_JOBS_IN_LINE = "CREATE INDEX IF NOT EXISTS jobs_in_line ON jobs (state, priority DESC, sequence)"

_BATCHES = """
CREATE TABLE batches (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    created_at REAL NOT NULL
)
"""
_TEMPLATES = """
CREATE TABLE templates (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    path TEXT NOT NULL,
    is_default INTEGER NOT NULL,
    added_at REAL NOT NULL,
    footage TEXT NOT NULL,
    face_point TEXT NOT NULL DEFAULT '',
    asset_key TEXT NOT NULL DEFAULT '',
    look TEXT NOT NULL DEFAULT '',
    frames_without_face INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    error_code TEXT NOT NULL DEFAULT '',
    error_message TEXT NOT NULL DEFAULT '',
    use_count INTEGER NOT NULL DEFAULT 0,
    used_at REAL
)
"""
_COUNT_USE = """
CREATE TRIGGER count_use AFTER INSERT ON jobs WHEN NEW.template_id <> '' BEGIN
    UPDATE templates SET use_count = use_count + 1, used_at = NEW.created_at WHERE id = NEW.template_id;
END
"""

# What takes the database from each version to the next.
STEPS: tuple[tuple[str, ...], ...] = (
    (_JOBS, _JOBS_IN_LINE),
    (
        "ALTER TABLE jobs ADD COLUMN batch_id TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE jobs ADD COLUMN template_id TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE jobs ADD COLUMN template_was_prepared INTEGER",
        "ALTER TABLE jobs ADD COLUMN checkup TEXT NOT NULL DEFAULT ''",
        "CREATE INDEX jobs_of_batch ON jobs (batch_id, sequence)",
        _BATCHES,
        _TEMPLATES,
        _COUNT_USE,
    ),
)
SCHEMA_VERSION = len(STEPS)

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
TRY_AGAIN = """
UPDATE jobs SET state = 'pending', cancel_requested = 0, attempt = 0, deaths = 0, engine_errors = '{}',
    stage = '', stage_started_at = NULL, done = 0, total = 0, started_at = NULL, finished_at = NULL,
    error_code = '', error_message = '', error_details = '{}'
WHERE id = :id AND state IN ('failed', 'canceled')
"""
PLACE_IN_LINE = """
SELECT COUNT(*) FROM jobs AS other JOIN jobs AS own ON own.id = :id
WHERE own.state = 'pending' AND other.state = 'pending'
    AND (other.priority > own.priority OR (other.priority = own.priority AND other.sequence <= own.sequence))
"""
NEWEST_BATCHES = """
SELECT id FROM batches WHERE EXISTS (SELECT 1 FROM jobs WHERE batch_id = batches.id)
ORDER BY sequence DESC LIMIT :limit
"""
TEMPLATE_HITS = """
SELECT SUM(template_was_prepared) AS hits, COUNT(*) AS jobs FROM (
    SELECT template_was_prepared FROM jobs WHERE template_was_prepared NOT NULL
    ORDER BY sequence DESC LIMIT :last
)
"""
