"""Functions in place of a class; they are called with no data when the model is loaded."""

from ts.utils.util import PredictionException

_loaded = []


def handle(data, context):
    if data is None:
        _loaded.append(context.system_properties["model_dir"])
        return None
    return [f"{len(_loaded)} {row}" for row in data]


def other(data, context):
    if data is None:
        return None
    if data == ["refuse"]:
        raise PredictionException("These rows are refused.", 422)
    if data == ["fail"]:
        raise PredictionException("No.", 503)
    if data == ["bug"]:
        raise RuntimeError("a bug")
    if data == ["no list"]:
        return {"a": 1}
    if data == ["short"]:
        return []
    if data == ["unknown value"]:
        raise ValueError("no such value")
    return [row.upper() for row in data]
