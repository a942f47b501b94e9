"""Whose path is whose: the one table, of which every door is made (`hem/front.py` here, `deploy/nginx.conf` in containers)."""

SERVICES = ("gateway", "placements", "surveys", "notifications", "reporting")
OVERVIEW = "overview"  # health and metrics of all services together

ROUTES = {
    "/events": "gateway",
    "/connectors": "gateway",
    "/schemas": "gateway",
    "/topics": "gateway",
    "/systems": "gateway",
    "/fields": "gateway",
    "/journeys": "gateway",
    "/asyncapi": "gateway",
    "/asyncapi.json": "gateway",
    "/report": "gateway",
    "/rate": "gateway",
    "/openapi.json": "gateway",
    "/publishers": "gateway",
    "/sign-in": "gateway",
    "/sign-out": "gateway",
    "/static": "gateway",
    "/ops/gateway": "gateway",
    "/ops/placements": "placements",
    "/ops/surveys": "surveys",
    "/todo": "notifications",
    "/watch": "notifications",
    "/ops/notifications": "notifications",
    "/mail": "catcher",
    "/health/live": OVERVIEW,
    "/health/ready": OVERVIEW,
    "/metrics": OVERVIEW,
    "/": "reporting",
}


def service_of(path: str) -> str:
    """The service of the longest prefix that matches `path` in whole segments; reporting has the rest.

    `path` is as it was sent: nothing decoded, no dots resolved. Every door then decides alike, and a service sees the same path.
    """
    while path.rpartition("/")[0]:
        if path in ROUTES:
            return ROUTES[path]
        path = path.rpartition("/")[0]
    return ROUTES.get(path, ROUTES["/"])
