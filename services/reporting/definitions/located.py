"""A YAML file as a model, where every mistake is reported as `file:line: field: what is wrong`."""

from collections.abc import Sequence
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError

Model = TypeVar("Model", bound=BaseModel)


class DefinitionError(Exception):
    """One or more files are wrong: a line for each mistake."""


def read(name: str, text: str, model: type[Model], what: str) -> Model:
    """One file, named for the `id` in it. `what` it holds, such as `goal`. Raises `DefinitionError` naming file and line."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise DefinitionError(f"{name}:{line}: not YAML: {error.problem}") from error
    if not isinstance(data, dict):
        raise DefinitionError(f"{name}:1: a {what} is a mapping of fields")
    try:
        found = model.model_validate(data)
    except ValidationError as error:
        lines = (
            f"{name}:{_line(node, e['loc'])}: {'.'.join(map(str, e['loc'])) or what}: {e['msg']}"
            for e in error.errors()
        )
        raise DefinitionError("\n".join(lines)) from error
    if name != f"{data['id']}.yaml":
        raise DefinitionError(
            f"{name}:{_line(node, ('id',))}: id: the file of {what} {data['id']} is called {data['id']}.yaml"
        )
    return found


def _line(node: yaml.Node | None, path: Sequence[int | str]) -> int:
    """The line of the deepest part of `path` that the file has. Steps that only the model knows are passed over."""
    line = 1
    for step in path:
        match node:
            case yaml.MappingNode():
                found = next(((k, v) for k, v in node.value if k.value == str(step)), None)
                if found is None:
                    continue
                key, node = found
                line = key.start_mark.line + 1
            case yaml.SequenceNode() if isinstance(step, int) and step < len(node.value):
                node = node.value[step]
                line = node.start_mark.line + 1
            case _:
                return line
    return line
