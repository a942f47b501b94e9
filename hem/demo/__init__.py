"""Made-up years of a landlord that does not exist, to try Hem out with. No person, home or figure in it is real, but for
the official statistics that say where they are from."""
