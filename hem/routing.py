"""Which service answers which path behind the one door: the one table."""

SERVICES = ("gateway", "notifications", "reporting")

ROUTES = {
    "/events": "gateway",
    "/schemas": "gateway",
    "/sign-in": "gateway",
    "/sign-out": "gateway",
    "/static": "gateway",
    "/ops/gateway": "gateway",
    "/todo": "notifications",
    "/ops/notifications": "notifications",
    "/mail": "catcher",
    "/": "reporting",
}


def service_of(path: str) -> str:
    """The service of the longest prefix that matches `path` in whole segments; reporting has the rest."""
    while path.rpartition("/")[0]:
        if path in ROUTES:
            return ROUTES[path]
        path = path.rpartition("/")[0]
    return ROUTES.get(path, ROUTES["/"])
