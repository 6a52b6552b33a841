-- A store as format 1 left it: one job of two hosts, one return.
PRAGMA journal_mode = WAL;
PRAGMA application_id = 1215067237;
PRAGMA user_version = 1;
CREATE TABLE jids (jid TEXT NOT NULL PRIMARY KEY, load TEXT NOT NULL);
CREATE TABLE salt_returns (
    fun TEXT NOT NULL,
    jid TEXT NOT NULL,
    return TEXT GENERATED ALWAYS AS (full_ret -> '$.return') VIRTUAL,
    id TEXT NOT NULL,
    success TEXT NOT NULL,
    full_ret TEXT NOT NULL,
    alter_time TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP);
CREATE UNIQUE INDEX salt_returns_jid_id ON salt_returns (jid, id);
CREATE TABLE targets (jid TEXT NOT NULL, place INTEGER NOT NULL, id TEXT NOT NULL, PRIMARY KEY (jid, place)) WITHOUT ROWID;
CREATE TABLE runs (
    jid TEXT NOT NULL PRIMARY KEY,
    pid INTEGER NOT NULL,
    started INTEGER NOT NULL,
    boot TEXT NOT NULL,
    admitted INTEGER NOT NULL,
    ended TEXT);
CREATE TABLE marks (name TEXT NOT NULL PRIMARY KEY, value INTEGER NOT NULL);
INSERT INTO marks VALUES ('last_micros', 1495060995709946), ('last_prune', 0);
INSERT INTO jids VALUES ('20170517224315709946',
    '{"jid":"20170517224315709946","tgt_type":"glob","tgt":"*","user":"root","fun":"test.ping","arg":[]}');
INSERT INTO targets VALUES ('20170517224315709946', 0, 'a'), ('20170517224315709946', 1, 'b');
INSERT INTO runs VALUES ('20170517224315709946', 4242, 1, 'an earlier boot', 2, '20170517224316709946');
INSERT INTO salt_returns (fun, jid, id, success, full_ret) VALUES ('test.ping', '20170517224315709946', 'a', '1',
    '{"id":"a","jid":"20170517224315709946","fun":"test.ping","fun_args":[],"return":true,"retcode":0,"success":true}');
PRAGMA wal_checkpoint(TRUNCATE);
