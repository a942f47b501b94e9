"""Notifications: what it hears, serves and runs."""

from schemas import governance, reporting, tenancy, withdrawal
from services.chassis.service import Service
from services.notifications import handlers, routes, sender, settler, watch_routes, watch_sender
from services.notifications.settings import NotificationsSettings

service = Service(
    "notifications",
    settings=NotificationsSettings,
    reactions={
        tenancy.TenantMovedIn: handlers.offer_introduction_when_household_moves_in,
        tenancy.MoveInCancelled: handlers.drop_offer_when_move_in_is_cancelled,
        tenancy.TenantContactChanged: handlers.reach_household_when_contact_is_known,
        tenancy.TenantContactErased: handlers.forget_household_when_contact_is_erased,
        governance.ProgrammeStarted: handlers.offer_introductions_when_programme_starts,
        governance.ProgrammeEnded: handlers.stop_offering_when_programme_ends,
        governance.AreaDefined: handlers.name_area_when_it_is_defined,
        reporting.FigurePublished: handlers.tell_watchers_when_figures_are_published,
        reporting.AlertRaised: handlers.tell_watchers_when_alert_is_raised,
        reporting.AlertCleared: handlers.tell_watchers_when_alert_is_cleared,
        withdrawal.EventWithdrawn: handlers.reconsider_when_event_is_withdrawn,
    },
    routes=[routes.router, watch_routes.router],
    workers=[settler.run, sender.run, watch_sender.run],
)
