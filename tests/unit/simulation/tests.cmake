unit(simulation/test_model.c USES simulation_model)
