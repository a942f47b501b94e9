from services.chassis.run import main

from .app import service

main(service)
