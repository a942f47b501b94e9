"""The events that Hem's services and other systems tell each other, and the CloudEvents envelope they travel in.

| where | what |
| --- | --- |
| `tenancy`, `buildings`, `procurement`, `community`, `statistics`, `governance`, `gateway` | the events that come in through the gateway, by area: one frozen model per type and major version |
| `placements`, `summer_jobs`, `placement_contacts`, `surveys`, `invitations`, `notifications`, `reporting` | those of our own services, by owner |
| `withdrawal` | the event that takes another back |
| `event`, `fields`, `corrections` | the envelope, the kinds of value, which of two events holds |
| `kafka`, `http` | the CloudEvents bindings; `envelope`, `text` and `errors` are what both stand on |
| `catalogue` | type → model |
| `compat` | what a change of a schema would break, and for whom |
| `topics.py`, `topics/*.yaml` | who writes and who reads |
| `examples/`, `generated/` | a made-up event of each type; JSON Schemas and picture made by `python -m schemas.generate` |

A new event: a class in its owner's module (a new owner: a line in `catalogue.OWNERS`), an example, and
`python -m schemas.generate`. A new topic: a YAML file. A new optional field is compatible; anything else is a class
with the next `major`, beside the old one until no reader is left.
"""
