"""A YAML file as a model, where every mistake is reported as `file:line: field: what is wrong`."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, where PyYAML has libyaml
Model = TypeVar("Model", bound=BaseModel)


class DefinitionError(Exception):
    """One or more files are wrong: a line for each mistake."""


Path = Sequence[int | str]
Mistakes = Callable[[Model], Iterable[tuple[Path, str]]]
"""What is wrong with a model that is whole in itself: the place of each mistake, and what it is."""


def read(name: str, text: str, model: type[Model], what: str, mistakes: Mistakes[Model] = lambda _: ()) -> Model:
    """One file, named for the `id` in it. `what` it holds, such as `goal`. Raises `DefinitionError` naming file and line."""
    try:
        node = yaml.compose(text, Loader=LOADER)
        data = yaml.load(text, Loader=LOADER)  # noqa: S506 - either is a safe one
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise DefinitionError(f"{name}:{line}: not YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        raise DefinitionError(f"{name}:1: not YAML: {error}") from error
    if not isinstance(data, dict):
        raise DefinitionError(f"{name}:1: a {what} is a mapping of fields")
    if twice := [f"{name}:{key.start_mark.line + 1}: {key.value}: is there twice" for key in _repeated(node)]:
        raise DefinitionError("\n".join(twice))
    try:
        found = model.model_validate(data)
    except ValidationError as error:
        raise _told(name, node, what, [_said(e) for e in error.errors()]) from error
    if wrong := list(dict.fromkeys(mistakes(found))):
        raise _told(name, node, what, wrong)
    if name != f"{data['id']}.yaml":
        raise _told(name, node, what, [(("id",), f"the file of {what} {data['id']} is called {data['id']}.yaml")])
    return found


def _told(name: str, node: yaml.Node | None, what: str, wrong: Iterable[tuple[Path, str]]) -> DefinitionError:
    lines = []
    for path, said in wrong:
        line, steps = _place(node, path)
        lines.append(f"{name}:{line}: {'.'.join(steps) or what}: {said}")
    return DefinitionError("\n".join(lines))


def _repeated(node: yaml.Node | None) -> Iterator[yaml.Node]:
    """Keys that a mapping has a second time: YAML itself takes the last, and says nothing."""
    match node:
        case yaml.MappingNode():
            seen = set()
            for key, value in node.value:
                if key.value in seen:
                    yield key
                seen.add(key.value)
                yield from _repeated(value)
        case yaml.SequenceNode():
            for entry in node.value:
                yield from _repeated(entry)
        case _:
            return


def _said(error: Any) -> tuple[Path, str]:
    """Where, and what is wrong: in our own words where a check of ours said it."""
    match error["type"]:
        case "missing":
            return error["loc"], "is missing"
        case "extra_forbidden":
            return error["loc"], "there is no such field here"
        case "value_error":
            return error["loc"], str(error["ctx"]["error"])
        case "union_tag_invalid":
            one_of = f"is not one of {error['ctx']['expected_tags']}"
            return (*error["loc"], "kind"), f"{error['ctx']['tag']!r} {one_of}"
        case "union_tag_not_found":
            return (*error["loc"], "kind"), "is missing"
        case _:
            return error["loc"], str(error["msg"])


def _place(node: yaml.Node | None, path: Path) -> tuple[int, list[str]]:
    """The line of the deepest part of `path` that the file has, and the steps to it as the file has them, with the last
    one where it is missing. Steps that only the model knows are passed over."""
    line, steps = 1, []
    for number, step in enumerate(path, 1):
        match node:
            case yaml.MappingNode():
                found = next(((k, v) for k, v in node.value if k.value == str(step)), None)
                if found is None:
                    steps += [str(step)] if number == len(path) else []
                    continue
                key, node = found
                line = key.start_mark.line + 1
            case yaml.SequenceNode() if isinstance(step, int) and step < len(node.value):
                node = node.value[step]
                line = node.start_mark.line + 1
            case _:
                return line, steps
        steps.append(str(step))
    return line, steps
