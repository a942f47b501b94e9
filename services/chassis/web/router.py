"""Routes that declare who may use them. One that doesn't can't be written, and an app that has one isn't built."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from fastapi import APIRouter, Depends, FastAPI
from fastapi.routing import iter_route_contexts
from starlette.routing import Mount

from services.chassis.web.access import Permission, Requirement, requires
from services.chassis.web.static import VersionedFiles

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
Decorator = Callable[[Endpoint], Endpoint]


class Router(APIRouter):
    """FastAPI's router, with a `permission` that every route must give: `@router.get("/todo", permission=…)`.

    The keyword is required on purpose, which is why the signatures below don't match those they override.
    """

    def add_api_route(  # type: ignore[override]
        self,
        path: str,
        endpoint: Callable[..., Any],
        *,
        permission: Permission,
        methods: Iterable[str] | None = None,
        **options: Any,
    ) -> None:
        """FastAPI's, with the permission checked before the endpoint's own dependencies; GET answers HEAD too."""
        dependencies = [Depends(requires(permission)), *(options.pop("dependencies", None) or ())]
        answered = {*(methods or ("GET",))}
        if "GET" in answered:
            answered.add("HEAD")
        super().add_api_route(path, endpoint, dependencies=dependencies, methods=sorted(answered), **options)

    def api_route(  # type: ignore[override]
        self, path: str, *, permission: Permission, **options: Any
    ) -> Decorator[Any]:
        """FastAPI's `api_route`; `methods` as there."""

        def add(endpoint: Endpoint) -> Endpoint:
            self.add_api_route(path, endpoint, permission=permission, **options)
            return endpoint

        return add

    def get(self, path: str, *, permission: Permission, **options: Any) -> Decorator[Any]:  # type: ignore[override]
        """A route that reads."""
        return self.api_route(path, permission=permission, methods=["GET"], **options)

    def post(self, path: str, *, permission: Permission, **options: Any) -> Decorator[Any]:  # type: ignore[override]
        """A route that changes something."""
        return self.api_route(path, permission=permission, methods=["POST"], **options)

    def delete(self, path: str, *, permission: Permission, **options: Any) -> Decorator[Any]:  # type: ignore[override]
        """A route that removes something."""
        return self.api_route(path, permission=permission, methods=["DELETE"], **options)


class UndeclaredRoutes(Exception):
    """An app has routes without a permission; `routes` names them."""

    def __init__(self, routes: list[str]) -> None:
        super().__init__(f"no permission is declared for {', '.join(routes)}: use services.chassis.web.Router")
        self.routes = routes


def undeclared(app: FastAPI) -> list[str]:
    """The routes of `app` without a permission, as "GET /path". Shipped static files need none."""
    return list(_undeclared(app))


def refuse_undeclared(app: FastAPI) -> None:
    """Raises `UndeclaredRoutes` unless every route of `app` declares a permission."""
    if missing := undeclared(app):
        raise UndeclaredRoutes(missing)


def _undeclared(app: FastAPI) -> Iterator[str]:
    for route in iter_route_contexts(app.routes):
        original = route.original_route
        if isinstance(original, Mount) and isinstance(original.app, VersionedFiles):
            continue
        declared = (d.dependency for d in getattr(original, "dependencies", ()))
        if not any(isinstance(dependency, Requirement) for dependency in declared):
            yield f"{'/'.join(sorted(route.methods or {type(original).__name__}))} {route.path}"
