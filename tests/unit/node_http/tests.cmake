unit(node_http/test_parser.c USES node_http)
unit(node_http/test_server.c USES node_http)
target_sources(node_http_test_server PRIVATE unit/node_http/world.c)
