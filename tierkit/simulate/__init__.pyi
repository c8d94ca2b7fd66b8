from .crm import (
    SimulatedCrm as SimulatedCrm,
    keep_projects as keep_projects,
    simulate_crm as simulate_crm,
    write_crm as write_crm,
)
