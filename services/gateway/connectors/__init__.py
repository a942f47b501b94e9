"""Roads for what others only export: a file is read, compared with the last one, and what is new is published."""
