#!/usr/bin/env python3
"""record_ext_pillar.py [NAME ...]: what real Salt's ext_pillar sources give for the cases of ext_pillar/NAME.yaml,
written to ext_pillar/NAME.json.

Run it with the Python of an environment that has Salt, PyMySQL and psycopg2, `pip install salt==3007.15 pymysql
psycopg2-binary`. MySQL and PostgreSQL cases need servers that may be written to, named in the environment as
MYSQL=PORT and POSTGRES=PORT on 127.0.0.1, user and database as in SERVERS below. A case is a map of
  name:    a sentence
  source:  mysql, postgres, sqlite3 or saltclass
  args:    what stands behind the source's name in ext_pillar
  setup:   SQL that is run first; files: {path: text} of the folder that FOLDER stands for in args
  id (m1), grains: of the minion
  differs: why ours gives something else
The answer is {"ret": ...}, or {"error": text} where the source fails."""
import json, logging, os, pathlib, shutil, sqlite3, sys, tempfile

import salt.config, salt.loader, salt.version
import yaml

HERE = pathlib.Path(__file__).parent / "ext_pillar"
SERVERS = {"host": "127.0.0.1", "user": "halite", "pass": "s@lt:w0rd/?", "db": "salt"}
logging.disable(logging.CRITICAL)


def set_up(source, sql, root):
    if source == "sqlite3":
        with sqlite3.connect(root / "pillar.db") as connection:
            connection.executescript(sql)
        return {"database": str(root / "pillar.db")}
    options = dict(SERVERS, port=int(os.environ[source.upper()]))
    names = {"host": options["host"], "user": options["user"], "password": options["pass"], "port": options["port"]}
    if source == "mysql":
        import pymysql
        connection = pymysql.connect(**names, database=options["db"], autocommit=True)
        statements = [one for one in sql.split(";\n") if one.strip()]
    else:
        import psycopg2
        connection = psycopg2.connect(**names, dbname=options["db"])
        connection.autocommit = True
        statements = [sql]
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    connection.close()
    return options


def placed(args, root):
    return yaml.safe_load(json.dumps(args).replace("FOLDER", str(root)))


def answer(case):
    root = pathlib.Path(tempfile.mkdtemp(prefix="record-ext-pillar-"))
    try:
        for path, text in case.get("files", {}).items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
        opts = salt.config.DEFAULT_MINION_OPTS.copy()
        opts.update(root_dir=str(root), cachedir=str(root / "cache"), extension_modules=str(root / "ext"))
        opts.update(id=case.get("id", "m1"), grains=case.get("grains", {}))
        source, args = case["source"], placed(case["args"], root)
        if "setup" in case:
            opts[source] = set_up(source, case["setup"], root)
        function = salt.loader.pillars(opts, {})[source]
        if isinstance(args, dict):
            ret = function(opts["id"], {}, **args)
        elif isinstance(args, list):
            ret = function(opts["id"], {}, *args)
        else:
            ret = function(opts["id"], {}, args)
        return {"ret": json.loads(json.dumps(ret, default=str))}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}
    finally:
        shutil.rmtree(root)


for file in sorted(HERE.glob("*.yaml")):
    if len(sys.argv) > 1 and file.stem not in sys.argv[1:]:
        continue
    cases = yaml.safe_load(file.read_text())
    answers = {case["name"]: answer(case) for case in cases}
    assert len(answers) == len(cases), f"{file}: two cases have one name"
    recorded = {"salt": salt.version.__version__, "answers": answers}
    file.with_suffix(".json").write_text(json.dumps(recorded, indent=1) + "\n")
