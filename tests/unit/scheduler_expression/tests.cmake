unit(scheduler_expression/test_evaluate.c USES scheduler_expression)
unit(scheduler_expression/test_jsonpath.c USES scheduler_expression)
unit(scheduler_expression/test_regex.c USES scheduler_expression)
