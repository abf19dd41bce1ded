unit(proto_json/test_validate.c USES proto_json)
unit(proto_json/test_read.c USES proto_json)
unit(proto_json/test_number.c USES proto_json)
unit(proto_json/test_write.c USES proto_json)
