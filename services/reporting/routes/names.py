"""How things are called on pages."""


def short_type(type: str) -> str:
    """`se.vatterhem.TenantMovedIn.v1` → `TenantMovedIn`."""
    return type.removeprefix("se.vatterhem.").rpartition(".")[0] or type
