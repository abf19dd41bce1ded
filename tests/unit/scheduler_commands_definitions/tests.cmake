unit(
    scheduler_commands_definitions/test_definitions.c
    USES
        scheduler_definition_commands
        storage_memory
)
