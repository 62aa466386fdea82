BEGIN TRANSACTION;
CREATE TABLE checkpoints (              -- those whose files are kept
    study_id BIGINT NOT NULL REFERENCES studies (id),
    trial INTEGER NOT NULL,
    epoch INTEGER NOT NULL,             -- after which it was taken
    path TEXT NOT NULL,                 -- in the study's checkpoint folder
    size BIGINT NOT NULL,               -- bytes
    at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (study_id, trial, epoch),
    FOREIGN KEY (study_id, trial) REFERENCES trials (study_id, number)
);
INSERT INTO "checkpoints" VALUES(1,0,3,'0.ckpt',5,4.0);
CREATE TABLE commands (                 -- what somebody asked of a trial
    id INTEGER PRIMARY KEY,
    study_id BIGINT NOT NULL REFERENCES studies (id),
    trial INTEGER NOT NULL,
    kind TEXT NOT NULL,                 -- pause, resume, stop, set, rewind, branch, note, checkpoint
    "by" TEXT NOT NULL,                 -- who, or which rule
    why TEXT NOT NULL,
    data TEXT NOT NULL,                 -- JSON: what it needs to know, and what came of it
    at DOUBLE PRECISION NOT NULL,
    taken_at DOUBLE PRECISION,          -- NULL while it waits
    epoch INTEGER,                      -- the epoch of the trial after which it was taken up
    refused TEXT,                       -- why nothing was done
    revision BIGINT NOT NULL,
    FOREIGN KEY (study_id, trial) REFERENCES trials (study_id, number)
);
INSERT INTO "commands" VALUES(1,1,0,'set','user','','{"name": "x", "value": 0.25, "from": 0.5}',6.0,6.5,4,NULL,18);
CREATE TABLE events (                   -- what else happened
    id INTEGER PRIMARY KEY,
    study_id BIGINT NOT NULL REFERENCES studies (id),
    trial INTEGER,
    epoch INTEGER,
    kind TEXT NOT NULL,
    "by" TEXT NOT NULL,
    data TEXT NOT NULL,                 -- JSON
    at DOUBLE PRECISION NOT NULL,
    revision BIGINT NOT NULL,
    FOREIGN KEY (study_id, trial) REFERENCES trials (study_id, number)
);
INSERT INTO "events" VALUES(1,1,1,1,'failed','tunewell','{"n": 1}',5.0,12);
CREATE TABLE reports (                  -- what an epoch measured
    id INTEGER PRIMARY KEY,
    study_id BIGINT NOT NULL,
    trial INTEGER NOT NULL,
    epoch INTEGER NOT NULL,             -- from 1; if one is there twice, the newest row counts
    value DOUBLE PRECISION,             -- the study's metric; the infinity that is worst if it was not finite
    metrics TEXT NOT NULL,              -- JSON: metric -> number, or "NaN", "Infinity", "-Infinity"
    at DOUBLE PRECISION NOT NULL,
    revision BIGINT NOT NULL,
    FOREIGN KEY (study_id, trial) REFERENCES trials (study_id, number)
);
INSERT INTO "reports" VALUES(1,1,0,1,0.5,'{"val_loss": 0.5, "train_loss": "Infinity"}',1.0,5);
INSERT INTO "reports" VALUES(2,1,1,1,0.75,'{"val_loss": 0.75}',2.0,7);
INSERT INTO "reports" VALUES(3,1,0,3,NULL,'{"train_loss": 0.25}',3.0,8);
INSERT INTO "reports" VALUES(4,1,0,4,1e999,'{"val_loss": "NaN"}',6.0,15);
CREATE TABLE sessions (                 -- one process that ran a study
    id INTEGER PRIMARY KEY,
    study_id BIGINT NOT NULL REFERENCES studies (id),
    started_at DOUBLE PRECISION NOT NULL,
    ended_at DOUBLE PRECISION,          -- NULL while it runs, or if it was killed
    host TEXT NOT NULL,
    pid INTEGER NOT NULL,
    command TEXT NOT NULL,
    directory TEXT NOT NULL,
    git_commit TEXT,
    git_dirty BOOLEAN,                  -- files differed from the commit
    versions TEXT NOT NULL              -- JSON: package -> version
, process TEXT /* when the process began: boot:tick */, beats BIGINT NOT NULL DEFAULT 0 /* raised while it runs */);
INSERT INTO "sessions" VALUES(1,1,1750000000.0,NULL,'laptop',4711,'tunewell tune ''my train.py''','/home/ada','abc',1,'{"python": "3.13.0"}','0ae3c6f2-2a8e-4d5b-9c3e-5d9f3e6f8a11:4711',1);
CREATE TABLE spaces (                   -- the versions of a study's space, the newest of which is studies.space
    study_id BIGINT NOT NULL REFERENCES studies (id),
    number INTEGER NOT NULL,            -- from 1
    space TEXT NOT NULL,                -- JSON
    held TEXT NOT NULL,                 -- JSON: parameter -> what earlier trials, whose params lack it, had of it
    first_trial INTEGER NOT NULL,       -- how many trials there were before
    at DOUBLE PRECISION NOT NULL,
    "by" TEXT NOT NULL,
    PRIMARY KEY (study_id, number)
);
INSERT INTO "spaces" VALUES(1,1,'{"params": {"x": {"low": 1e-05, "high": 1.0, "default": null}}, "names": ["x", "gr\u00f6\u00dfe"]}','{}',0,1750000000.0,'tunewell');
INSERT INTO "spaces" VALUES(1,2,'{"params": {"x": {"low": 1e-09}}, "names": ["x", "y"]}','{"y": {"float": "Infinity"}}',2,1760000000.0,'ada');
CREATE TABLE steps (                    -- what the scheduler decided, in order
    study_id BIGINT NOT NULL REFERENCES studies (id),
    number INTEGER NOT NULL,            -- from 0
    trial INTEGER NOT NULL,
    first INTEGER NOT NULL,             -- train the trial from this epoch
    until INTEGER NOT NULL,             -- through this one
    session BIGINT NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (study_id, number),
    FOREIGN KEY (study_id, trial) REFERENCES trials (study_id, number)
);
INSERT INTO "steps" VALUES(1,0,0,1,3,0,1.79581142160673975938e+09);
INSERT INTO "steps" VALUES(1,1,1,1,3,0,1.79581142164138650896e+09);
INSERT INTO "steps" VALUES(1,2,0,1,3,0,1.79581142181902694704e+09);
INSERT INTO "steps" VALUES(1,3,2,1,3,0,1.79581142185104870789e+09);
CREATE TABLE studies (
    id INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL UNIQUE,          -- names the study across stores
    name TEXT NOT NULL UNIQUE,
    metric TEXT NOT NULL,               -- what is optimized
    direction TEXT NOT NULL,            -- minimize or maximize
    max_epochs INTEGER,                 -- of a full training; NULL until the first training tells
    budget TEXT NOT NULL,               -- 30trainings, 900epochs, 100trials, 7200s
    seed BIGINT NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,   -- times are seconds since 1970 (UTC)
    revision BIGINT NOT NULL,           -- counts the changes of the study
    n_steps INTEGER NOT NULL,           -- how many steps were given out
    space TEXT NOT NULL,                -- JSON
    scheduler TEXT NOT NULL             -- JSON: name and settings
, n_spaces INTEGER NOT NULL DEFAULT 1 /* versions of its space */, min_delta DOUBLE PRECISION NOT NULL DEFAULT 0 /* 0: never early */, seconds DOUBLE PRECISION NOT NULL DEFAULT 0 /* it was run for */, is_paused BOOLEAN NOT NULL DEFAULT FALSE /* no step is given out */, aims TEXT NOT NULL DEFAULT '{}' /* JSON: metrics, limits */);
INSERT INTO "studies" VALUES(1,'d9b2d63d-a233-4123-847a-1d1f1b2b4c5d','digits','val_loss','minimize',9,'30trainings',9007199254740993,1750000000.0,21,4,'{"params": {"x": {"low": 1e-09}}, "names": ["x", "y"]}','{"name": "asha", "eta": 3, "sampler": {"name": "sobol"}}',2,0.0,1.5,0,'{"metrics": {"val_loss": "minimize", "latency_ms": "minimize"}, "limits": ["gr\u00f6\u00dfe <= 8"]}');
CREATE TABLE trials (                   -- one training run of one setting
    study_id BIGINT NOT NULL REFERENCES studies (id),
    number INTEGER NOT NULL,            -- its place in the study, from 0
    params TEXT NOT NULL,               -- JSON: parameter -> value
    state TEXT NOT NULL,                -- running, paused, complete, stopped, failed
    epochs INTEGER NOT NULL,            -- the last epoch of its last finished step
    until INTEGER NOT NULL,             -- the epoch at which its last step ends
    seed BIGINT NOT NULL,
    started_at DOUBLE PRECISION NOT NULL,
    ended_at DOUBLE PRECISION,
    reason TEXT,                        -- why it was stopped, or the traceback of its failure
    retrained INTEGER NOT NULL,         -- epochs that were trained twice
    parent INTEGER,                     -- the trial that it branched from, at parent_epoch
    parent_epoch INTEGER,
    note TEXT NOT NULL,                 -- JSON: what the scheduler wants to remember of it
    session BIGINT NOT NULL,            -- the session that runs, or ran, its last step
    revision BIGINT NOT NULL,           -- of the study, at the trial's last change
    PRIMARY KEY (study_id, number),
    FOREIGN KEY (study_id, parent) REFERENCES trials (study_id, number)
);
INSERT INTO "trials" VALUES(1,0,'{"x": 0.001, "layers": 2, "batch_norm": true, "optimizer": "na\u00efve ''sgd''", "max_norm": {"float": "Infinity"}}','stopped',4,3,0,1.0,7.0,'not finite',2,NULL,NULL,'{}',1,20);
INSERT INTO "trials" VALUES(1,1,'{"x": 0.5}','failed',1,3,1,1.0,5.0,'ValueError: no',0,NULL,NULL,'{"bracket": 1}',0,11);
INSERT INTO "trials" VALUES(1,2,'{"x": 0.5}','running',0,3,2,1.0,NULL,NULL,0,NULL,NULL,'{}',0,21);
CREATE TABLE tunewell_schema (version INTEGER PRIMARY KEY, applied_at DOUBLE PRECISION NOT NULL);
INSERT INTO "tunewell_schema" VALUES(1,1.7958114195694668293e+09);
INSERT INTO "tunewell_schema" VALUES(2,1.79581141967108345036e+09);
INSERT INTO "tunewell_schema" VALUES(3,1.79581141974101734159e+09);
INSERT INTO "tunewell_schema" VALUES(4,1.79581141977062296866e+09);
INSERT INTO "tunewell_schema" VALUES(5,1.79581141982275557518e+09);
INSERT INTO "tunewell_schema" VALUES(6,1.79581141986209487913e+09);
INSERT INTO "tunewell_schema" VALUES(7,1.79581141986284661287e+09);
INSERT INTO "tunewell_schema" VALUES(8,1.7958114198634157181e+09);
CREATE INDEX sessions_by_study ON sessions (study_id);
CREATE INDEX trials_by_revision ON trials (study_id, revision);
CREATE INDEX reports_by_revision ON reports (study_id, revision);
CREATE INDEX reports_by_trial ON reports (study_id, trial, epoch);
CREATE INDEX events_by_trial ON events (study_id, trial);
CREATE INDEX commands_by_study ON commands (study_id, taken_at);
CREATE INDEX trials_running ON trials (study_id, number) WHERE state = 'running';
COMMIT;
