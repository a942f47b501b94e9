"""A made-up year of a landlord that does not exist, to try Hem out with. No person, home or figure in it is real."""
