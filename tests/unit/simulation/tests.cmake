unit(simulation/test_model.c USES simulation_model)
unit(simulation/test_clock.c USES simulation_world)
