unit(proto_wire/test_wire.c USES proto_wire)
target_compile_definitions(
    proto_wire_test_wire PRIVATE GOLDEN_DIRECTORY="${CMAKE_CURRENT_SOURCE_DIR}/unit/proto_wire/golden"
)
