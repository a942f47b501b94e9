"""python -m services.reporting [migrate]"""

from services.chassis.run import main
from services.reporting.app import service

main(service)
