unit(proto_base/test_base.c USES proto_base)
unit(proto_base/test_containers.c USES proto_base)
