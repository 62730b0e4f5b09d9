-- Times are UTC text of one width ("2026-01-31T12:00:00.000000+00:00"), so that they compare as text.

CREATE TABLE tickets (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    subject      TEXT NOT NULL,
    invariant    TEXT NOT NULL,
    target       TEXT NOT NULL,
    summary      TEXT NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('open', 'claimed', 'verifying', 'held', 'escalated', 'resolved')),
    opened_at    TEXT NOT NULL,
    changed_at   TEXT NOT NULL,
    resolved_at  TEXT,
    occurrences  INTEGER NOT NULL DEFAULT 1,
    flapping     INTEGER NOT NULL DEFAULT 0,
    whole        INTEGER NOT NULL DEFAULT 0, -- the invariant holds again, not yet for long enough
    hand_backs   INTEGER NOT NULL DEFAULT 0,
    still_broken TEXT NOT NULL DEFAULT '',   -- what the monitor saw when it handed the ticket back
    agent        TEXT,                       -- who works on it; with a lease while the state is 'claimed'
    lease_until  TEXT,
    CHECK ((state = 'claimed') = (lease_until IS NOT NULL)),
    CHECK ((state = 'resolved') = (resolved_at IS NOT NULL))
);

-- One live ticket a violated invariant and target.
CREATE UNIQUE INDEX tickets_live ON tickets (subject, invariant, target) WHERE state <> 'resolved';

CREATE TABLE ticket_events (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    ticket      INTEGER NOT NULL REFERENCES tickets (id),
    at          TEXT NOT NULL,
    actor       TEXT NOT NULL,
    state       TEXT NOT NULL,
    note        TEXT NOT NULL,
    summary     TEXT NOT NULL,
    occurrences INTEGER NOT NULL,
    flapping    INTEGER NOT NULL
);
CREATE INDEX ticket_events_ticket ON ticket_events (ticket);

CREATE TABLE sessions (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    subject    TEXT NOT NULL,
    ticket     INTEGER NOT NULL REFERENCES tickets (id),
    attempt    INTEGER NOT NULL,
    agent      TEXT NOT NULL,
    model      TEXT NOT NULL,
    mode       TEXT NOT NULL,
    worker     TEXT NOT NULL,                -- the agent process, as in tickets.agent
    started_at TEXT NOT NULL,
    ended_at   TEXT,
    outcome    TEXT,
    summary    TEXT NOT NULL DEFAULT '',
    CHECK ((ended_at IS NULL) = (outcome IS NULL))
);
CREATE INDEX sessions_ticket ON sessions (ticket);
CREATE INDEX sessions_running ON sessions (id) WHERE ended_at IS NULL;

-- The audit: one chain over all sessions. `hash` covers every other column, see operator_core/audit/chain.py.
CREATE TABLE entries (
    id       INTEGER PRIMARY KEY,
    session  INTEGER REFERENCES sessions (id), -- NULL for what happens between sessions
    at       TEXT NOT NULL,
    kind     TEXT NOT NULL,
    content  TEXT NOT NULL,                    -- a JSON object
    previous TEXT NOT NULL,
    hash     TEXT NOT NULL
);
CREATE INDEX entries_session ON entries (session, kind);

CREATE TRIGGER entries_insert BEFORE INSERT ON entries
WHEN NEW.id IS NOT (SELECT ifnull(max(id), 0) + 1 FROM entries)
  OR NEW.previous IS NOT ifnull((SELECT hash FROM entries ORDER BY id DESC LIMIT 1), printf('%064d', 0))
BEGIN SELECT RAISE(ABORT, 'an audit entry can only be added at the end of the chain'); END;

CREATE TRIGGER entries_update BEFORE UPDATE ON entries
BEGIN SELECT RAISE(ABORT, 'audit entries are never changed'); END;

CREATE TRIGGER entries_delete BEFORE DELETE ON entries
BEGIN SELECT RAISE(ABORT, 'audit entries are never deleted'); END;

CREATE TRIGGER sessions_update BEFORE UPDATE ON sessions
WHEN OLD.ended_at IS NOT NULL
  OR (NEW.id, NEW.subject, NEW.ticket, NEW.attempt, NEW.agent, NEW.model, NEW.mode, NEW.worker, NEW.started_at)
  IS NOT (OLD.id, OLD.subject, OLD.ticket, OLD.attempt, OLD.agent, OLD.model, OLD.mode, OLD.worker, OLD.started_at)
BEGIN SELECT RAISE(ABORT, 'a session is only ever ended, once'); END;

CREATE TRIGGER sessions_delete BEFORE DELETE ON sessions
BEGIN SELECT RAISE(ABORT, 'sessions are never deleted'); END;

CREATE TRIGGER ticket_events_update BEFORE UPDATE ON ticket_events
BEGIN SELECT RAISE(ABORT, 'the history of a ticket is never changed'); END;

CREATE TRIGGER ticket_events_delete BEFORE DELETE ON ticket_events
BEGIN SELECT RAISE(ABORT, 'the history of a ticket is never deleted'); END;

CREATE TRIGGER tickets_delete BEFORE DELETE ON tickets
BEGIN SELECT RAISE(ABORT, 'tickets are never deleted'); END;
