#!/usr/bin/env python3
"""gather_trees.py CORPUS GRAINS LINES ...: makes a corpus for `cargo xtask conformance` of what record_trees.py wrote."""
import collections, json, pathlib, shutil, sys


def main(corpus, grains, *lines):
    corpus = pathlib.Path(corpus)
    corpus.mkdir(parents=True, exist_ok=True)
    files, manifest = collections.defaultdict(list), []
    for path in lines:
        for line in pathlib.Path(path).read_text().splitlines():
            case = json.loads(line)
            files[f"expected/{case['repo']}/{case['os']}.json"].append(case)
    for file, cases in files.items():
        for at, case in enumerate(cases):
            about = {key: case[key] for key in ("repo", "os", "file_root", "variant", "pillar", "sls")}
            manifest.append({**about, "expected": file, "case": at, "ok": "ret" in case["low"]})
        (corpus / file).parent.mkdir(parents=True, exist_ok=True)
        (corpus / file).write_text(json.dumps({"cases": cases}))
    (corpus / "manifest.json").write_text(json.dumps(manifest))
    shutil.copy(grains, corpus / "grains.json")
    print(f"{len(manifest)} cases, {sum(not one['ok'] for one in manifest)} of them fail in Salt")


if __name__ == "__main__":
    main(*sys.argv[1:])
