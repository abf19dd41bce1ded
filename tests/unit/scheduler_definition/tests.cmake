unit(scheduler_definition/test_compile.c USES scheduler_definition)
