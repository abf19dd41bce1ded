unit(proto_base/test_base.c USES proto_base)
