"""How anything is made: functions and their code, policies, parameters, outputs, the limits of a stack."""
