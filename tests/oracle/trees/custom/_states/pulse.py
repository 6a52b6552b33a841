def steady(name, rate=60):
    return {"name": name, "result": True, "changes": {}, "comment": str(rate)}
