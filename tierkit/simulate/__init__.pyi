from .crm import (
    SimulatedCrm as SimulatedCrm,
    simulate_crm as simulate_crm,
    write_crm as write_crm,
)
