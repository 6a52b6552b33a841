def loud(x):
    return x.upper()
