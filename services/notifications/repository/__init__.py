"""All the SQL of notifications: `heard` keeps what events told, `dealings` what was done about it, `queue` what waits."""
