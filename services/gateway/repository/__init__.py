"""All the SQL of the gateway. `door`: keys, who owns which source, which events have been accepted."""
